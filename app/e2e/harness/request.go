package harness

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
	Timeout:       Patience,
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Answer is what a client got.
type Answer struct {
	Request string
	Status  int
	Header  http.Header
	Body    string
	Took    time.Duration
}

func (a Answer) String() string { return fmt.Sprintf("%.200s: %d %.300q", a.Request, a.Status, a.Body) }

// Send sends one request, whose target goes out as it is, with headers given
// as name, value, name, value….
func Send(method, base, target string, body io.Reader, headers ...string) (Answer, error) {
	a := Answer{Request: method + " " + base + target}
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
	a.Status, a.Header, a.Body, a.Took = resp.StatusCode, resp.Header, string(text), time.Since(begin)
	return a, err
}

// Do sends one request to a server, as Send does.
func (s *Server) Do(method, target, body string, headers ...string) Answer {
	s.T.Helper()
	a, err := Send(method, s.URL, target, strings.NewReader(body), headers...)
	if err != nil {
		s.T.Fatalf("%.200s: %v", a.Request, err)
	}
	return a
}

// Want does what must be answered with a status.
func (s *Server) Want(status int, method, target, body string, headers ...string) Answer {
	s.T.Helper()
	a := s.Do(method, target, body, headers...)
	if a.Status != status {
		s.T.Fatalf("%v, want %d", a, status)
	}
	return a
}

// Put pushes what must be taken.
func (s *Server) Put(target, body string, headers ...string) {
	s.T.Helper()
	s.Want(200, "PUT", target, body, headers...)
}
