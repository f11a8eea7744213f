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

// dissolveOverlaps makes plain, untyped families of the histograms and summaries
// that overlap with another family: no reader could tell the two apart by their
// types. families are sorted by name, before and after.
func (a *assembly) dissolveOverlaps(families []Family) ([]Family, error) {
	names := make(map[string]bool, len(families))
	for i := range families {
		addNames(names, families[i].Name)
	}
	for {
		at := slices.IndexFunc(families, func(f Family) bool { return overlapped(f, names) })
		if at < 0 {
			return families, a.checkUnderscores(families)
		}
		f := families[at]
		families = slices.Delete(families, at, at+1)
		var err error
		if families, err = dissolve(families, f, names); err != nil {
			return nil, err
		}
	}
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

// dissolve adds the lines of a histogram or summary to the families that are
// called as its samples.
func dissolve(families []Family, f Family, names map[string]bool) ([]Family, error) {
	parts := map[string]*Family{}
	for l := range Lines(f.Text) {
		name := Unescape(l.Name)
		part := parts[name]
		if part == nil {
			part = &Family{Name: name, Chunk: Chunk{UTF8: f.UTF8}}
			parts[name] = part
		}
		part.Text = append(append(append(append(part.Text, l.Series...), ' '), l.Value...), '\n')
		part.Series++
	}
	notices := addNotice(slices.Clip(f.Notices), NoticeOverlap, 1)
	for i, name := range slices.Sorted(maps.Keys(parts)) {
		part := parts[name]
		addNames(names, name)
		at, known := slices.BinarySearchFunc(families, name, func(f Family, name string) int { return strings.Compare(f.Name, name) })
		if !known {
			part.Text = slices.Clip(part.Text)
			families = slices.Insert(families, at, *part)
		} else if err := families[at].absorb(part); err != nil {
			return nil, err
		}
		if i == 0 {
			families[at].Notices = append(slices.Clip(families[at].Notices), notices...)
		}
	}
	return families, nil
}

// absorb adds the lines of an untyped family of the same name.
func (f *Family) absorb(part *Family) error {
	held := make(map[string]bool, f.Series)
	for l := range Lines(f.Text) {
		held[seriesKey(l)] = true
	}
	for l := range Lines(part.Text) {
		if held[seriesKey(l)] {
			return refuse(ReasonDuplicate, 0, "series %s is duplicated", quoted(l.Series))
		}
	}
	f.Text = slices.Clip(slices.Concat(f.Text, part.Text))
	f.Series += part.Series
	f.UTF8 = f.UTF8 || part.UTF8
	if f.Type.isComposite() {
		f.Loose += len(part.Text)
		f.UntypedIn |= InStrict
		return nil
	}
	f.Proto = nil // which lacks these lines
	if f.Type == Counter {
		f.UntypedIn |= InStrict
	}
	return nil
}

// seriesKey returns what makes a line the series that it is.
func seriesKey(l *Line) string {
	labels := []string{Unescape(l.Name)}
	for _, x := range l.Labels {
		if len(x.Value) > 0 {
			labels = append(labels, escapeUnderscores.labelName(Unescape(x.Name))+"="+string(x.Value))
		}
	}
	slices.Sort(labels[1:])
	return strings.Join(labels, "\xff")
}
