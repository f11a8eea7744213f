package handlers

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"gatehouse/handlers/web"
	"gatehouse/store/exposition"
)

// describedAPI is the description, checked.
var describedAPI = sync.OnceValues(func() (*openapi3.T, error) {
	asText := openapi3filter.FileBodyDecoder
	for _, mediaType := range []string{"application/openmetrics-text", "application/vnd.google.protobuf", "text/html"} {
		openapi3filter.RegisterBodyDecoder(mediaType, asText)
	}
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDateTime))
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile("gateway/openapi.json")
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(loader.Context)
})

func TestTheDescriptionIsValidOpenAPI(t *testing.T) {
	if _, err := describedAPI(); err != nil {
		t.Fatal(err)
	}
}

var tokenPath = regexp.MustCompile(`^/api/v1/tokens/[^/]+(/rotate)?$`)

// template returns the path of the description that a request's path belongs
// to.
func template(path string) string {
	rest, below := strings.CutPrefix(path, "/metrics/job/")
	rest = "/" + rest
	switch {
	case below && strings.Count(strings.TrimSuffix(rest, "/"), "/") <= 1:
		return "/metrics/job/{job}"
	case below:
		return "/metrics/job/{job}/{labels}"
	case strings.HasPrefix(path, "/debug/pprof/") && path != "/debug/pprof/":
		return "/debug/pprof/{profile}"
	case strings.HasPrefix(path, "/api/v1/tokens/"):
		return tokenPath.ReplaceAllString(path, "/api/v1/tokens/{id}$1")
	}
	return path
}

// checkDescribed holds an answer against the description. It knows nothing of
// what holds for all paths alike: OPTIONS, HEAD and methods that aren't there.
func (s *served) checkDescribed(req *http.Request, path string, a answered) {
	s.t.Helper()
	doc, err := describedAPI()
	must(s.t, err)
	below, ok := strings.CutPrefix(path, s.prefix)
	if !ok {
		return
	}
	switch path = template(below); path {
	case s.scrapes:
		path = "/metrics"
	case "/metrics":
		return
	}
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(req.Method) == nil {
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: req,
			Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: req.Method, Operation: item.GetOperation(req.Method)},
		},
		Status:  a.status,
		Header:  a.header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if a.header.Get("Content-Encoding") != "" {
		input.Options.ExcludeResponseBody = true
	}
	input.Body = io.NopCloser(strings.NewReader(a.body))
	if err := openapi3filter.ValidateResponse(s.t.Context(), input); err != nil {
		s.t.Errorf("%v\nis not as described: %v", a, err)
	}
	response := input.RequestValidationInput.Route.Operation.Responses.Status(a.status)
	if response != nil && len(response.Value.Content) == 0 && a.body != "" {
		s.t.Errorf("%v\nshould have no body", a)
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
	doc, err := describedAPI()
	must(t, err)
	var described []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(described)
	h := newServer(Config{TelemetryPath: "/metrics", EnableAdminAPI: true})
	if served := servedOperations(h.routes()); !slices.Equal(described, served) {
		t.Errorf("described are\n%s\nserved are\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

func TestEveryDescribedPathAnswersAsDescribed(t *testing.T) {
	s := serve(t, func(c setup) { c.EnableAdminAPI, c.EnablePprof, c.EnableLifecycle = true, true, true })
	doc, err := describedAPI()
	must(t, err)
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
				x, _ := s.kept(path, byStranger, 0) // one of somebody would close the server
				id = x.ID
			}
			a := s.do(method, strings.Replace(target, "{id}", id, 1)+query, body, "Content-Type", "application/json")
			if a.status < 200 || a.status > 299 {
				t.Errorf("%v", a)
			}
		}
		if a := s.do("OPTIONS", target, ""); !strings.HasPrefix(path, "/debug/") && (a.status != 200 || a.header.Get("Allow") == "") {
			t.Errorf("%v %v", a, a.header)
		}
	}
}

func TestTheDescriptionNamesEveryQueryParameterAndHeader(t *testing.T) {
	doc, err := describedAPI()
	must(t, err)
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
	_, names, _ := strings.Cut(serve(t).get("/api/v1/groupings?sort=no").body, "sort must be ")
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
	s := serve(t, func(c setup) { c.TelemetryPath, c.RoutePrefix = "/scrape", "/pg" })
	a := s.get("/pg/api/v1/openapi.json")
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]any
	}
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || a.header.Get("Content-Type") != "application/json" {
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
	doc, err := describedAPI()
	must(t, err)
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
	doc, err := describedAPI()
	must(t, err)
	h := newServer(Config{TelemetryPath: "/metrics", EnableAdminAPI: true})
	for _, r := range h.routes() {
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
