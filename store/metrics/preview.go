package metrics

// Outcome is the effect that a push would have on its grouping.
type Outcome struct {
	Exists bool // the grouping is there already
	// Families that the grouping would get, that would be pushed anew, that
	// would go, and that the push would not touch.
	Added, Replaced, Removed, Kept int
	Series                         int // of the grouping afterwards
}

// Preview reports the effect that a push would have now. It changes nothing and
// does not wait in line: it only reads a snapshot, so a push that follows may
// find another state. Errors are those of Push about the pushed data: *Refusal
// and *LimitError.
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
