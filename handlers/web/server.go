package web

import (
	"bytes"
	"errors"
	"io"
	"net"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

const (
	// headerBytes bounds the request line and the headers together.
	headerBytes = 32 << 10
	// maxConnections bounds the connections served at once; each holds a read
	// buffer of headerBytes.
	maxConnections = 16 << 10
	// unreadBytes is how much of a body that no handler wanted the server below
	// us reads and drops to keep a connection open; it is fasthttp's own limit.
	unreadBytes = 256 << 10
)

// fiberConfig is how Fiber and the server below it are set up.
func (s *Server) fiberConfig() fiber.Config {
	return fiber.Config{
		// Strings that handlers get must outlive the request: they end up in
		// the store and in the log.
		Immutable:     true,
		CaseSensitive: true,
		StrictRouting: true,
		// Grouping paths are split first and decoded afterwards, by the store.
		UnescapePath: false,
		// Bodies are read by handlers only, after everything that may refuse
		// them, under limits of their own. Fiber's body limit is off with it.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		// Nobody's X-Forwarded-* headers are believed.
		EnableTrustedProxyCheck: true,
		ServerHeader:            "",
		ReadBufferSize:          headerBytes,
		Concurrency:             maxConnections,
		ReadTimeout:             s.ReadTimeout,
		WriteTimeout:            s.WriteTimeout,
		IdleTimeout:             s.IdleTimeout,
		ErrorHandler:            s.Site.onError,
		DisableStartupMessage:   true,
	}
}

// tune sets what Fiber has no setting for. It is called once, before the first
// request.
func (s *Server) tune(app *fiber.App) {
	below := app.Server()
	below.Handler = deliver(below.Handler)
	below.Handler = s.unframed(s.plainHead(s.plainTarget(s.withHeaders(below.Handler))))
	below.ErrorHandler = s.refuseMalformed
	below.ExpectHandler = s.expect(below.Handler)
	below.HeaderReceived = func(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
		withHost(header)
		expectsNothing(header)
		return fasthttp.RequestConfig{}
	}
	below.ConnState = s.followConn
	below.CloseOnShutdown = true
	// The start of a malformed request may hold credentials.
	below.SecureErrorLogMessage = true
}

// Headers of every answer, for browsers: content is of the type it says, loads
// nothing, is shown in no frame and to no other site, and sends no referrer.
var securityHeaders = [][2]string{
	{fiber.HeaderXContentTypeOptions, "nosniff"},
	{fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{fiber.HeaderReferrerPolicy, "no-referrer"},
}

// hsts makes browsers ask by TLS only, for a year.
const hsts = "max-age=31536000"

// withHeaders sets the headers of every answer; some answers are given before
// any route is looked for. From when the end begins, each is the last one of its
// connection.
func (s *Server) withHeaders(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		s.setHeaders(ctx)
		next(ctx)
		select {
		case <-s.Ending:
			ctx.Response.SetConnectionClose()
		default:
		}
	}
}

func (s *Server) setHeaders(ctx *fasthttp.RequestCtx) {
	for _, header := range securityHeaders {
		ctx.Response.Header.Set(header[0], header[1])
	}
	if ctx.IsTLS() || s.Site.ExternalURL != nil && s.Site.ExternalURL.Scheme == "https" {
		ctx.Response.Header.Set(fiber.HeaderStrictTransportSecurity, hsts)
	}
	if s.Headers == nil {
		return
	}
	for name, value := range s.Headers() {
		ctx.Response.Header.Set(name, value)
	}
}

// lingerer is a connection that can wait until its last answer is delivered: a
// plain Close while the client is still sending resets the connection and takes
// the answer with it.
type lingerer interface{ Linger() }

// linger makes conn, or the connection below a TLS one, see its last answer
// delivered. Connections that can't are left as they are.
func linger(conn net.Conn) {
	if l, ok := conn.(lingerer); ok {
		l.Linger()
		return
	}
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		linger(t.NetConn())
	}
}

// headed is a connection that looks at the heads of requests, and has to know where
// they begin.
type headed interface {
	Idle()             // with the next byte that is read
	Active()           // before now
	Complaint() string // about the head of this request; "": none
	Last() bool        // no request follows this one
}

