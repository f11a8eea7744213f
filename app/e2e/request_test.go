package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client neither asks for compression nor follows redirects.
var client = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is what a client got.
type answer struct {
	request string
	status  int
	header  http.Header
	body    string
	took    time.Duration
}

func (a answer) String() string { return fmt.Sprintf("%.200s: %d %.300q", a.request, a.status, a.body) }

// send sends one request, whose target goes out as it is, with headers given
// as name, value, name, value….
func send(method, base, target string, body io.Reader, headers ...string) (answer, error) {
	a := answer{request: method + " " + base + target}
	req, err := http.NewRequest(method, base, body)
	if err != nil {
		return a, err
	}
	path, query, _ := strings.Cut(target, "?")
	req.URL = &url.URL{Scheme: "http", Host: req.URL.Host, Opaque: path, RawQuery: query}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	begin := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a.status, a.header, a.body, a.took = resp.StatusCode, resp.Header, string(text), time.Since(begin)
	return a, err
}

func (s *server) do(method, target, body string, headers ...string) answer {
	s.t.Helper()
	a, err := send(method, s.url, target, strings.NewReader(body), headers...)
	if err != nil {
		s.t.Fatalf("%.200s: %v", a.request, err)
	}
	return a
}

// want does what must be answered with a status.
func (s *server) want(status int, method, target, body string, headers ...string) answer {
	s.t.Helper()
	a := s.do(method, target, body, headers...)
	if a.status != status {
		s.t.Fatalf("%v, want %d", a, status)
	}
	return a
}

// put pushes what must be taken.
func (s *server) put(target, body string, headers ...string) {
	s.t.Helper()
	s.want(200, "PUT", target, body, headers...)
}
