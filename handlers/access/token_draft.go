package access

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"gatehouse/auth"
	"gatehouse/store"
)

const (
	maxTokenName   = 100 // bytes
	maxLifetime    = 10 * 365 * 24 * time.Hour
	maxOverlap     = 30 * 24 * time.Hour
	defaultOverlap = 24 * time.Hour
)

// tokenRoles are the roles that a token can have, the least first.
var tokenRoles = []auth.Role{auth.Reader, auth.Pusher, auth.Admin}

// tokenDraft is a token as somebody wants it.
type tokenDraft struct {
	name, role, limit string
	lifetime          time.Duration // 0: it does not expire
}

// fieldProblem says what is wrong with a field, in words that go on behind its
// name.
type fieldProblem struct{ field, text string }

// check makes a store's NewToken of a draft, or returns all its problems.
func (d tokenDraft) check() (n store.NewToken, problems []fieldProblem) {
	wrong := func(field, text string) { problems = append(problems, fieldProblem{field, text}) }
	n = store.NewToken{Name: strings.TrimSpace(d.name), Lifetime: d.lifetime}
	if !isTokenName(n.Name) {
		wrong("name", "must be 1 to "+strconv.Itoa(maxTokenName)+" bytes of printable text")
	}
	var err error
	if n.Role, err = auth.ParseRole(d.role); err != nil || !slices.Contains(tokenRoles, n.Role) {
		wrong("role", "must be reader, pusher or admin")
	}
	if n.Scope, err = parseScope(d.limit); err != nil {
		wrong("limit", "cannot be understood: "+err.Error())
	}
	return n, problems
}

func isTokenName(s string) bool {
	return s != "" && len(s) <= maxTokenName && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

var errLimitLines = errors.New("a selector is one line of text")

// parseScope takes a selector; an empty one does not limit.
func parseScope(text string) (store.Selectors, error) {
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
