package web

import (
	"bytes"
	"io"

	"github.com/gofiber/fiber/v2"
)

// Stream answers with what write writes, without holding it in memory. After
// an error the connection ends without the mark of the body's end, so that no
// client takes a part for the whole. A HEAD request gets the same headers, and
// write is not called.
func Stream(c *fiber.Ctx, write func(io.Writer) (int64, error)) error {
	c.Context().Response.SetBodyStream(&streamed{write: write}, -1)
	return nil
}

// streamed is a body that is made while it is sent.
type streamed struct {
	write func(io.Writer) (int64, error)
	// sent is called with how much was written, and whether that was all. It is called
	// after the handlers, whose context is of no more use. nil: it is not called.
	sent func(int64, error)
	rest *bytes.Buffer // for Read
}

// SupportsBodyWriteTo lets the server below write the body without a copy.
func (s *streamed) SupportsBodyWriteTo() bool { return true }

// WriteTo writes the whole body.
func (s *streamed) WriteTo(w io.Writer) (int64, error) {
	n, err := s.write(w)
	if s.sent != nil {
		s.sent(n, err)
	}
	return n, err
}

// Read is there for readers that don't know WriteTo; it holds the body in
// memory.
func (s *streamed) Read(p []byte) (int, error) {
	if s.rest == nil {
		s.rest = &bytes.Buffer{}
		if _, err := s.WriteTo(s.rest); err != nil {
			return 0, err
		}
	}
	return s.rest.Read(p)
}

// CountingWriter writes to W and counts the bytes in N.
type CountingWriter struct {
	W io.Writer
	N int64
}

func (w *CountingWriter) Write(p []byte) (int, error) {
	n, err := w.W.Write(p)
	w.N += int64(n)
	return n, err
}

// Download makes browsers keep an answer as a file.
func Download(c *fiber.Ctx, name, mediaType string) {
	c.Set(fiber.HeaderContentType, mediaType)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="`+name+`"`)
}

// StreamCoded answers with what write writes, in a coding that the client takes.
func StreamCoded(c *fiber.Ctx, write func(io.Writer) error) error {
	coding := NegotiateCoding(c)
	if coding != "" {
		c.Set(fiber.HeaderContentEncoding, coding)
	}
	return Stream(c, func(w io.Writer) (int64, error) {
		counted := &CountingWriter{W: w}
		z := Compress(counted, coding)
		err := write(z)
		if closeErr := z.Close(); err == nil {
			err = closeErr
		}
		return counted.N, err
	})
}
