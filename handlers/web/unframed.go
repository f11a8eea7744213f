package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// MaxUnframed bounds the answers under way whose end is that of the connection:
// they are outside of the server's own bound on connections.
const MaxUnframed = 1 << 10

// unframed answers HTTP/1.0, which knows no chunks, with bodies of unknown length
// by ending the connection after them. It does so in place of the server below,
// which has no such answers.
func (s *Server) unframed(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		next(ctx)
		r := &ctx.Response
		if ctx.Request.Header.IsHTTP11() || !r.IsBodyStream() || r.Header.ContentLength() >= 0 {
			return
		}
		conn := ctx.Conn()
		if !s.unframedAnswers.add(conn, r) {
			_ = r.CloseBodyStream()
			s.refuse(ctx, fiber.StatusServiceUnavailable, TextBusy)
			return
		}
		r.SetConnectionClose()
		r.Header.SetContentLength(-2)
		r.Header.Del(fiber.HeaderTransferEncoding)
		head := ctx.IsHead()
		linger(conn) // the program waits for it at its end
		ctx.HijackSetNoResponse(true)
		ctx.Hijack(func(hijacked net.Conn) {
			s.unframedAnswers.begin(conn)
			defer s.unframedAnswers.end()
			defer s.recovered()
			_ = s.writeUnframed(hijacked, r, head)
		})
	}
}

// unframedAnswers are the answers under way whose end is that of the connection.
type unframedAnswers struct {
	open   atomic.Int64
	unsent sync.Map // those that no goroutine writes yet, by their net.Conn
}

// add reports whether there is room for one more answer.
func (a *unframedAnswers) add(conn net.Conn, r *fasthttp.Response) bool {
	if a.open.Add(1) > MaxUnframed {
		a.end()
		return false
	}
	a.unsent.Store(conn, r)
	return true
}

// begin says that the answer on a connection is written from now on.
func (a *unframedAnswers) begin(conn net.Conn) { a.unsent.Delete(conn) }

func (a *unframedAnswers) end() { a.open.Add(-1) }

// drop drops the answer that was to be written on a connection which the server
// below has closed instead: an answer before it could not be delivered.
func (a *unframedAnswers) drop(conn net.Conn) {
	if r, ok := a.unsent.LoadAndDelete(conn); ok {
		_ = r.(*fasthttp.Response).CloseBodyStream()
		a.end()
	}
}

// recovered keeps the process alive where no server below us does.
func (s *Server) recovered() {
	if cause := recover(); cause != nil {
		s.Site.Logger.Error("Writing an answer panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	}
}

// writeUnframed writes an answer, for HEAD without its body. HTTP/1.0 has no mark
// of the end: after an error the client takes what it has for the whole.
func (s *Server) writeUnframed(conn net.Conn, r *fasthttp.Response, head bool) error {
	defer func() { _ = r.CloseBodyStream() }()
	if s.WriteTimeout > 0 {
		if err := conn.SetWriteDeadline(time.Now().Add(s.WriteTimeout)); err != nil {
			return err
		}
	}
	w := bufio.NewWriterSize(conn, WriteSize)
	if err := r.Header.Write(w); err != nil || head {
		return errors.Join(err, w.Flush())
	}
	if whole, ok := r.BodyStream().(*streamed); ok {
		if _, err := whole.WriteTo(w); err != nil {
			return err
		}
		return w.Flush()
	}
	return copyAtOnce(w, r.BodyStream())
}

// copyAtOnce sends each part of a body as soon as it is read.
func copyAtOnce(w *bufio.Writer, body io.Reader) error {
	buf := make([]byte, 4<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
			if err := w.Flush(); err != nil {
				return err
			}
		}
		if err != nil {
			return w.Flush()
		}
	}
}
