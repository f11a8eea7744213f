package groupings

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/views/ui"
)

// listView is the query of a person, as it is in the page's address.
type listView struct {
	listQuery
	text        string   // of the search
	matchers    []string // all of which a grouping must satisfy
	bad, reason string   // a matcher that is none, and why
	usual       int      // rows on a page when nothing is said
}

// parseListView parses the query of a page; usual is how many rows a page has if the
// query does not say so. Addresses are typed and shared by people, so what makes no
// sense is left out; only a matcher is answered, since it was meant to narrow the list.
func parseListView(q url.Values, usual int) (listView, error) {
	v := listView{listQuery: listQuery{state: q.Get("state"), sort: q.Get("sort"), cursor: q.Get("after")}, usual: usual}
	var err error
	v.text = strings.TrimSpace(q.Get("q"))
	if v.words, err = web.Words(v.text); err != nil {
		return v, err
	}
	if !slices.Contains(States, v.state) {
		v.state = ""
	}
	if !isOrder(v.sort) {
		v.sort = "labels"
	}
	if v.limit, err = strconv.Atoi(q.Get("rows")); err != nil || !slices.Contains(web.PageSizes, v.limit) {
		v.limit = usual
	}
	if _, err := v.after(); err != nil {
		v.cursor = ""
	}
	v.readMatchers(q["m"])
	return v, nil
}

// readMatchers takes the matchers that can be parsed, and the first other one.
func (v *listView) readMatchers(raw []string) {
	for _, m := range raw {
		m = strings.TrimSpace(m)
		if m == "" || slices.Contains(v.matchers, m) {
			continue
		}
		if len(v.matchers) == maxMatchers {
			v.bad, v.reason = m, "at most "+strconv.Itoa(maxMatchers)+" matchers are allowed"
			return
		}
		with := append(slices.Clip(v.matchers), m)
		selectors, err := parseMatchers(with)
		if err != nil && v.bad == "" {
			v.bad, v.reason = m, web.MatcherProblem(err, m, len(prefixOf(v.matchers)))
		}
		if err == nil {
			v.selectors, v.matchers = selectors, with
		}
	}
}

// prefixOf is a selector up to where one more matcher goes. Every grouping has
// a job; to say so allows selectors that only exclude.
func prefixOf(matchers []string) string {
	return `{job!="",` + strings.Join(append(slices.Clip(matchers), ""), ",")
}

func parseMatchers(matchers []string) (store.Selectors, error) {
	return store.ParseSelectors([]string{strings.TrimSuffix(prefixOf(matchers), ",") + "}"})
}

// query is the view as the query of an address: nothing in it is empty or as
// it is anyway.
func (v *listView) query() string {
	q := url.Values{}
	set := func(name, value, usual string) {
		if value != usual {
			q.Set(name, value)
		}
	}
	set("q", v.text, "")
	set("state", v.state, "")
	set("sort", v.sort, "labels")
	set("rows", strconv.Itoa(v.limit), strconv.Itoa(v.usual))
	set("after", v.cursor, "")
	if len(v.matchers) > 0 {
		q["m"] = v.matchers
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// but is the query of the view's first page with a change.
func (v *listView) but(change func(*listView)) string {
	w := *v
	w.cursor = ""
	change(&w)
	return w.query()
}

func (v *listView) at(cursor string) string {
	return v.but(func(w *listView) { w.cursor = cursor })
}

func (v *listView) with(matcher string) string {
	return v.but(func(w *listView) {
		if !slices.Contains(v.matchers, matcher) {
			w.matchers = append(slices.Clip(v.matchers), matcher)
		}
	})
}

func (v *listView) without(matcher string) string {
	return v.but(func(w *listView) {
		w.matchers = slices.DeleteFunc(slices.Clone(v.matchers), func(m string) bool { return m == matcher })
	})
}

// JobQuery returns the query of the list's address that shows the groupings of a job
// that are in a state; empty: in any.
func JobQuery(job, state string) string {
	v := listView{listQuery: listQuery{sort: "labels", limit: web.DefaultPage, state: state}}
	v.matchers = []string{matcher(model.JobLabel, job)}
	return v.query()
}

// filter returns the conditions of the view, as the query of an address without its
// question mark.
func (v *listView) filter() string {
	return strings.TrimPrefix(v.but(func(w *listView) { w.limit, w.sort = w.usual, "labels" }), "?")
}

// exportQuery is the query that exports what a view shows, on all pages.
func (v *listView) exportQuery(format string) string {
	filter := v.but(func(w *listView) { w.limit = w.usual })
	return "?format=" + format + strings.Replace(filter, "?", "&", 1)
}

// filtered reports whether not all groupings are asked for.
func (v *listView) filtered() bool { return v.state != "" || v.text != "" || len(v.matchers) > 0 }

// hidden returns the parameters of the view that have no input of their own.
func (v *listView) hidden() []ui.Parameter {
	var all []ui.Parameter
	for _, m := range v.matchers {
		all = append(all, ui.Parameter{Name: "m", Value: m})
	}
	if v.state != "" {
		all = append(all, ui.Parameter{Name: "state", Value: v.state})
	}
	if v.sort != "labels" {
		all = append(all, ui.Parameter{Name: "sort", Value: v.sort})
	}
	if v.limit != v.usual {
		all = append(all, ui.Parameter{Name: "rows", Value: strconv.Itoa(v.limit)})
	}
	return all
}
