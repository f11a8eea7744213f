package exposition

import (
	"maps"
	"slices"
	"strings"
)

// overlaps reports whether some histogram or summary of the push has the name of
// a sample in common with another family of it, such as h with h_count.
func (a *assembly) overlaps(order []int) bool {
	if !a.composite {
		return false
	}
	name := a.spelled[:0]
	for _, n := range order {
		f := &a.families[n]
		if f.utf8 {
			return true // to be looked at with names as they are once escaped
		}
		for _, suffix := range f.typ.sampleSuffixes() {
			name = append(append(name[:0], f.name...), suffix...)
			if m := a.familyNamed(name); m >= 0 && a.families[m].samples > 0 && !a.families[m].drop {
				return true
			}
		}
	}
	return false
}

// dissolveOverlaps makes plain, untyped families of the histograms and
// summaries that overlap with another family: no reader could separate the two
// by their types. families are sorted by name, before and after.
func (a *assembly) dissolveOverlaps(families []Family) ([]Family, error) {
	names := make(map[string]bool, len(families))
	for i := range families {
		addNames(names, families[i].Name)
	}
	for {
		kept, overlapping := splitOverlapping(families, names)
		if len(overlapping) == 0 {
			return families, a.checkUnderscores(families)
		}
		var err error
		if families, err = dissolve(kept, overlapping, names); err != nil {
			return nil, err
		}
	}
}

// splitOverlapping separates the families that overlap with another one from
// the rest.
func splitOverlapping(families []Family, names map[string]bool) (kept, overlapping []Family) {
	for _, f := range families {
		if overlapped(f, names) {
			overlapping = append(overlapping, f)
		} else {
			kept = append(kept, f)
		}
	}
	return kept, overlapping
}

func addNames(names map[string]bool, family string) {
	for _, name := range EscapedMetricNames(family) {
		names[name] = true
	}
}

func overlapped(f Family, names map[string]bool) bool {
	for _, suffix := range f.Type.sampleSuffixes() {
		for _, name := range EscapedMetricNames(f.Name) {
			if names[name+suffix] {
				return true
			}
		}
	}
	return false
}

// checkUnderscores refuses families that have one name under
// `escaping=underscores`.
func (a *assembly) checkUnderscores(families []Family) error {
	byName := make(map[string]string, len(families))
	for i := range families {
		name := escapeUnderscores.metricName(families[i].Name)
		if other, taken := byName[name]; taken {
			line := max(a.lineOf(other), a.lineOf(families[i].Name))
			return refuse(ReasonType, line, "metrics %s and %s have the same name once escaped", quoted(other), quoted(families[i].Name))
		}
		byName[name] = families[i].Name
	}
	return nil
}

// lineOf returns the line of a family's first sample; 0: not known.
func (a *assembly) lineOf(family string) int {
	if n := a.familyNamed([]byte(family)); n >= 0 {
		return a.families[n].line
	}
	return 0
}

// dissolve adds the lines of histograms and summaries to the families named as
// their samples, of those that are kept or of new ones.
func dissolve(kept, overlapping []Family, names map[string]bool) ([]Family, error) {
	parts := map[string]*Family{}
	for _, f := range overlapping {
		if err := f.dissolveInto(parts); err != nil {
			return nil, err
		}
	}
	families := slices.Clip(kept)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		part := parts[name]
		addNames(names, name)
		if at, known := slices.BinarySearchFunc(kept, name, compareFamilyName); !known {
			part.Text = slices.Clip(part.Text)
			families = append(families, *part)
		} else if err := families[at].absorb(part); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(families, func(f, g Family) int { return strings.Compare(f.Name, g.Name) })
	return families, nil
}

func compareFamilyName(f Family, name string) int { return strings.Compare(f.Name, name) }

// dissolveInto adds the lines of a histogram or summary to untyped families, by
// name. Their bounds are spelled as Prometheus 3 spells those of typed ones. What is
// odd about the family goes to the first of them.
func (f *Family) dissolveInto(parts map[string]*Family) error {
	own := map[string]*Family{}
	for l := range Lines(f.Text) {
		name := Unescape(l.Name)
		part := own[name]
		if part == nil {
			part = &Family{Name: name, Of: f.Name, Chunk: Chunk{UTF8: f.UTF8}}
			own[name] = part
		}
		line := append(append(l.Series[:len(l.Series):len(l.Series)], ' '), l.Value...)
		part.Text = append(appendNormalized(part.Text, line, f.Type.boundLabel()), '\n')
		part.Series++
	}
	for i, name := range slices.Sorted(maps.Keys(own)) {
		if i == 0 {
			own[name].Notices = addNotice(f.Notices, NoticeOverlap, 1)
		}
		if parts[name] == nil {
			parts[name] = own[name]
		} else if err := parts[name].absorb(own[name]); err != nil {
			return err
		}
	}
	return nil
}

// absorb adds the lines and notices of an untyped family of the same name.
func (f *Family) absorb(part *Family) error {
	bound := ""
	if f.Type.isComposite() {
		bound = f.Type.boundLabel()
	}
	held := make(map[string]bool, f.Series)
	for l := range Lines(f.Text) {
		held[seriesKey(l, bound)] = true
	}
	for l := range Lines(part.Text) {
		if held[seriesKey(l, bound)] {
			return refuse(ReasonDuplicate, 0, "series %s is duplicated", quoted(l.Series))
		}
		if slices.ContainsFunc(l.Labels, func(x LineLabel) bool { return string(x.Name) == bound }) {
			f.UntypedIn |= InText // where it would be read as a bound of f
		}
	}
	f.Text = slices.Clip(slices.Concat(f.Text, part.Text))
	f.Series += part.Series
	f.UTF8 = f.UTF8 || part.UTF8
	if part.Of != f.Name {
		f.Of = part.Of
	}
	for _, n := range part.Notices {
		f.Notices = addNotice(f.Notices, n.Kind, n.Count)
	}
	if f.Type.isComposite() {
		f.Loose += uint32(len(part.Text))
		f.UntypedIn |= InStrict
		return nil
	}
	f.Proto = nil // which lacks these lines
	if f.Type == Counter {
		f.UntypedIn |= InStrict
	}
	return nil
}

// seriesKey returns what makes a line the series that it is. The label called bound
// is compared as a number.
func seriesKey(l *Line, bound string) string {
	labels := []string{Unescape(l.Name)}
	for _, x := range l.Labels {
		if len(x.Value) == 0 {
			continue
		}
		value := string(x.Value)
		if string(x.Name) == bound {
			value = normalizedBound(value)
		}
		labels = append(labels, escapeUnderscores.labelName(Unescape(x.Name))+"="+value)
	}
	slices.Sort(labels[1:])
	return strings.Join(labels, "\xff")
}
