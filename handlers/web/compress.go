package web

import (
	"bufio"
	"io"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Scrapers of one machine get a large body often: speed is worth more than the
// last bytes.
var (
	gzips = sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		return z
	}}
	zstds = sync.Pool{New: func() any {
		z, _ := zstd.NewWriter(io.Discard, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(512<<10))
		return z
	}}
)

// NegotiateCoding picks a Content-Encoding that the client takes; empty: none.
func NegotiateCoding(c *fiber.Ctx) string {
	if c.Get(fiber.HeaderAcceptEncoding) == "" {
		return ""
	}
	switch coding := c.AcceptsEncodings("gzip", "zstd"); coding {
	case "gzip", "zstd":
		return coding
	}
	return ""
}

// WriteSize is how much goes to the network at once.
const WriteSize = 64 << 10

// Compress returns a writer that codes what it gets into w. Close finishes the
// coding; w stays open.
func Compress(w io.Writer, coding string) io.WriteCloser {
	out := bufio.NewWriterSize(w, WriteSize)
	switch coding {
	case "gzip":
		z := gzips.Get().(*gzip.Writer)
		z.Reset(out)
		return &compressor{out: out, z: z, put: func() { gzips.Put(z) }}
	case "zstd":
		z := zstds.Get().(*zstd.Encoder)
		z.Reset(out)
		return &compressor{out: out, z: z, put: func() { zstds.Put(z) }}
	}
	return &compressor{out: out, z: nopCloser{out}, put: func() {}}
}

type compressor struct {
	out *bufio.Writer
	z   io.WriteCloser
	put func()
}

func (c *compressor) Write(p []byte) (int, error) { return c.z.Write(p) }

func (c *compressor) Close() error {
	err := c.z.Close()
	c.put()
	if err != nil {
		return err
	}
	return c.out.Flush()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
