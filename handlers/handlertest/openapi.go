package handlertest

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"gatehouse/handlers/gateway"
)

// DescribedAPI returns the description of the API, validated.
var DescribedAPI = sync.OnceValues(func() (*openapi3.T, error) {
	asText := openapi3filter.FileBodyDecoder
	for _, mediaType := range []string{"application/openmetrics-text", "application/vnd.google.protobuf", "text/html"} {
		openapi3filter.RegisterBodyDecoder(mediaType, asText)
	}
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringDateTime))
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(gateway.Description)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(loader.Context)
})

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

// checkDescribed compares an answer with the description. It knows nothing of
// what holds for all paths alike: OPTIONS, HEAD and methods that aren't there.
func (s *Server) checkDescribed(req *http.Request, path string, a Answer) {
	s.T.Helper()
	doc, err := DescribedAPI()
	Must(s.T, err)
	below, ok := strings.CutPrefix(path, s.Prefix)
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
		Status:  a.Status,
		Header:  a.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if a.Header.Get("Content-Encoding") != "" {
		input.Options.ExcludeResponseBody = true
	}
	input.Body = io.NopCloser(strings.NewReader(a.Body))
	if err := openapi3filter.ValidateResponse(s.T.Context(), input); err != nil {
		s.T.Errorf("%v\nis not as described: %v", a, err)
	}
	response := input.RequestValidationInput.Route.Operation.Responses.Status(a.Status)
	if response != nil && len(response.Value.Content) == 0 && a.Body != "" {
		s.T.Errorf("%v\nshould have no body", a)
	}
}
