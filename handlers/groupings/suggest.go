package groupings

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/groupings"
)

const (
	maxSuggestions = 50
)

// suggest completes a matcher: the names of labels that contain q, or the
// values of one name. What was typed of a matcher so far may be given as m.
func (h *Handler) suggest(c *fiber.Ctx) error {
	name, operator, q := c.Query("name"), "=", c.Query("q")
	if typed := c.Query("m"); typed != "" {
		name, operator, q = splitMatcher(typed)
	}
	if len(name)+len(q) > web.MaxQuery {
		return web.BadRequest("q is too long")
	}
	q = strings.ToLower(q)
	counts := map[string]int{}
	for g := range h.store.Snapshot().Groupings() {
		for _, l := range g.Key.Labels() {
			text := l.Name
			if name != "" {
				text = l.Value
			}
			if (name == "" || l.Name == name) && len(text) <= web.MaxSuggested {
				counts[text]++
			}
		}
	}
	return h.web.Page(c, fiber.StatusOK, views.Suggestions(suggestions(counts, name, operator, q)))
}

// suggestions are the texts that contain q, the most frequent ones first.
func suggestions(counts map[string]int, name, operator, q string) []views.Suggestion {
	var texts []string
	for text := range counts {
		if strings.Contains(strings.ToLower(text), q) {
			texts = append(texts, text)
		}
	}
	slices.SortFunc(texts, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	list := make([]views.Suggestion, 0, maxSuggestions)
	for _, text := range texts[:min(len(texts), maxSuggestions)] {
		s := views.Suggestion{Text: name + operator + text, Count: counts[text]}
		if name == "" {
			s = views.Suggestion{Value: labelName(text) + "=", Text: text, Count: counts[text]}
		} else {
			s.Value = labelName(name) + operator + strconv.Quote(text)
		}
		list = append(list, s)
	}
	return list
}

// splitMatcher takes apart what was typed of a matcher; without an operator it
// is a part of a name.
func splitMatcher(typed string) (name, operator, value string) {
	i := strings.IndexAny(typed, "=!")
	if i < 0 {
		return "", "=", strings.Trim(strings.TrimSpace(typed), `"`)
	}
	name, value = strings.Trim(strings.TrimSpace(typed[:i]), `"`), typed[i:]
	for _, operator = range []string{"=~", "!~", "!=", "="} {
		if rest, found := strings.CutPrefix(value, operator); found {
			return name, operator, strings.Trim(strings.TrimSpace(rest), `"`)
		}
	}
	return name, "!=", ""
}

// meant are filters with what somebody may have meant in the place of the values
// that no grouping has.
func meant(home string, v *listView, p *store.Snapshot) []views.Meant {
	var list []views.Meant
	for _, typed := range v.matchers {
		name, value, ok := exactly(typed)
		if !ok {
			continue
		}
		counts := valuesOf(p, name)
		for _, near := range web.Nearest(counts, value) {
			with := matcher(name, near)
			url := home + v.but(func(w *listView) {
				w.matchers = slices.Clone(v.matchers)
				w.matchers[slices.Index(w.matchers, typed)] = with
			})
			list = append(list, views.Meant{Text: with, Count: counts[near], URL: url})
		}
	}
	return list
}

// exactly takes a matcher apart that asks for one value.
func exactly(matcher string) (name, value string, ok bool) {
	name, quoted, found := strings.Cut(matcher, "=")
	if name = strings.Trim(strings.TrimSpace(name), `"`); !found || strings.HasSuffix(name, "!") {
		return "", "", false
	}
	value, err := strconv.Unquote(strings.TrimSpace(quoted))
	return name, value, err == nil && value != ""
}

// valuesOf counts the groupings by the values of a label.
func valuesOf(p *store.Snapshot, name string) map[string]int {
	counts := map[string]int{}
	for g := range p.Groupings() {
		for _, l := range g.Key.Labels() {
			if l.Name == name && len(l.Value) <= web.MaxSuggested {
				counts[l.Value]++
			}
		}
	}
	return counts
}
