package handlers_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store/exposition"
)

func TestTheDescriptionIsValidOpenAPI(t *testing.T) {
	if _, err := handlertest.DescribedAPI(); err != nil {
		t.Fatal(err)
	}
}

// servedOperations lists what the routes serve, as the description would put it.
func servedOperations(routes []web.Route) []string {
	var all []string
	for _, r := range routes {
		if r.Kind == web.Page {
			continue
		}
		paths := []string{strings.Replace(r.Path, ":id", "{id}", 1)}
		if r.Path == "/metrics/*" {
			paths = []string{"/metrics/job/{job}", "/metrics/job/{job}/{labels}"}
		}
		for _, path := range paths {
			for method := range r.On {
				all = append(all, method+" "+path)
			}
		}
	}
	// These are mounted as a whole.
	all = append(all, "GET /debug/pprof/", "GET /debug/pprof/{profile}")
	slices.Sort(all)
	return all
}

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	doc, err := handlertest.DescribedAPI()
	handlertest.Must(t, err)
	var described []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(described)
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	if served := servedOperations(h.Routes()); !slices.Equal(described, served) {
		t.Errorf("described are\n%s\nserved are\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

func TestEveryDescribedPathAnswersAsDescribed(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI, c.EnablePprof, c.EnableLifecycle = true, true, true })
	doc, err := handlertest.DescribedAPI()
	handlertest.Must(t, err)
	concrete := strings.NewReplacer("{job}", "x", "{labels}", "instance/i", "{profile}", "cmdline")
	order := []string{"PUT", "POST", "GET", "DELETE"}
	for path, item := range doc.Paths.Map() {
		target := concrete.Replace(path)
		for _, method := range order {
			operation := item.GetOperation(method)
			if operation == nil {
				continue
			}
			query, body, id := "", "", "x"
			switch {
			case path == "/api/v1/groupings" && method == "DELETE":
				query = "?match[]={job=\"x\"}"
			case path == "/api/v1/tokens" && method == "POST":
				body = `{"name":"x","role":"reader"}`
			case strings.Contains(path, "{id}"):
				x, _ := storeToken(s, path, byStranger, 0) // one of somebody would close the server
				id = x.ID
			}
			a := s.Do(method, strings.Replace(target, "{id}", id, 1)+query, body, "Content-Type", "application/json")
			if a.Status < 200 || a.Status > 299 {
				t.Errorf("%v", a)
			}
		}
		if a := s.Do("OPTIONS", target, ""); !strings.HasPrefix(path, "/debug/") && (a.Status != 200 || a.Header.Get("Allow") == "") {
			t.Errorf("%v %v", a, a.Header)
		}
	}
}

func TestTheDescriptionNamesEveryQueryParameterAndHeader(t *testing.T) {
	doc, err := handlertest.DescribedAPI()
	handlertest.Must(t, err)
	parameters := func(path, method string) []string {
		item := doc.Paths.Value(path)
		var names []string
		for _, p := range append(item.Parameters, item.GetOperation(method).Parameters...) {
			names = append(names, p.Value.Name)
		}
		slices.Sort(names)
		return names
	}
	for _, test := range []struct {
		path, method string
		want         []string
	}{
		{"/metrics", "GET", []string{"If-None-Match", "match[]"}},
		{"/metrics/job/{job}", "PUT", []string{"Content-Encoding", "X-Push-TTL", "job", "ttl"}},
		{"/metrics/job/{job}/{labels}", "POST", []string{"Content-Encoding", "X-Push-TTL", "job", "labels", "ttl"}},
		{"/metrics/job/{job}/{labels}", "DELETE", []string{"job", "labels"}},
		{"/api/v1/targets", "GET", []string{"If-None-Match", "match[]", "names"}},
		{"/api/v1/activity", "GET", []string{"before", "by", "from", "kind", "limit", "q", "to"}},
		{"/api/v1/groupings", "GET", []string{"cursor", "limit", "match[]", "q", "sort", "state"}},
		{"/api/v1/groupings", "DELETE", []string{"dry_run", "match[]"}},
	} {
		if got := parameters(test.path, test.method); !slices.Equal(got, test.want) {
			t.Errorf("%s %s has %q, want %q", test.method, test.path, got, test.want)
		}
	}
	sorts := doc.Paths.Value("/api/v1/groupings").Get.Parameters.GetByInAndName("query", "sort").Schema.Value.Enum
	// The error names them all.
	_, names, _ := strings.Cut(handlertest.Start(t).Get("/api/v1/groupings?sort=no").Body, "sort must be ")
	names, _, _ = strings.Cut(names, ", with a -")
	orders := strings.Split(strings.Replace(names, " or ", ", ", 1), ", ")
	for _, name := range orders {
		if !slices.Contains(sorts, any(name)) || !slices.Contains(sorts, any("-"+name)) {
			t.Errorf("sort=%s is not described", name)
		}
	}
	if len(sorts) != 2*len(orders) {
		t.Errorf("described are the orders %q", sorts)
	}
}

func TestTheDescriptionFollowsTheTelemetryPath(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.TelemetryPath, c.RoutePrefix = "/scrape", "/pg" })
	a := s.Get("/pg/api/v1/openapi.json")
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]any
	}
	if err := json.Unmarshal([]byte(a.Body), &doc); err != nil || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%v: %v", a, err)
	}
	if doc.Paths["/scrape"] == nil || doc.Paths["/metrics"] != nil {
		t.Errorf("describes the paths %q", slices.Sorted(maps.Keys(doc.Paths)))
	}
	// The description lies two levels below the root of the API.
	if len(doc.Servers) != 1 || doc.Servers[0].URL != "../.." {
		t.Errorf("servers %v", doc.Servers)
	}
}

func TestTheDescriptionNamesEveryKindOfNotice(t *testing.T) {
	doc, err := handlertest.DescribedAPI()
	handlertest.Must(t, err)
	var kinds []any
	for _, k := range exposition.NoticeKinds() {
		kinds = append(kinds, k.String())
	}
	notice := doc.Components.Schemas["Grouping"].Value.Properties["notices"].Value.Items.Value
	if got := notice.Properties["kind"].Value.Enum; !slices.Equal(got, kinds) {
		t.Errorf("got %q, want %q", got, kinds)
	}
}

func TestTheParametersOfChangesAreDescribed(t *testing.T) {
	doc, err := handlertest.DescribedAPI()
	handlertest.Must(t, err)
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	for _, r := range h.Routes() {
		path := strings.NewReplacer(":id", "{id}", "/metrics/*", "/metrics/job/{job}/{labels}").Replace(r.Path)
		for method := range r.On {
			if !r.Strict(method) {
				continue
			}
			var described []string
			for _, p := range doc.Paths.Value(path).GetOperation(method).Parameters {
				if p.Value.In == "query" {
					described = append(described, p.Value.Name)
				}
			}
			if !slices.Equal(described, r.On[method].Query) {
				t.Errorf("%s %s: described are %q, taken %q", method, path, described, r.On[method].Query)
			}
		}
	}
}
