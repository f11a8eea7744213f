package exposition

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// noName says what is wrong with a sample line that begins with no valid name.
func (s *textScanner) noName(line []byte) error {
	end := 0
	for end < len(line) && nameClass[line[end]]&metricByte != 0 {
		end++
	}
	if end > maxDecodeName {
		return s.longName("metric", line[:end])
	}
	if word := line[:endOfWord(line, 0)]; len(word) < len(line) && bytes.IndexByte(word, '{') < 0 && bytes.IndexByte(word, '"') < 0 {
		return s.badName(word, 0, line[len(word):])
	}
	return s.refuse(ReasonName, "no valid metric name at %s", quoted(line))
}

func (s *textScanner) longName(what string, name []byte) error {
	return s.refuse(ReasonName, "%s name %s is longer than %d bytes", what, quoted(name), maxDecodeName)
}

// badName says which character keeps a word from being a metric name, and how
// to write it. rest is the text after it.
func (s *textScanner) badName(word []byte, at int, rest []byte) error {
	rest = trimBlanks(rest)
	labels, value := "", ""
	if bytes.HasPrefix(rest, []byte("{")) && !bytes.HasPrefix(rest, []byte("{}")) {
		labels = ",…"
	}
	if _, ok := parseFloat(rest); ok && len(rest) < maxQuotedBytes {
		value = " " + string(rest)
	}
	written := "{" + quoted(word) + labels + "}" + value
	return s.badWord("metric name", word, at, at+1, escapeUnderscores.metricName(plainWord(word)), written)
}

// badLabel says which character keeps what begins at start from being a label name,
// and how to write it. It returns nil if no value is given to that.
func (s *textScanner) badLabel(line []byte, start, at int, metric []byte) error {
	end := start
	for end < len(line) && bytes.IndexByte([]byte(" \t=,{}\""), line[end]) < 0 {
		end++
	}
	if eq := skipBlanks(line, end); at >= end || eq == len(line) || line[eq] != '=' {
		return nil
	}
	what, word := "label name", line[start:end]
	if len(metric) > 0 {
		what = "metric " + quoted(metric) + ": label name"
	}
	return s.badWord(what, word, at-start, utf8.RuneCount(line[:at])+1, escapeUnderscores.labelName(plainWord(word)), quoted(word)+`="…"`)
}

// badCommentName says what is wrong with a comment on a metric without a valid name.
func (s *textScanner) badCommentName(line []byte, at int) error {
	word := line[:endOfWord(line, 0)]
	if at >= len(word) || bytes.ContainsAny(word, `{"`) {
		return s.refuse(ReasonName, "invalid metric name %s in a comment", quoted(line))
	}
	return s.badWord("metric name", word, at, 0, escapeUnderscores.metricName(plainWord(word)), quoted(word))
}

// badWord says that a word is no name because of the character at a position of
// it, and how to write it: plainly, or quoted where that is allowed. column is
// that of the character in the line; 0: not known.
func (s *textScanner) badWord(what string, word []byte, at, column int, plain, written string) error {
	if !utf8.Valid(word) {
		return s.refuse(ReasonName, "%s %s is not valid UTF-8", what, quoted(word))
	}
	character, _ := utf8.DecodeRune(word[at:])
	why := strconv.QuoteRune(character)
	if column > 0 {
		why += " at column " + strconv.Itoa(column)
	}
	if !s.options.UTF8Names {
		return s.refuse(ReasonName, "%s %s is not valid: %s; write %s", what, quoted(word), why, short(plain))
	}
	return s.refuse(ReasonName, "%s %s is not valid without quotes: %s; write %s or %s", what, quoted(word), why, written, short(plain))
}

// plainWord returns a word as valid UTF-8 that does not begin with a digit.
func plainWord(word []byte) string {
	name := string(bytes.ToValidUTF8(word, []byte("_")))
	if name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}

func short(name string) string { return name[:min(len(name), maxQuotedBytes)] }

// hintLineEnds is for bodies that seem to have lost their line ends.
const hintLineEnds = "was the body sent without its line ends? (curl: use --data-binary, not -d)"

