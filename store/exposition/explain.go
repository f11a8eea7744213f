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

// badName says which character keeps a word from being a metric name, and how to
// write it. rest is what stands behind it.
func (s *textScanner) badName(word []byte, at int, rest []byte) error {
	character, _ := utf8.DecodeRune(word[at:])
	name := string(bytes.ToValidUTF8(word, []byte("_")))
	if name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	name = escapeUnderscores.metricName(name)
	if !s.options.UTF8Names {
		return s.refuse(ReasonName, "metric name %s is not valid: %s at column %d; write %s", quoted(word), strconv.QuoteRune(character), at+1, short(name))
	}
	value := ""
	if _, ok := parseFloat(trimBlanks(rest)); ok && len(rest) < maxQuotedBytes {
		value = " " + string(trimBlanks(rest))
	}
	return s.refuse(ReasonName, "metric name %s is not valid without quotes: %s at column %d; write {%s}%s or %s",
		quoted(word), strconv.QuoteRune(character), at+1, quoted(word), value, short(name))
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

// noLabel says what is wrong with a label that has no value.
func (s *textScanner) noLabel(rest, name, label []byte) error {
	if len(rest) > 0 && rest[0] == ':' {
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
	return s.refuse(ReasonSyntax, "metric %s: expected a number as value, got %s", quoted(name), quoted(word))
}

// trailing says what is wrong with what stands behind a value.
func (s *textScanner) trailing(name, rest []byte) error {
	if _, err := strconv.ParseInt(string(rest), 10, 64); err == nil {
		return s.refuse(ReasonTimestamp, "metric %s: pushed samples can't carry a timestamp, got %s", quoted(name), quoted(rest))
	}
	if rest[0] == '#' {
		return s.refuse(ReasonSyntax, "metric %s: the text format has no exemplars or comments behind a sample, got %s", quoted(name), quoted(rest))
	}
	return s.refuse(ReasonSyntax, "metric %s: unexpected %s behind the value", quoted(name), quoted(rest))
}

// explain puts what the whole body turns out to be in the place of an error that
// its first line gave.
func (s *textScanner) explain(err error, body []byte) error {
	var e *Error
	if !errors.As(err, &e) || e.Reason == ReasonLimit || !isJSON(body) {
		return err
	}
	return refuse(ReasonSyntax, 1, "the body is JSON; push metrics in the text format, one a line: name{label=\"value\"} 1")
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
