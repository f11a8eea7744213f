package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/auth"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

const (
	maxTokenName   = 100 // bytes
	maxLifetime    = 10 * 365 * 24 * time.Hour
	maxOverlap     = 30 * 24 * time.Hour
	defaultOverlap = 24 * time.Hour
	maxJSONBytes   = 8 << 10 // of a body
)

// tokenRoles are what a token can be allowed to do, the least first.
var tokenRoles = []auth.Role{auth.Reader, auth.Pusher, auth.Admin}

// tokenDraft is a token as somebody wants it.
type tokenDraft struct {
	name, role, limit string
	lifetime          time.Duration // 0: it does not expire
}

// fieldProblem says what is wrong with a field, in words that go on behind its
// name.
type fieldProblem struct{ field, text string }

// check makes of a draft what the store makes a token of, or tells all that is
// wrong with it.
func (d tokenDraft) check() (n store.NewToken, problems []fieldProblem) {
	wrong := func(field, text string) { problems = append(problems, fieldProblem{field, text}) }
	n = store.NewToken{Name: strings.TrimSpace(d.name), Role: d.role, Lifetime: d.lifetime}
	if !isTokenName(n.Name) {
		wrong("name", "must be 1 to "+strconv.Itoa(maxTokenName)+" bytes of printable text")
	}
	if !slices.ContainsFunc(tokenRoles, func(r auth.Role) bool { return r.String() == d.role }) {
		wrong("role", "must be reader, pusher or admin")
	}
	var err error
	if n.Limit, err = parseLimit(d.limit); err != nil {
		wrong("limit", "cannot be understood: "+err.Error())
	}
	return n, problems
}

func isTokenName(s string) bool {
	return s != "" && len(s) <= maxTokenName && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

var errLimitLines = errors.New("a selector is one line of text")

// parseLimit takes a selector; an empty one does not limit.
func parseLimit(text string) (store.Selectors, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return store.Selectors{}, nil
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return store.Selectors{}, errLimitLines
	}
	return store.ParseSelectors([]string{text})
}

var (
	errLifetime = errors.New("must be a duration such as 30d, of 10 years at the most; 0: it never expires")
	errOverlap  = errors.New("must be a duration such as 24h, of 30 days at the most")
)

// parseLifetime takes how long a token is good for; 0 and nothing: for ever.
func parseLifetime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := model.ParseDuration(text)
	if err != nil || time.Duration(d) > maxLifetime {
		return 0, errLifetime
	}
	return time.Duration(d), nil
}

// parseOverlap takes how long an old secret is good for beside the new one.
func parseOverlap(text string) (time.Duration, error) {
	d, err := model.ParseDuration(text)
	if err != nil || time.Duration(d) > maxOverlap {
		return 0, errOverlap
	}
	return time.Duration(d), nil
}

// readJSON reads a body that is an object of texts under the given names. No body
// is an object without any.
func readJSON(c *fiber.Ctx, names ...string) (map[string]string, error) {
	var body []byte
	if stream := c.Context().RequestBodyStream(); stream != nil {
		var err error
		body, err = exposition.ReadBody(stream, "", maxJSONBytes, nil)
		if errors.Is(err, exposition.ErrTooLarge) {
			return nil, &httpError{fiber.StatusRequestEntityTooLarge, "the body is larger than " + strconv.Itoa(maxJSONBytes>>10) + " KiB"}
		}
		if err != nil {
			return nil, err
		}
	}
	if len(body) == 0 {
		return nil, nil
	}
	if kind, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); kind != fiber.MIMEApplicationJSON {
		return nil, &httpError{fiber.StatusUnsupportedMediaType, "the body must be " + fiber.MIMEApplicationJSON}
	}
	return parseTexts(body, names...)
}

var errJSON = badRequest("the body must be a JSON object")

// parseTexts parses an object of texts under the given names. It takes nothing
// that two readers could understand differently.
func parseTexts(body []byte, names ...string) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') || !utf8.Valid(body) {
		return nil, errJSON
	}
	texts := make(map[string]string, len(names))
	for d.More() {
		key, err := d.Token()
		name, _ := key.(string)
		if err != nil {
			return nil, errJSON
		}
		quoted := strconv.Quote(shorten(name, maxValue))
		if !slices.Contains(names, name) {
			return nil, badRequest("the body has an unknown field: " + quoted)
		}
		if _, twice := texts[name]; twice {
			return nil, badRequest("the body has a field twice: " + quoted)
		}
		value, err := d.Token()
		if err != nil {
			return nil, errJSON
		}
		text, ok := value.(string)
		if !ok {
			return nil, badRequest("the field " + quoted + " must be a string")
		}
		texts[name] = text
	}
	if _, err := d.Token(); err != nil { // the end of the object
		return nil, errJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	return texts, nil
}
