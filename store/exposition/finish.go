package exposition

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// finish checks what can only be checked when all is there and returns the
// families that have samples, sorted by name. They share memory with each
// other, but not with the assembly.
func (a *assembly) finish() ([]Family, error) {
	order, err := a.kept()
	if err != nil {
		return nil, err
	}
	if err := a.finishComposites(); err != nil {
		return nil, err
	}
	if err := a.finishExtras(); err != nil {
		return nil, err
	}
	for _, m := range a.messages {
		if err := a.keepProto(m); err != nil {
			return nil, err
		}
	}
	families := a.build(order)
	if a.overlaps(order) {
		if families, err = a.dissolveOverlaps(families); err != nil {
			return nil, err
		}
	}
	lint(families)
	return families, nil
}

// build makes the families of what was written.
func (a *assembly) build(order []int) []Family {
	split := a.sortSplit()
	size, names := 0, 0
	for _, n := range order {
		f := &a.families[n]
		names += len(f.name) + len(f.help) + len(f.unit)
		if !f.split {
			size += f.to - f.from
		}
	}
	for _, l := range split {
		size += int(l.to - l.from)
	}
	text := make([]byte, 0, size)
	var metadata strings.Builder
	metadata.Grow(names)
	families := make([]Family, len(order))
	for i, n := range order {
		f := &a.families[n]
		from := len(text)
		if f.split {
			text = a.appendSplit(text, split, n)
		} else {
			text = append(text, a.text[f.from:f.to]...)
		}
		if f.typ == Counter && f.below {
			f.untypedIn |= InStrict
		}
		x := &families[i] // field by field: the whole is worth no copy
		x.Name, x.Type, x.Help, x.Unit = copyInto(&metadata, f.name), f.typ, copyInto(&metadata, f.help), copyInto(&metadata, f.unit)
		x.Text, x.Series, x.Loose, x.UntypedIn = text[from:len(text):len(text)], f.lines, uint32(f.loose), f.untypedIn
		x.Proto, x.UTF8, x.Notices = f.proto, f.utf8 || f.utf8Labels, f.notices
	}
	return families
}

// copyInto appends s to b and returns the copy.
func copyInto(b *strings.Builder, s []byte) string {
	from := b.Len()
	b.Write(s)
	return b.String()[from:]
}

// kept returns the families that have samples and are not dropped, by name.
func (a *assembly) kept() ([]int, error) {
	order := make([]int, 0, len(a.families))
	utf8 := false
	for n := range a.families {
		if f := &a.families[n]; f.samples > 0 && !f.drop {
			order = append(order, n)
			utf8 = utf8 || f.utf8
		}
	}
	slices.SortFunc(order, func(m, n int) int { return bytes.Compare(a.families[m].name, a.families[n].name) })
	if utf8 {
		return order, a.checkEscapedNames(order)
	}
	return order, nil
}

// checkEscapedNames refuses families that have one name under
// `escaping=underscores`.
func (a *assembly) checkEscapedNames(order []int) error {
	byName := make(map[string]*asmFamily, len(order))
	for _, n := range order {
		f := &a.families[n]
		name := escapeUnderscores.metricName(string(f.name))
		if name == pushTimeName || name == failureTimeName {
			return refuse(ReasonType, f.line, "metric %s is called %s once escaped, which is a metric of the server's own", quoted(f.name), name)
		}
		if other := byName[name]; other != nil {
			return refuse(ReasonType, max(f.line, other.line), "metrics %s and %s have the same name once escaped", quoted(other.name), quoted(f.name))
		}
		byName[name] = f
	}
	return nil
}

// sortSplit brings the lines of families together whose lines stand apart, and
// returns these lines.
func (a *assembly) sortSplit() []asmLine {
	var split []asmLine
	for _, l := range a.lines {
		if a.families[l.family].split {
			split = append(split, l)
		}
	}
	slices.SortStableFunc(split, func(x, y asmLine) int { return cmp.Compare(x.family, y.family) })
	return split
}

func (a *assembly) appendSplit(dst []byte, split []asmLine, n int) []byte {
	at, _ := slices.BinarySearchFunc(split, n, func(l asmLine, n int) int { return cmp.Compare(int(l.family), n) })
	for ; at < len(split) && int(split[at].family) == n; at++ {
		dst = append(dst, a.text[split[at].from:split[at].to]...)
	}
	return dst
}
