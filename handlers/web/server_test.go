package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

// told is a connection that remembers that it was told to linger.
type told struct {
	net.Conn
	linger *atomic.Bool
}

func (c told) Linger() { c.linger.Store(true) }

type tellListener struct {
	net.Listener
	linger *atomic.Bool
}

func (l tellListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return told{c, l.linger}, err
}

// serveTuned serves routes that read none, some or all of a body, and answers
// a connection to it.
func serveTuned(t *testing.T) (net.Conn, *atomic.Bool) {
	t.Helper()
	s := &Server{Site: &Site{}, Timeouts: Timeouts{ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute}}
	app := fiber.New(s.fiberConfig())
	s.tune(app)
	app.All("/none", func(c *fiber.Ctx) error { return c.SendStatus(http.StatusForbidden) })
	app.All("/some", func(c *fiber.Ctx) error {
		if _, err := io.CopyN(io.Discard, c.Context().RequestBodyStream(), 1<<20); err != nil {
			return err
		}
		return c.SendStatus(http.StatusRequestEntityTooLarge)
	})
	app.All("/all", func(c *fiber.Ctx) error {
		n, err := io.Copy(io.Discard, c.Context().RequestBodyStream())
		if err != nil {
			return err
		}
		return c.SendString(strconv.FormatInt(n, 10))
	})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	linger := new(atomic.Bool)
	app.Handler()
	go func() { _ = app.Server().Serve(tellListener{inner, linger}) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	conn, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, linger
}

// exchange sends a request while it reads the answer.
func exchange(t *testing.T, conn net.Conn, request string) (*http.Response, string) {
	t.Helper()
	go func() { _, _ = io.WriteString(conn, request) }()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer to %.60q: %v", request, err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func fixed(path string, n int) string {
	return "PUT " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(n) + "\r\n\r\n" + strings.Repeat("x", n)
}

func chunked(path string, n int) string {
	return "PUT " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
		strconv.FormatInt(int64(n), 16) + "\r\n" + strings.Repeat("x", n) + "\r\n0\r\n\r\n"
}

func TestAConnectionLingersOnlyForAnUnreadBody(t *testing.T) {
	tests := []struct {
		name    string
		request string
		status  int
		lingers bool
	}{
		{"no body", "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", 403, false},
		{"an empty body", fixed("/none", 0), 403, false},
		{"a body that was read", fixed("/all", 3<<20), 200, false},
		{"a chunked body that was read", chunked("/all", 3<<20), 200, false},
		{"a small unread body", fixed("/none", 100<<10), 403, false},
		{"a large unread body", fixed("/none", 3<<20), 403, true},
		{"a body of which much is unread", fixed("/some", 3<<20), 413, true},
		{"a body of which little is unread", fixed("/some", 1<<20+1000), 413, false},
		{"a small unread chunked body", chunked("/none", 10), 403, true},
		{"a chunked body of which a part is unread", chunked("/some", 2<<20), 413, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, linger := serveTuned(t)
			resp, _ := exchange(t, conn, test.request)
			if resp.StatusCode != test.status || resp.Close != test.lingers || linger.Load() != test.lingers {
				t.Fatalf("status %d, closes %v, lingers %v; want %d, %v, %[5]v",
					resp.StatusCode, resp.Close, linger.Load(), test.status, test.lingers)
			}
			if test.lingers {
				return
			}
			if resp, text := exchange(t, conn, fixed("/all", 5)); resp.StatusCode != 200 || text != "5" {
				t.Errorf("the connection is not usable any more: %d %q", resp.StatusCode, text)
			}
		})
	}
}

func TestMalformedRequestsGetOneLineThatQuotesNothing(t *testing.T) {
	secret := "Authorization: Bearer secret\r\n"
	tests := []struct {
		name, request string
		status        int
		text          string
	}{
		{"large headers", "GET /none HTTP/1.1\r\nHost: x\r\n" + secret + "X-Large: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", 431, "request line and headers are larger than 32 KiB\n"},
		{"a long request line", "GET /" + strings.Repeat("x", 40<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431, "request line and headers are larger than 32 KiB\n"},
		{"two lengths", "PUT /none HTTP/1.1\r\nHost: x\r\n" + secret + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400, "malformed request\n"},
		{"no host", "GET /none HTTP/1.1\r\n" + secret + "\r\n", 400, "malformed request\n"},
		{"no HTTP", secret + "\r\n\r\n", 400, "malformed request\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, linger := serveTuned(t)
			resp, text := exchange(t, conn, test.request)
			if resp.StatusCode != test.status || text != test.text || !resp.Close || !linger.Load() {
				t.Errorf("got %d %q, closes %v, lingers %v; want %d %q", resp.StatusCode, text, resp.Close, linger.Load(), test.status, test.text)
			}
			if resp.Header.Get("Server") != "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("headers %v", resp.Header)
			}
		})
	}
}

func TestHeadersUpTo32KiBAreTaken(t *testing.T) {
	conn, _ := serveTuned(t)
	head := "GET /none HTTP/1.1\r\nHost: x\r\nX-Large: "
	resp, _ := exchange(t, conn, head+strings.Repeat("x", headerBytes-len(head)-4)+"\r\n\r\n")
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestARequestThatDoesNotArriveInTimeIsRefused(t *testing.T) {
	s := &Server{Site: &Site{}, Timeouts: Timeouts{ReadTimeout: time.Millisecond}}
	app := fiber.New(s.fiberConfig())
	s.tune(app)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Server().Serve(tellListener{inner, new(atomic.Bool)}) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	conn, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	resp, text := exchange(t, conn, "GET / HTTP/1.1\r\n")
	if resp.StatusCode != http.StatusRequestTimeout || text != "the request did not arrive in time\n" {
		t.Errorf("got %d %q", resp.StatusCode, text)
	}
}