// followConn keeps up with what the server does with a connection.
func (s *Server) followConn(conn net.Conn, state fasthttp.ConnState) {
	if state == fasthttp.StateClosed {
		s.unframedAnswers.drop(conn)
		return
	}
	c, ok := conn.(headed)
	if !ok {
		return
	}
	switch state {
	case fasthttp.StateIdle:
		c.Idle()
	case fasthttp.StateActive:
		c.Active()
	}
}

// plainHead refuses heads with bare LF among their line ends, which readers may
// understand differently, and ends connections on which nothing can follow.
func (s *Server) plainHead(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if hasBareLF(ctx.Request.Header.RawHeaders()) {
			s.refuse(ctx, fiber.StatusBadRequest, TextMixed)
			ctx.Response.SetConnectionClose()
			linger(ctx.Conn())
			return
		}
		next(ctx)
		if head, ok := ctx.Conn().(headed); ok && head.Last() {
			ctx.Response.SetConnectionClose()
		}
	}
}

func hasBareLF(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return false
		}
		if i == 0 || b[i-1] != '\r' {
			return true
		}
		b = b[i+1:]
	}
}

// deliver makes sure that an answer reaches its client although next left a
// part of the request's body unread. A small rest of known size is dropped by
// the server, which keeps the connection; otherwise the connection ends, and
// lingers.
func deliver(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		stream, length := ctx.RequestBodyStream(), ctx.Request.Header.ContentLength()
		if stream == nil || length == 0 {
			next(ctx)
			return
		}
		b := &body{stream: stream, length: length}
		ctx.Request.SetBodyStream(b, length)
		next(ctx)
		if b.droppable() {
			return
		}
		ctx.Response.SetConnectionClose()
		linger(ctx.Conn())
	}
}

// body remembers how far a request's body was read.
type body struct {
	stream io.Reader
	length int // -1: not announced
	read   int
	err    error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.stream.Read(p)
	b.read += n
	if err != nil {
		b.err = err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &brokenBody{err}
	}
	return n, err
}

// brokenBody says that a body could not be read to its end, which lies with
// the client or the network.
type brokenBody struct{ cause error }

func (e *brokenBody) Error() string { return "reading the body: " + e.cause.Error() }

func (e *brokenBody) Unwrap() error { return e.cause }

func (e *brokenBody) timeout() bool {
	var timeout net.Error
	return errors.As(e.cause, &timeout) && timeout.Timeout()
}

// droppable reports whether nothing of the body is left, or so little that the
// server drops it by itself.
func (b *body) droppable() bool {
	switch {
	case errors.Is(b.err, io.EOF):
		return b.length < 0 || b.read == b.length
	case b.err != nil || b.length < 0:
		return false
	}
	return b.length-b.read <= unreadBytes
}

// refuseMalformed answers what never became a request. It quotes nothing of
// what came: that may hold credentials.
func (s *Server) refuseMalformed(ctx *fasthttp.RequestCtx, err error) {
	status, text := fiber.StatusBadRequest, "malformed request"
	var timeout net.Error
	head, _ := ctx.Conn().(headed)
	switch {
	case head != nil && head.Complaint() != "":
		text = head.Complaint()
	case errors.As(err, new(*fasthttp.ErrSmallBuffer)):
		status, text = fiber.StatusRequestHeaderFieldsTooLarge, "request line and headers are larger than 32 KiB"
	case errors.As(err, &timeout) && timeout.Timeout():
		status, text = fiber.StatusRequestTimeout, "the request did not arrive in time"
	}
	s.refuse(ctx, status, text)
	linger(ctx.Conn())
}

// refuse answers in one line where no route does.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, status int, text string) {
	ctx.Response.Reset()
	ctx.SetStatusCode(status)
	ctx.SetContentType(fiber.MIMETextPlainCharsetUTF8)
	s.setHeaders(ctx)
	ctx.Response.Header.Set(fiber.HeaderCacheControl, NoStore)
	ctx.SetBodyString(text + "\n")
}
