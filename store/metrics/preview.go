package metrics

// Outcome is what a push would do to its grouping.
type Outcome struct {
	Exists bool // the grouping is there already
	// Families that the grouping would get, that would be pushed anew, that
	// would go, and that the push would not touch.
	Added, Replaced, Removed, Kept int
	Series                         int // of the grouping afterwards
}

// Preview reports what a push would do now. It changes nothing and takes nobody's
// turn: all that is asked is a snapshot, so a push that follows may still find
// things otherwise. Errors are those of Push that lie in what is pushed:
// *Refusal and *LimitError.
func (s *Groupings) Preview(p Push) (Outcome, error) {
	snapshot := s.state()
	current, exists := snapshot.Grouping(p.Key)
	op := &pushOp{push: p}
	before := emptyBody
	var held *body // as admit wants it: nil for a grouping that is not there
	if exists {
		before, held = current.body, current.body
		if p.Mode == Merge {
			op.base = current
		}
	}
	g := newGrouping(p.Key, newBody(op.families()))
	if err := snapshot.admit(&s.o, g, held, op.kept); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Exists: exists, Series: g.Series}
	for _, f := range p.Families {
		if before.find(f.Name) >= 0 {
			out.Replaced++
		} else {
			out.Added++
		}
	}
	for i := range before.holds {
		if op.kept(before.holds[i].name) {
			out.Kept++
		}
	}
	out.Removed = len(before.holds) - out.Replaced - out.Kept
	return out, nil
}
