package harness

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// RawConn is a connection whose every byte a test chooses.
type RawConn struct {
	T    *testing.T
	Conn net.Conn
	In   *bufio.Reader
	sent string // the start of the last request
}

// Dial connects to a server until the end of the test.
func (s *Server) Dial() *RawConn {
	s.T.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	Must(s.T, err)
	s.T.Cleanup(func() { _ = conn.Close() })
	Must(s.T, conn.SetDeadline(time.Now().Add(Patience)))
	return &RawConn{s.T, conn, bufio.NewReader(conn), ""}
}

func (c *RawConn) Write(b string) {
	c.T.Helper()
	c.sent = b[:min(len(b), 100)]
	if _, err := io.WriteString(c.Conn, b); err != nil {
		c.T.Fatalf("%q: writing: %v", c.sent, err)
	}
}

// Read reads one answer. That there is none, or only a part, is a failure.
func (c *RawConn) Read() Answer {
	c.T.Helper()
	resp, err := http.ReadResponse(c.In, nil)
	if err != nil {
		c.T.Fatalf("%q: no answer: %v", c.sent, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.T.Fatalf("%q: %d with half a body: %v", c.sent, resp.StatusCode, err)
	}
	return Answer{Request: c.sent, Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
}

// Ended waits until the server ends the connection, and reports whether it did
// so in order.
func (c *RawConn) Ended() bool {
	_, err := c.In.ReadByte()
	return errors.Is(err, io.EOF)
}
