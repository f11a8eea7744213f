package exposition

import (
	"bytes"
	"errors"
)

// Mistakes returns what is wrong with a body in the text format, for people who
// put it right by hand: at most so many errors, of which the first is that of
// DecodeText. There are none exactly if DecodeText takes the body.
//
// Each line that cannot be read counts as one. Mistakes that
// concern several lines are only reported once all can be read, since a missing
// line may be their cause.
func Mistakes(body []byte, o Options, most int) []*Error {
	if found := lineMistakes(body, o, most); len(found) > 0 {
		return found
	}
	var found []*Error
	body = bytes.Clone(body)
	for len(found) < most {
		_, err := DecodeText(body, o)
		var e *Error
		if !errors.As(err, &e) || len(found) > 0 && found[len(found)-1].Detail == e.Detail {
			break // nothing is left, or it does not lie in the line
		}
		found = append(found, e)
		if !blankLine(body, e.Line) {
			break
		}
	}
	return found
}

// lineMistakes reads on behind lines that cannot be read. What is left of them
// in the assembly does not matter, as it is never finished.
func lineMistakes(body []byte, o Options, most int) []*Error {
	if checkSize(body) != nil {
		return nil
	}
	a := newAssembly(o, len(body))
	defer a.release()
	s := newTextScanner(a, body, false)
	var found []*Error
	for line := range bytes.Lines(body) {
		line, ended := bytes.CutSuffix(line, []byte{'\n'})
		err := s.next(line, ended)
		if len(found) == 0 && err != nil {
			err = s.explain(err, body)
		}
		var e *Error
		if !errors.As(err, &e) {
			continue
		}
		// A limit that is passed is so for every line behind it.
		if found = append(found, e); len(found) >= most || e.Reason == ReasonLimit {
			break
		}
	}
	return found
}

// blankLine makes a line, counted from 1, one of blanks. It says whether there
// is such a line with anything in it.
func blankLine(body []byte, n int) bool {
	for line := range bytes.Lines(body) {
		if n--; n == 0 {
			line = bytes.TrimRight(line, "\r\n")
			for i := range line {
				line[i] = ' '
			}
			return len(line) > 0
		}
	}
	return false
}
