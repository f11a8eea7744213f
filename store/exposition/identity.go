package exposition

import (
	"bytes"
	"slices"
)

// asmEscapes holds a label name under the schemes of `escaping=`.
type asmEscapes [escapeNothing]string

// identity returns the labels of a.merged that make the series the one that it
// is: Prometheus knows no empty labels, and names can become equal when they are
// escaped.
func (a *assembly) identity(f *asmFamily, line int) ([]asmLabel, error) {
	kept := make([]asmLabel, 0, len(a.merged))
	utf8 := false
	for _, m := range a.merged {
		l := a.label(m)
		utf8 = utf8 || l.utf8
		if !l.empty || a.filler >= 0 && string(l.name) == instanceLabel {
			kept = append(kept, a.escapedLabel(*l))
		}
	}
	if !utf8 {
		return kept, nil
	}
	slices.SortFunc(kept, func(x, y asmLabel) int { return bytes.Compare(x.name, y.name) })
	for scheme := range escapeNothing {
		if err := a.checkEscaped(f, scheme, line); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// checkEscaped refuses label names that clash once they are escaped.
func (a *assembly) checkEscaped(f *asmFamily, scheme escapeScheme, line int) error {
	pushed := make(map[string][]byte, len(a.merged))
	for _, m := range a.merged {
		l := a.label(m)
		name := string(l.name)
		if l.utf8 {
			name = a.escaped(name)[scheme]
		}
		if l.utf8 && (name == "__name__" || scheme == escapeUnderscores && isReserved(name)) {
			return refuse(ReasonName, line, "metric %s: label %s is reserved once escaped to %s", quoted(f.name), quoted(l.name), quoted(name))
		}
		if other, taken := pushed[name]; taken {
			return refuse(ReasonDuplicate, line, "metric %s: labels %s and %s have the same name once escaped", quoted(f.name), quoted(other), quoted(l.name))
		}
		pushed[name] = l.name
	}
	return nil
}

func (a *assembly) escaped(name string) asmEscapes {
	if e, ok := a.escapes[name]; ok {
		return e
	}
	var e asmEscapes
	for scheme := range e {
		e[scheme] = escapeScheme(scheme).labelName(name)
	}
	if a.escapes == nil {
		a.escapes = make(map[string]asmEscapes)
	}
	a.escapes[name] = e
	return e
}

// escapedLabel is the label under the scheme that Prometheus' scrapes default
// to.
func (a *assembly) escapedLabel(l asmLabel) asmLabel {
	if l.utf8 {
		value := l.text[bytes.LastIndex(l.text[:len(l.text)-1], []byte(`="`)):]
		name := a.escaped(string(l.name))[escapeUnderscores]
		l.name = []byte(name)
		l.text = append([]byte(name), value...)
	}
	return l
}
