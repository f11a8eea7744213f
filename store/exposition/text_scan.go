package exposition

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// sample reads a sample line that begins with its name or a brace.
func (s *textScanner) sample(line []byte) error {
	name, i := s.bareName(line)
	next, legacy := skipBlanks(line, i), true
	s.labels = s.labels[:0]
	if next < len(line) && line[next] == '{' {
		if end := s.usualLabels(line, next+1); end > 0 && name != nil {
			next = skipBlanks(line, end)
		} else {
			bare := name != nil
			var err error
			if name, i, err = s.scanLabels(line, next+1, name); err != nil {
				return err
			}
			next, legacy = skipBlanks(line, i), bare || isLegacyMetric(name)
		}
	}
	if len(name) == 0 {
		return s.noName(line)
	}
	value, err := s.value(line, name, next)
	if err != nil {
		return err
	}
	n, part, suffix := s.resolve(name, legacy)
	s.current = n
	switch part {
	case partValue:
		err = s.addLine(n, s.labels, value, s.line)
	case partNone:
		err = s.addLoose(n, nil, s.labels, value, s.line)
	default:
		err = s.addPart(n, part, suffix, s.labels, value, s.line)
	}
	if s.om != nil && s.om.exemplar != nil && err == nil {
		s.addExemplar(n, part, s.om.exemplar)
		s.om.exemplar = nil
	}
	return err
}

// usualLabels reads labels as clients usually write them: sorted, without
// blanks, escapes or quoted names. For anything else end is 0 and it is for
// scanLabels to read or refuse them.
func (s *textScanner) usualLabels(line []byte, i int) (end int) {
	if !s.valid {
		return 0
	}
	var last []byte
	for {
		start := i
		for i < len(line) && nameClass[line[i]]&labelByte != 0 {
			i++
		}
		name := line[start:i]
		if i+2 >= len(line) || line[i] != '=' || line[i+1] != '"' || len(name) == 0 || len(name) > maxDecodeName ||
			nameClass[name[0]]&labelStartByte == 0 || isReserved(name) || last != nil && compareNames(last, name) >= 0 {
			return 0
		}
		i += 2
		for value := i; ; i++ {
			if i == len(line) || line[i] == '\\' {
				return 0
			}
			if line[i] == '"' {
				s.labels = append(s.labels, asmLabel{name: name, text: line[start : i+1], empty: i == value})
				break
			}
		}
		if i++; i == len(line) {
			return 0
		}
		switch line[i] {
		case ',':
			if i++; len(s.labels) > maxDecodeLabels {
				return 0
			}
			last = name
		case '}':
			return i + 1
		default:
			return 0
		}
	}
}

// bareName reads a legacy metric name, mostly that of the current family. It
// returns nil if there is none or it is too long.
func (s *textScanner) bareName(line []byte) (name []byte, end int) {
	if s.current >= 0 {
		if f := &s.families[s.current]; !f.utf8 && bytes.HasPrefix(line, f.name) {
			end = len(f.name)
		}
	}
	if end == 0 && nameClass[line[0]]&metricStartByte == 0 {
		return nil, 0
	}
	for end < len(line) && nameClass[line[end]]&metricByte != 0 {
		end++
	}
	if end > maxDecodeName {
		return nil, 0
	}
	return line[:end], end
}

// value reads what follows the name and labels.
func (s *textScanner) value(line, name []byte, i int) (number, error) {
	end := endOfWord(line, i)
	value, ok := parseNumber(line[i:end])
	if !ok {
		return value, s.noValue(line, name, i, end)
	}
	rest := trimBlanks(line[end:])
	if len(rest) == 0 {
		return value, nil
	}
	if i == len(name) && bytes.HasPrefix(line, name) { // disk-1 5 looks like a value and a timestamp
		return value, s.badName(line[:end], i, rest)
	}
	if s.om != nil {
		return value, s.omRest(name, rest)
	}
	return value, s.trailing(name, rest)
}

