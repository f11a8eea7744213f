package handlers

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/handlers/web"
)

// old sends a request of HTTP/1.0 and returns the head and the body of the answer,
// which ends with the connection.
func (s *served) old(request string) (head, body string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	must(s.t, err)
	defer conn.Close()
	must(s.t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, request+" HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	must(s.t, err)
	all, err := io.ReadAll(conn)
	must(s.t, err)
	head, body, _ = strings.Cut(string(all), "\r\n\r\n")
	return head, body
}

func TestHTTP10GetsNoChunks(t *testing.T) {
	ending := make(chan struct{})
	close(ending) // or the stream of changes would go on
	s := serve(t, func(c setup) { c.Ending = ending })
	s.put("/metrics/job/x/l/1", "a 1\n")
	s.put("/metrics/job/x/l/2", "a 2\n")
	const sample = `a{instance="",job="x",l="2"} 2` + "\n"
	for target, text := range map[string]string{
		"/metrics": sample, "/metrics/job/x": sample, "/metrics?match[]={l=%222%22}": sample, "/metrics/self": "gatehouse_groupings 2\n",
		"/export?format=text": "", "/events": "retry: 1000",
	} {
		head, body := s.old("GET " + target)
		if !strings.HasPrefix(head, "HTTP/1.1 200 ") || strings.Contains(head, "Transfer-Encoding") || strings.Contains(head, "Content-Length") ||
			!strings.Contains(head, "\r\nConnection: close") || !strings.Contains(head, "X-Content-Type-Options: nosniff") {
			t.Errorf("%s: %s", target, head)
		}
		if !strings.Contains(body, text) || strings.Contains(body, "\r\n0\r\n") || body == "" {
			t.Errorf("%s: %.300q, want %q", target, body, text)
		}
		if head, body := s.old("HEAD " + target); strings.Contains(head, "Transfer-Encoding") || body != "" || !strings.HasPrefix(head, "HTTP/1.1 200 ") {
			t.Errorf("HEAD %s: %s %q", target, head, body)
		}
	}
	if open := s.get("/metrics/self"); !strings.Contains(open.body, "gatehouse_sse_clients 0\n") {
		t.Error("streams that have ended are counted as open")
	}
}

func TestAnswersOfKnownLengthKeepConnectionsOfHTTP10(t *testing.T) {
	s := serve(t)
	s.put("/metrics/job/x/l/1", "a 1\n")
	conn, err := net.Dial("tcp", s.addr)
	must(t, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 3 {
		_, err = io.WriteString(conn, "GET /metrics/job/x/l/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		must(t, err)
		resp, err := http.ReadResponse(in, nil)
		must(t, err)
		if resp.ContentLength <= 0 || resp.Close {
			t.Errorf("%+v", resp)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		must(t, err)
	}
}

func TestAnswersOfHTTP10ComeInTheirOrder(t *testing.T) {
	s := serve(t)
	conn, err := net.Dial("tcp", s.addr)
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	must(t, err)
	all, err := io.ReadAll(conn)
	must(t, err)
	if text := string(all); strings.Count(text, "HTTP/1.1 200") != 2 || strings.Index(text, `"status"`) > strings.Index(text, "# HELP") {
		t.Errorf("%.600s", text)
	}
}

// deaf is a connection whose client has sent all of its requests and gone.
type deaf struct {
	net.Conn
	requests io.Reader
}

func (d deaf) Read(p []byte) (int, error) { return d.requests.Read(p) }

func (deaf) Write([]byte) (int, error) { return 0, errors.New("the client has gone") }

func TestAnswersOfHTTP10ThatAreNeverBegunLeaveNothingOpen(t *testing.T) {
	s := serve(t)
	ours, theirs := net.Pipe()
	defer theirs.Close()
	for i := range web.MaxUnframed + 1 {
		// The answer to the first request is still to be sent when the second is
		// handled.
		requests := "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET " + []string{"/events", "/metrics"}[min(i, 1)] + " HTTP/1.0\r\n\r\n"
		_ = s.app.Server().ServeConn(deaf{ours, strings.NewReader(requests)})
	}
	if open := s.get("/metrics/self"); !strings.Contains(open.body, "gatehouse_sse_clients 0\n") {
		t.Error("streams that have not begun are counted as open")
	}
	if head, _ := s.old("GET /metrics"); !strings.HasPrefix(head, "HTTP/1.1 200 ") {
		t.Errorf("answers that have not begun keep others out: %s", head)
	}
}
