package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rawConn is a connection whose every byte a test chooses.
type rawConn struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	sent string // the start of the last request
}

func (s *server) dial() *rawConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	must(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	must(s.t, conn.SetDeadline(time.Now().Add(patience)))
	return &rawConn{s.t, conn, bufio.NewReader(conn), ""}
}

func (c *rawConn) write(b string) {
	c.t.Helper()
	c.sent = b[:min(len(b), 100)]
	if _, err := io.WriteString(c.conn, b); err != nil {
		c.t.Fatalf("%q: writing: %v", c.sent, err)
	}
}

// read reads one answer. That there is none, or only a part, is a failure.
func (c *rawConn) read() answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatalf("%q: no answer: %v", c.sent, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%q: %d with half a body: %v", c.sent, resp.StatusCode, err)
	}
	return answer{request: c.sent, status: resp.StatusCode, header: resp.Header, body: string(text)}
}

// ended waits until the server ends the connection, and tells whether it did
// so in order.
func (c *rawConn) ended() bool {
	_, err := c.in.ReadByte()
	return errors.Is(err, io.EOF)
}

// exchange sends a request and tells why the answer is not one line with that
// status, "" if it is. The server may stop reading early, but must not reset
// the connection over the answer.
func (c *rawConn) exchange(request string, status int) string {
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.conn, request)
		written <- err
	}()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return fmt.Sprintf("no answer: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode != status || err != nil || status >= 400 && strings.Count(string(text), "\n") != 1 {
		return fmt.Sprintf("got %d %.200q, %v; want %d and a line", resp.StatusCode, text, err, status)
	}
	if err := <-written; err != nil {
		return fmt.Sprintf("answered %d, but could not be sent whole: %v", status, err)
	}
	return ""
}