func (s *textScanner) unknownType(name, word []byte) error {
	if endOfWord(word, 0) < len(word) || bytes.Contains(word, []byte(`\n`)) || bytes.IndexByte(word, '\r') >= 0 {
		return s.refuse(ReasonSyntax, "metric %s: unknown type %s; %s", quoted(name), quoted(word), hintLineEnds)
	}
	return s.refuse(ReasonSyntax, "metric %s: unknown type %s", quoted(name), quoted(word))
}

// noLabel says what is wrong with a label, between start and end of the line, that
// has no value.
func (s *textScanner) noLabel(line []byte, start, end int, name, label []byte) error {
	if line[start] != '"' {
		if err := s.badLabel(line, start, end, name); err != nil {
			return err
		}
	}
	if rest := line[skipBlanks(line, end):]; len(rest) > 0 && rest[0] == ':' {
		return s.noComposite(name)
	}
	return s.refuse(ReasonSyntax, `metric %s: expected ="…" behind label name %s`, quoted(name), quoted(label))
}

func (s *textScanner) noComposite(name []byte) error {
	return s.refuse(ReasonSyntax, "metric %s: composite values such as those of OpenMetrics 2.0 can't be pushed; push OpenMetrics 1.0 or protobuf", quoted(name))
}

// noValue says what is wrong where a value was expected.
func (s *textScanner) noValue(line, name []byte, i, end int) error {
	word := line[i:end]
	switch {
	case i == len(line):
		return s.refuse(ReasonSyntax, "metric %s has no value", quoted(name))
	case i == len(name) && bytes.HasPrefix(line, name):
		if cut := bytes.IndexByte(word, '{'); cut >= 0 {
			word = word[:cut]
		}
		return s.badName(line[:i+len(word)], len(name), line[i+len(word):]) // such as a-b
	case word[0] == '{':
		return s.noComposite(name)
	}
	hint := ""
	if bytes.IndexByte(word, '\r') >= 0 || bytes.Contains(word, []byte(`\n`)) {
		hint = "; " + hintLineEnds
	}
	return s.refuse(ReasonSyntax, "metric %s: expected a number as value, got %s%s", quoted(name), quoted(word), hint)
}

// trailing describes the wrong text after a value.
func (s *textScanner) trailing(name, rest []byte) error {
	if _, err := strconv.ParseInt(string(rest), 10, 64); err == nil {
		return s.refuse(ReasonTimestamp, "metric %s: pushed samples can't carry a timestamp, got %s", quoted(name), quoted(rest))
	}
	if rest[0] == '#' {
		return s.refuse(ReasonSyntax, "metric %s: the text format has no exemplars or comments behind a sample, got %s", quoted(name), quoted(rest))
	}
	hint := ""
	if words := bytes.Fields(rest); len(words) > 1 && nameClass[words[0][0]]&metricStartByte != 0 {
		hint = "; " + hintLineEnds // the next line
	}
	return s.refuse(ReasonSyntax, "metric %s: unexpected %s behind the value%s", quoted(name), quoted(rest), hint)
}

// explain puts what the whole body turns out to be in the place of an error that
// its first line gave.
func (s *textScanner) explain(err error, body []byte) error {
	var e *Error
	if !errors.As(err, &e) || e.Reason == ReasonLimit {
		return err
	}
	switch {
	case bytes.HasPrefix(body, []byte("\ufeff")):
		return refuse(ReasonSyntax, 1, "the body begins with a byte order mark; send UTF-8 without one")
	case bytes.HasPrefix(body, []byte("\xff\xfe")), bytes.HasPrefix(body, []byte("\xfe\xff")):
		return refuse(ReasonSyntax, 1, "the body is UTF-16; send UTF-8")
	case isJSON(body):
		return refuse(ReasonSyntax, 1, "the body is JSON; push metrics in the text format, one a line: name{label=\"value\"} 1")
	}
	return err
}

// isJSON reports whether a body is JSON: an object with something in it or an
// array, and perhaps further ones.
func isJSON(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 || body[0] != '{' && body[0] != '[' {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	var value json.RawMessage
	if decoder.Decode(&value) != nil || string(value) == "{}" {
		return false
	}
	rest := bytes.TrimLeft(body[decoder.InputOffset():], " \t\r\n")
	return len(rest) == 0 || rest[0] == body[0]
}
