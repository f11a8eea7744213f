package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
)

// sendExpecting sends the head of a request and waits with the body until it is
// asked for it. It returns the answer, and whether it was asked.
func sendExpecting(s *handlertest.Server, head, body string) (a handlertest.Answer, asked bool) {
	s.T.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	handlertest.Must(s.T, err)
	defer conn.Close()
	_, err = io.WriteString(conn, head+"\r\nHost: x\r\nExpect: 100-continue\r\n\r\n")
	handlertest.Must(s.T, err)
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	handlertest.Must(s.T, err)
	if asked = resp.StatusCode == http.StatusContinue; asked {
		_, err = io.WriteString(conn, body)
		handlertest.Must(s.T, err)
		resp, err = http.ReadResponse(in, nil)
		handlertest.Must(s.T, err)
	}
	text, err := io.ReadAll(resp.Body)
	handlertest.Must(s.T, err)
	if !asked && !resp.Close {
		s.T.Errorf("%q: the connection goes on although nobody knows what comes", head)
	}
	return handlertest.Answer{Request: head, Status: resp.StatusCode, Header: resp.Header, Body: string(text)}, asked
}

func TestABodyIsAskedForOnceNothingElseIsInItsWay(t *testing.T) {
	token := "\r\nX-API-Key: " + handlertest.RightToken
	const long = "\r\nContent-Length: 1048577"
	for _, test := range []struct {
		name, head string
		asked      bool
		status     int
		text       string
	}{
		{"a push", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4" + token, true, 200, ""},
		{"a merge", "POST /metrics/job/x HTTP/1.1\r\nContent-Length: 4" + token, true, 200, ""},
		{"a push that is refused for its body", "PUT /metrics/job/x/le/1 HTTP/1.1\r\nContent-Length: 4" + token, false, 400, "reserved"},
		{"no credential", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4", false, 401, "authentication is required"},
		{"a wrong credential", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4\r\nAuthorization: Bearer x", false, 401, "credential"},
		{"no credential and too long", "PUT /metrics/job/x HTTP/1.1" + long, false, 401, "authentication is required"},
		{"too long", "PUT /metrics/job/x HTTP/1.1" + long + token, false, 413, "--push.max-body-bytes"},
		{"a coding that nobody knows", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4\r\nContent-Encoding: br" + token, false, 415, "Content-Encoding"},
		{"a coding", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4\r\nContent-Encoding: gzip" + token, true, 400, ""},
		{"a bad path", "PUT /metrics/job/x/l HTTP/1.1\r\nContent-Length: 4" + token, false, 400, "has no value"},
		{"an unknown parameter", "PUT /metrics/job/x?tll=1h HTTP/1.1\r\nContent-Length: 4" + token, false, 400, "unknown parameter"},
		{"a bad TTL", "PUT /metrics/job/x?ttl=1 HTTP/1.1\r\nContent-Length: 4" + token, false, 400, "TTL"},
		{"another site", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4\r\nOrigin: http://evil.test" + token, false, 403, "site"},
		{"a credential twice", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4" + token + token, false, 400, ""},
		{"no path", "PUT /nowhere HTTP/1.1\r\nContent-Length: 4" + token, false, 404, "not found"},
		{"no method", "PUT /metrics HTTP/1.1\r\nContent-Length: 4" + token, false, 405, "method not allowed"},
		{"a delete, which takes no body", "DELETE /metrics/job/y HTTP/1.1\r\nContent-Length: 4" + token, false, 202, ""},
		{"a read, which takes no body", "GET /health HTTP/1.1\r\nContent-Length: 4", false, 200, ""},
		{"a token to be made", "POST /api/v1/tokens HTTP/1.1\r\nContent-Length: 4" + token, true, 415, "application/json"},
		{"a form for strangers", "POST /login HTTP/1.1\r\nContent-Length: 4\r\nOrigin: http://x", true, 0, ""},
	} {
		s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) })
		a, asked := sendExpecting(s, test.head, "a 1\n")
		if asked != test.asked || test.status != 0 && a.Status != test.status || !strings.Contains(a.Body, test.text) {
			t.Errorf("%s: asked %v: %v, want %v, %d %q", test.name, asked, a, test.asked, test.status, test.text)
		}
		if a.Status == 401 && a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no challenge", test.name)
		}
		if a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers are missing: %v", test.name, a.Header)
		}
	}
}

func TestNoBodyIsAskedForWhereThereIsNone(t *testing.T) {
	s := handlertest.Start(t)
	for _, head := range []string{
		"GET /health HTTP/1.1", "GET /metrics/job/x HTTP/1.1\r\nContent-Length: 0", "PUT /metrics/job/x HTTP/1.1", "PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 0",
		"DELETE /metrics/job/x HTTP/1.1",
	} {
		conn, err := net.Dial("tcp", s.Addr)
		handlertest.Must(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, head+"\r\nHost: x\r\nExpect: 100-continue\r\n\r\n")
		handlertest.Must(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		handlertest.Must(t, err)
		if resp.StatusCode < 200 || resp.Close {
			t.Errorf("%q: %d, close %v", head, resp.StatusCode, resp.Close)
		}
	}
}

// TestAPushWhoseBodyWasAskedForCountsOnce holds for all that is counted on the
// way.
func TestAPushWhoseBodyWasAskedForCountsOnce(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Tokens = credential.NewTokens([]string{handlertest.RightToken}) })
	for i, text := range []string{"a 1\n", "a{ \n"} {
		sendExpecting(s, fmt.Sprintf("PUT /metrics/job/x%d HTTP/1.1\r\nContent-Length: 4\r\nX-API-Key: %s", i, handlertest.RightToken), text)
	}
	own := s.Get("/metrics/self", "X-API-Key", handlertest.RightToken).Body
	for _, line := range []string{
		`gatehouse_auth_decisions_total{result="allowed",scheme="api_token"} 3`, // with the one that reads this,
		`pushgateway_http_requests_total{code="200",handler="push",method="put"} 1`,
		`pushgateway_http_requests_total{code="400",handler="push",method="put"} 1`,
		`pushgateway_http_push_duration_seconds_count{method="put"} 2`,
		`gatehouse_pushes_refused_total{reason="syntax"} 1`,
	} {
		if !strings.Contains(own, line+"\n") {
			t.Errorf("%s is missing in %s", line, regexp.MustCompile("(?m)^"+line[:20]+".*$").FindAllString(own, -1))
		}
	}
}

func TestAConnectionGoesOnAfterABodyThatWasAskedFor(t *testing.T) {
	s := handlertest.Start(t)
	conn, err := net.Dial("tcp", s.Addr)
	handlertest.Must(t, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for i := range 3 {
		for _, framing := range []string{"Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n"} {
			body := "a 1\n"
			if strings.HasPrefix(framing, "T") {
				body = "4\r\na 1\n\r\n0\r\n\r\n"
			}
			_, err = fmt.Fprintf(conn, "PUT /metrics/job/x%d HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n%s\r\n", i, framing)
			handlertest.Must(t, err)
			for _, want := range []int{100, 200} {
				resp, err := http.ReadResponse(in, nil)
				handlertest.Must(t, err)
				if resp.StatusCode != want || resp.Close {
					t.Fatalf("%d, close %v, want %d", resp.StatusCode, resp.Close, want)
				}
				if want == 100 {
					_, err = io.WriteString(conn, body)
					handlertest.Must(t, err)
				}
			}
		}
	}
}
