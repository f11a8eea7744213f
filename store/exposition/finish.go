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
		families[i] = Family{
			Name: copyInto(&metadata, f.name), Type: f.typ, Help: copyInto(&metadata, f.help), Unit: copyInto(&metadata, f.unit),
			Chunk: Chunk{Text: text[from:len(text):len(text)], Proto: f.proto, UTF8: f.utf8 || f.utf8Labels, Series: f.lines},
		}
	}
	return families, nil
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
	return order, a.checkSuffixes(order)
}

// checkSuffixes refuses families that have the name of another one's samples.
func (a *assembly) checkSuffixes(order []int) error {
	name := a.spelled[:0]
	for _, n := range order {
		f := &a.families[n]
		if !f.typ.isComposite() {
			continue
		}
		for _, suffix := range exposedSuffixes(f.typ) {
			name = append(append(name[:0], f.name...), suffix...)
			if m := a.familyNamed(name); m >= 0 && a.families[m].samples > 0 && !a.families[m].drop {
				return suffixClash(f, &a.families[m])
			}
		}
	}
	return nil
}

func suffixClash(f, other *asmFamily) error {
	return refuse(ReasonType, max(f.line, other.line), "metric %s has the name of a sample of %s %s", quoted(other.name), f.typ, quoted(f.name))
}

// exposedSuffixes are those that a type's samples have in a scrape.
func exposedSuffixes(t Type) []string {
	if t == Summary {
		return partSuffixes[1:3]
	}
	return partSuffixes[:3]
}

// checkEscapedNames is checkSuffixes for names as they become under
// `escaping=underscores`, which must differ, too.
func (a *assembly) checkEscapedNames(order []int) error {
	byName := make(map[string]*asmFamily, len(order))
	for _, n := range order {
		f := &a.families[n]
		name := escapeUnderscores.metricName(string(f.name))
		if name == pushTimeName || name == failureTimeName {
			return refuse(ReasonType, f.line, "metric %s is called %s once escaped, which the server makes itself", quoted(f.name), name)
		}
		if other := byName[name]; other != nil {
			return refuse(ReasonType, max(f.line, other.line), "metrics %s and %s have one name once escaped", quoted(other.name), quoted(f.name))
		}
		byName[name] = f
	}
	for _, n := range order {
		f := &a.families[n]
		if !f.typ.isComposite() {
			continue
		}
		name := escapeUnderscores.metricName(string(f.name))
		for _, suffix := range exposedSuffixes(f.typ) {
			if other := byName[name+suffix]; other != nil {
				return suffixClash(f, other)
			}
		}
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