// scanLabels reads the text in braces into s.labels, sorted, and returns where
// it ends. The metric name may be among the labels.
func (s *textScanner) scanLabels(line []byte, i int, name []byte) (metric []byte, end int, err error) {
	s.labels, s.spelled = s.labels[:0], s.spelled[:0]
	sorted := true
	for {
		i = skipBlanks(line, i)
		if i < len(line) && line[i] == '}' {
			if !sorted {
				err = sortLabels(s.labels, name, s.line)
			}
			return name, i + 1, err
		}
		start := i
		var label []byte
		label, end, err = s.labelName(line, i, name)
		if err != nil {
			return nil, 0, err
		}
		eq := skipBlanks(line, end)
		if eq < len(line) && line[eq] == '=' {
			if end, err = s.label(line, start, end, eq, label, name); err != nil {
				return nil, 0, err
			}
			if n := len(s.labels); n > 1 && sorted {
				sorted = bytes.Compare(s.labels[n-2].name, s.labels[n-1].name) < 0
			}
		} else if line[start] == '"' && name == nil && eq < len(line) && (line[eq] == ',' || line[eq] == '}') {
			if _, err := s.checkMetricName(label); err != nil {
				return nil, 0, err
			}
			name = label
		} else {
			return nil, 0, s.noLabel(line, start, end, name, label)
		}
		if i = skipBlanks(line, end); i < len(line) && line[i] == ',' {
			i++
		} else if i >= len(line) || line[i] != '}' && (i == end || !startsLabel(line[i])) { // a blank is enough
			return nil, 0, s.refuse(ReasonSyntax, "metric %s: expected , or } behind label %s", quoted(name), quoted(label))
		}
	}
}

func startsLabel(c byte) bool { return c == '"' || nameClass[c]&labelStartByte != 0 }

// labelName reads the name of a label, or a metric name in its place.
func (s *textScanner) labelName(line []byte, i int, metric []byte) (label []byte, end int, err error) {
	if i < len(line) && line[i] == '"' {
		label, rest, err := s.quotedName(line[i:])
		return label, len(line) - len(rest), err
	}
	end = i
	for end < len(line) && nameClass[line[end]]&labelByte != 0 {
		end++
	}
	if end == i || nameClass[line[i]]&labelStartByte == 0 {
		if i == len(line) {
			return nil, 0, s.refuse(ReasonSyntax, "metric %s: the labels have no closing brace", quoted(metric))
		}
		if err := s.badLabel(line, i, i, metric); err != nil {
			return nil, 0, err
		}
		return nil, 0, s.refuse(ReasonName, "metric %s: no valid label name at %s", quoted(metric), quoted(line[i:]))
	}
	return line[i:end], end, nil
}

// label reads the value of a label whose name is between start and end of the
// line, and adds the label to s.labels.
func (s *textScanner) label(line []byte, start, end, eq int, name, metric []byte) (int, error) {
	if isReserved(name) {
		return 0, s.refuse(ReasonName, "metric %s: label name %s is reserved", quoted(metric), quoted(name))
	}
	l := asmLabel{name: name}
	if line[start] == '"' {
		l.utf8 = !isLegacyLabel(name)
		if len(name) > maxDecodeName {
			return 0, s.longName("label", name)
		}
		if !checkName(name, !l.utf8, s.options.UTF8Names) {
			return 0, s.refuse(ReasonName, "metric %s: invalid label name %s", quoted(metric), quoted(name))
		}
	} else if len(name) > maxDecodeName {
		return 0, s.longName("label", name)
	}
	open := skipBlanks(line, eq+1)
	if open == len(line) || line[open] != '"' {
		return 0, s.refuse(ReasonSyntax, "metric %s: the value of label %s does not begin with a double quote", quoted(metric), quoted(name))
	}
	i, odd, err := s.endOfValue(line, open+1, name, metric)
	if err != nil {
		return 0, err
	}
	if l.empty = i == open+1; open == end+1 && line[start] != '"' && !odd {
		l.text = line[start : i+1]
	} else {
		from := len(s.spelled)
		s.spelled = appendLabel(s.spelled, name, "")
		s.spelled = append(appendEscaped(s.spelled[:len(s.spelled)-1], line[open+1:i]), '"')
		l.text = s.spelled[from:]
	}
	if s.labels = append(s.labels, l); len(s.labels) > maxDecodeLabels {
		return 0, s.refuse(ReasonLimit, "metric %s: more than %d labels", quoted(metric), maxDecodeLabels)
	}
	return i + 1, nil
}

