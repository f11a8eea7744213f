package web_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
)

// sendHTTP10 sends a request of HTTP/1.0 and returns the head and the body of the answer,
// which ends with the connection.
func sendHTTP10(s *handlertest.Server, request string) (head, body string) {
	s.T.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	handlertest.Must(s.T, err)
	defer conn.Close()
	handlertest.Must(s.T, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, request+" HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	handlertest.Must(s.T, err)
	all, err := io.ReadAll(conn)
	handlertest.Must(s.T, err)
	head, body, _ = strings.Cut(string(all), "\r\n\r\n")
	return head, body
}

func TestHTTP10GetsNoChunks(t *testing.T) {
	ending := make(chan struct{})
	close(ending) // or the stream of changes would go on
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Ending = ending })
	s.Put("/metrics/job/x/l/1", "a 1\n")
	s.Put("/metrics/job/x/l/2", "a 2\n")
	const sample = `a{instance="",job="x",l="2"} 2` + "\n"
	for target, text := range map[string]string{
		"/metrics": sample, "/metrics/job/x": sample, "/metrics?match[]={l=%222%22}": sample, "/metrics/self": "gatehouse_groupings 2\n",
		"/export?format=text": "", "/events": "retry: 1000",
	} {
		head, body := sendHTTP10(s, "GET "+target)
		if !strings.HasPrefix(head, "HTTP/1.1 200 ") || strings.Contains(head, "Transfer-Encoding") || strings.Contains(head, "Content-Length") ||
			!strings.Contains(head, "\r\nConnection: close") || !strings.Contains(head, "X-Content-Type-Options: nosniff") {
			t.Errorf("%s: %s", target, head)
		}
		if !strings.Contains(body, text) || strings.Contains(body, "\r\n0\r\n") || body == "" {
			t.Errorf("%s: %.300q, want %q", target, body, text)
		}
		if head, body := sendHTTP10(s, "HEAD "+target); strings.Contains(head, "Transfer-Encoding") || body != "" || !strings.HasPrefix(head, "HTTP/1.1 200 ") {
			t.Errorf("HEAD %s: %s %q", target, head, body)
		}
	}
	if open := s.Get("/metrics/self"); !strings.Contains(open.Body, "gatehouse_sse_clients 0\n") {
		t.Error("streams that have ended are counted as open")
	}
}

func TestAnswersOfKnownLengthKeepConnectionsOfHTTP10(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/l/1", "a 1\n")
	conn, err := net.Dial("tcp", s.Addr)
	handlertest.Must(t, err)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 3 {
		_, err = io.WriteString(conn, "GET /metrics/job/x/l/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
		handlertest.Must(t, err)
		resp, err := http.ReadResponse(in, nil)
		handlertest.Must(t, err)
		if resp.ContentLength <= 0 || resp.Close {
			t.Errorf("%+v", resp)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		handlertest.Must(t, err)
	}
}

func TestAnswersOfHTTP10ComeInTheirOrder(t *testing.T) {
	s := handlertest.Start(t)
	conn, err := net.Dial("tcp", s.Addr)
	handlertest.Must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	handlertest.Must(t, err)
	all, err := io.ReadAll(conn)
	handlertest.Must(t, err)
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
	s := handlertest.Start(t)
	ours, theirs := net.Pipe()
	defer theirs.Close()
	for i := range web.MaxUnframed + 1 {
		// The answer to the first request is still to be sent when the second is
		// handled.
		requests := "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET " + []string{"/events", "/metrics"}[min(i, 1)] + " HTTP/1.0\r\n\r\n"
		_ = s.App.Server().ServeConn(deaf{ours, strings.NewReader(requests)})
	}
	if open := s.Get("/metrics/self"); !strings.Contains(open.Body, "gatehouse_sse_clients 0\n") {
		t.Error("streams that have not begun are counted as open")
	}
	if head, _ := sendHTTP10(s, "GET /metrics"); !strings.HasPrefix(head, "HTTP/1.1 200 ") {
		t.Errorf("answers that have not begun keep others out: %s", head)
	}
}
