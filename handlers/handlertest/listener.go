package handlertest

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// patientListener has connections that see their last answer delivered, as the
// program's own do.
type patientListener struct{ net.Listener }

func (l patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &patient{Conn: c}, err
}

type patient struct {
	net.Conn
	linger atomic.Bool
}

func (c *patient) Linger() { c.linger.Store(true) }

func (c *patient) Close() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok && c.linger.Load() {
		_ = tcp.CloseWrite()
		_ = tcp.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.CopyN(io.Discard, tcp, 16<<20)
	}
	return c.Conn.Close()
}
