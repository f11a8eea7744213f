package handlers_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
)

// documentedNeed is what a request needs as the documentation says.
type documentedNeed struct{ method, path, role string } // no method: any

var requestPart = regexp.MustCompile("`(/[^`]*)`|\\b(GET|PUT|POST|DELETE)\\b")

// documentedNeeds reads the table of requests and roles.
func documentedNeeds(t *testing.T) (all []documentedNeed) {
	t.Helper()
	page, err := os.ReadFile("../views/docs/roles.md")
	handlertest.Must(t, err)
	_, table, _ := strings.Cut(string(page), "| request | needs |")
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(row, " | ")
		if len(cells) != 2 {
			continue
		}
		role := strings.Trim(regexp.MustCompile("`[a-z]+`|nothing").FindString(cells[1]), "`")
		methods, behindPath := []string{""}, true
		for _, part := range requestPart.FindAllStringSubmatch(cells[0], -1) {
			if path := part[1]; path != "" {
				path = strings.NewReplacer("job/…", "*", "…", ":id").Replace(path)
				for _, m := range methods {
					all = append(all, documentedNeed{m, path, role})
				}
				behindPath = true
				continue
			}
			if behindPath {
				methods, behindPath = nil, false
			}
			methods = append(methods, part[2])
		}
	}
	return all
}

func TestTheTableOfRequestsSaysWhatTheyNeed(t *testing.T) {
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	routes, needs := h.EveryRoute(), documentedNeeds(t)
	if len(needs) < 30 {
		t.Fatalf("only %v", needs)
	}
	roleOf := func(a auth.Action) string {
		switch a {
		case auth.Public:
			return "nothing"
		case auth.Scrape: // or the scrape key
			return auth.Reader.String()
		}
		return auth.RoleFor(a).String()
	}
	for _, d := range needs {
		if strings.HasPrefix(d.path, "/debug/") {
			continue // is mounted as a whole
		}
		i := slices.IndexFunc(routes, func(r web.Route) bool { return r.Path == d.path })
		if i < 0 {
			t.Errorf("there is no route %s", d.path)
			continue
		}
		for method, e := range routes[i].On {
			if (d.method == "" || d.method == method) && roleOf(e.Needs) != d.role {
				t.Errorf("%s %s needs %s, documented is %s", method, d.path, roleOf(e.Needs), d.role)
			}
		}
	}
	for _, r := range routes {
		for method := range r.On {
			documented := slices.ContainsFunc(needs, func(d documentedNeed) bool {
				return (d.method == "" || d.method == method) && (d.path == r.Path || strings.HasPrefix(r.Path, d.path+"/:"))
			})
			if !documented && r.Kind != web.Page {
				t.Errorf("%s %s is not documented", method, r.Path)
			}
		}
	}
}