// endOfValue returns where the closing quote of the value that begins at i is.
// odd reports whether the value has a backslash that escapes nothing.
func (s *textScanner) endOfValue(line []byte, i int, name, metric []byte) (end int, odd bool, err error) {
	start := i
	for ; i < len(line) && line[i] != '"'; i++ {
		if line[i] != '\\' {
			continue
		}
		if i++; i < len(line) && !isEscape(line[i]) {
			odd = true
		}
	}
	if i >= len(line) {
		return 0, false, s.refuse(ReasonSyntax, "metric %s: the value of label %s has no closing double quote", quoted(metric), quoted(name))
	}
	if !s.valid && !utf8.Valid(line[start:i]) {
		return 0, false, s.refuse(ReasonValue, "metric %s: the value %s of label %s is not valid UTF-8", quoted(metric), quoted(line[start:i]), quoted(name))
	}
	return i, odd, nil
}

// isEscape reports whether a byte after a backslash encodes another one.
func isEscape(c byte) bool { return c == '\\' || c == '"' || c == 'n' }

// appendEscaped appends the text between the quotes of a pushed value as
// canonical lines spell it: a backslash that escapes nothing stays, as in
// Prometheus.
func appendEscaped(dst, value []byte) []byte {
	for i := 0; i < len(value); i++ {
		if dst = append(dst, value[i]); value[i] != '\\' {
			continue
		}
		if i+1 < len(value) && isEscape(value[i+1]) {
			i++
			dst = append(dst, value[i])
		} else {
			dst = append(dst, '\\')
		}
	}
	return dst
}

// sortLabels sorts labels by name and refuses a name that is there twice.
func sortLabels(labels []asmLabel, metric []byte, line int) error {
	if byName := func(x, y asmLabel) int { return compareNames(x.name, y.name) }; len(labels) == 2 { // the usual le behind one label
		if byName(labels[0], labels[1]) > 0 {
			labels[0], labels[1] = labels[1], labels[0]
		}
	} else {
		slices.SortFunc(labels, byName)
	}
	for i := 1; i < len(labels); i++ {
		if bytes.Equal(labels[i-1].name, labels[i].name) {
			return refuse(ReasonDuplicate, line, "metric %s: label %s is given twice", quoted(metric), quoted(labels[i].name))
		}
	}
	return nil
}

// quotedName reads a name in double quotes. The name does not point into
// memory that is reused before the decoding ends.
func (s *textScanner) quotedName(b []byte) (name, rest []byte, err error) {
	for i := 1; i < min(len(b), 2*maxDecodeName+2); i++ {
		switch b[i] {
		case '"':
			if name == nil {
				name = b[1:i]
			}
			return name, b[i+1:], nil
		case '\\':
			if name == nil {
				name = bytes.Clone(b[1:i])
			}
			if i++; i == len(b) {
				continue
			}
			switch c := b[i]; {
			case c == 'n':
				name = append(name, '\n')
			case isEscape(c):
				name = append(name, c)
			default:
				name = append(name, '\\', c)
			}
		default:
			if name != nil {
				name = append(name, b[i])
			}
		}
	}
	return nil, nil, s.refuse(ReasonSyntax, "name %s is too long or has no closing double quote", quoted(b))
}
