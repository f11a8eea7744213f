package exposition

import "bytes"

// merge puts the labels of a sample and of the grouping together in a.merged.
// labels are sorted by name and differ in it. special says that the identity of the series is not simply its text.
func (a *assembly) merge(labels []asmLabel, f *asmFamily, line int) (special bool, err error) {
	special = a.special
	f.utf8Labels = f.utf8Labels || special
	merged, group := a.merged[:0], a.group
	i, j := 0, 0
	for i < len(labels) || j < len(group) {
		order := -1
		if i == len(labels) {
			order = 1
		} else if j < len(group) {
			order = compareNames(labels[i].name, group[j].name)
		}
		if order > 0 || order == 0 && j != a.filler {
			merged = append(merged, ^int32(j))
			j++
			if order == 0 {
				i++
			}
			continue
		}
		if order == 0 { // the instance of the body in place of the filler
			j++
		}
		if l := &labels[i]; l.utf8 || l.empty && order != 0 {
			special = true
			f.utf8Labels = f.utf8Labels || l.utf8
		}
		merged = append(merged, int32(i))
		i++
	}
	a.own, a.merged = labels, merged
	if len(merged) > maxDecodeLabels {
		return special, refuse(ReasonLimit, line, "metric %s: more than %d labels", quoted(f.name), maxDecodeLabels)
	}
	return special, nil
}

// compareNames orders names that are not empty; most differ in the first byte.
func compareNames(x, y []byte) int {
	if x[0] != y[0] {
		return int(x[0]) - int(y[0])
	}
	return bytes.Compare(x, y)
}

// label is an element of a.merged.
func (a *assembly) label(m int32) *asmLabel {
	if m < 0 {
		return &a.group[^m]
	}
	return &a.own[m]
}

// appendMerged writes the labels of a.merged with a comma behind each.
func (a *assembly) appendMerged(dst []byte) []byte {
	for _, m := range a.merged {
		dst = append(append(dst, a.label(m).text...), ',')
	}
	return dst
}

// appendLabels writes labels with a comma behind each.
func appendLabels(dst []byte, labels []asmLabel) []byte {
	for i := range labels {
		dst = append(append(dst, labels[i].text...), ',')
	}
	return dst
}

// appendOpening writes a series up to its first label.
func appendOpening(dst []byte, f *asmFamily, suffix string) []byte {
	if f.utf8 {
		dst = appendQuotable(append(dst, '{', '"'), f.name)
		return append(append(dst, suffix...), '"', ',')
	}
	return append(append(append(dst, f.name...), suffix...), '{')
}

// appendClosing replaces the comma behind the last label, or the brace if there
// is no label.
func appendClosing(dst []byte) []byte {
	last := len(dst) - 1
	if dst[last] == '{' {
		return dst[:last]
	}
	dst[last] = '}'
	return dst
}

// appendLabel writes a label in its canonical spelling.
func appendLabel[T string | []byte](dst, name []byte, value T) []byte {
	if isLegacyLabel(name) {
		dst = append(dst, name...)
	} else {
		dst = append(appendQuotable(append(dst, '"'), name), '"')
	}
	dst = append(dst, '=', '"')
	return append(appendQuotable(dst, value), '"')
}

// appendQuotable writes s with the escapes that it needs between double quotes.
func appendQuotable[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', '"':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
