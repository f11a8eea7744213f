package app

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// headListener hands out connections that look at the heads of requests.
type headListener struct{ net.Listener }

// Accept waits for the next connection.
func (l headListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	h := headConn{Conn: c, fresh: true}
	if t, ok := c.(*tls.Conn); ok {
		return &tlsHeadConn{headConn: h, tls: t}, nil
	}
	return &h, nil
}

// tlsHeadConn is a headConn by TLS, which the server below asks about it.
type tlsHeadConn struct {
	headConn
	tls *tls.Conn
}

// ConnectionState is that of TLS.
func (c *tlsHeadConn) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// Handshake makes that of TLS. A client that speaks HTTP without TLS gets an answer
// that it can read.
func (c *tlsHeadConn) Handshake() error {
	err := c.tls.Handshake()
	if wrong, ok := errors.AsType[tls.RecordHeaderError](err); ok && wrong.Conn != nil && beginsHTTP(wrong.RecordHeader) {
		_, _ = io.WriteString(wrong.Conn, plainToTLS)
		if l, ok := wrong.Conn.(*lingerConn); ok {
			l.Linger()
		}
	}
	return err
}

const plainToTLS = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n" +
	"Cache-Control: no-store\r\nConnection: close\r\n\r\nthis port takes TLS only: use https://\n"

// beginsHTTP reports whether what came in place of a TLS record is the start of a
// request: letters up to a blank, perhaps behind line ends.
func beginsHTTP(header [5]byte) bool {
	method, _, _ := bytes.Cut(bytes.TrimLeft(header[:], "\r\n"), []byte(" "))
	notLetter := func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }
	return len(method) > 0 && !bytes.ContainsFunc(method, notLetter)
}
