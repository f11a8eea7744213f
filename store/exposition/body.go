package exposition

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

var (
	// ErrTooLarge says that a body is larger than it may be once decoded.
	ErrTooLarge = errors.New("the body is too large")
	// ErrEncoding says that a body's content encoding is not known.
	ErrEncoding = errors.New("unknown content encoding: gzip, snappy, zstd and identity are known")
)

const (
	firstBodyBuffer = 8 << 10
	// Framed snappy has no larger blocks; S2, which the reader knows too, has.
	snappyBlock = 64 << 10
)

// ReadBody reads a body of at most max bytes and undoes its content encoding:
// gzip, snappy (framed), zstd, or none. Before it takes memory it asks grow,
// unless that is nil, for so many bytes more; what grow refuses with is
// returned. The other errors are ErrEncoding, ErrTooLarge, an *Error for a
// damaged stream, and whatever reading r fails with.
func ReadBody(r io.Reader, contentEncoding string, max int64, grow func(n int64) error) ([]byte, error) {
	if grow == nil {
		grow = func(int64) error { return nil }
	}
	b := bodyReader{max: max, grow: grow}
	switch encoding := strings.ToLower(strings.TrimSpace(contentEncoding)); encoding {
	case "", "identity":
		return b.read(r)
	case "gzip":
		return b.inflate(r, encoding, b.gzip)
	case "snappy":
		return b.inflate(r, encoding, b.snappy)
	case "zstd":
		return b.inflate(r, encoding, b.zstd)
	default:
		return nil, ErrEncoding
	}
}

type bodyReader struct {
	max  int64
	grow func(n int64) error
}

// read reads all of r.
func (b *bodyReader) read(r io.Reader) ([]byte, error) {
	var body []byte
	for {
		if len(body) == cap(body) {
			// One byte more than allowed distinguishes a full body from one too
			// large.
			size := min(max(firstBodyBuffer, 2*int64(cap(body))), b.max+1)
			if err := b.grow(size - int64(cap(body))); err != nil {
				return nil, err
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > b.max:
			return nil, ErrTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		}
	}
}

// inflate reads through a decoder and separates the errors of the stream from
// those of reading it and of the limits.
func (b *bodyReader) inflate(r io.Reader, encoding string, decode func(*bufio.Reader) ([]byte, error)) ([]byte, error) {
	// Valid streams without content could go on for ever.
	source := &encodedReader{r: r, left: b.max + b.max/8 + 1<<10}
	grow := b.grow
	var refused error
	b.grow = func(n int64) error {
		refused = grow(n)
		return refused
	}
	buffered := bodyBuffers.Get().(*bufio.Reader)
	buffered.Reset(source)
	defer func() {
		buffered.Reset(nil)
		bodyBuffers.Put(buffered)
	}()
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return nil, refuse(ReasonSyntax, 0, "the body is to be decoded from %s, but is empty", encoding)
	}
	body, err := decode(buffered)
	switch {
	case err == nil:
		return body, nil
	case refused != nil:
		return nil, refused
	case source.err != nil:
		return nil, source.err
	case errors.Is(err, ErrTooLarge):
		return nil, ErrTooLarge
	default:
		return nil, refuse(ReasonSyntax, 0, "the body is no valid %s: %s", encoding, oneLine(err.Error()))
	}
}

var bodyBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

// encodedReader bounds what is read and remembers why reading failed.
type encodedReader struct {
	r    io.Reader
	left int64
	err  error
}

func (e *encodedReader) Read(p []byte) (int, error) {
	if e.left <= 0 {
		// Only a stream that goes on is too large.
		var one [1]byte
		n, err := e.r.Read(one[:])
		if n == 0 {
			return 0, e.failed(err)
		}
		e.err = ErrTooLarge
		return 0, e.err
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	return n, e.failed(err)
}

func (e *encodedReader) failed(err error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		e.err = err
	}
	return err
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func (b *bodyReader) gzip(r *bufio.Reader) ([]byte, error) {
	z := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(z)
	if err := z.Reset(r); err != nil {
		return nil, err
	}
	return b.read(z)
}

var snappyReaders = sync.Pool{New: func() any { return s2.NewReader(nil, s2.ReaderMaxBlockSize(snappyBlock)) }}

func (b *bodyReader) snappy(r *bufio.Reader) ([]byte, error) {
	z := snappyReaders.Get().(*s2.Reader)
	defer func() {
		z.Reset(nil)
		snappyReaders.Put(z)
	}()
	z.Reset(r)
	return b.read(z)
}

// zstdWindows are the sizes that a decoder may set aside for looking back. A
// stream gets the smallest that is enough for its first frame; the largest is
// what RFC 8878 asks every decoder to have.
var zstdWindows = [...]struct {
	size     uint64
	decoders *sync.Pool
}{
	{128 << 10, zstdDecoders(128 << 10)},
	{1 << 20, zstdDecoders(1 << 20)},
	{2 << 20, zstdDecoders(2 << 20)},
	{4 << 20, zstdDecoders(4 << 20)},
	{8 << 20, zstdDecoders(8 << 20)},
}

func zstdDecoders(window uint64) *sync.Pool {
	return &sync.Pool{New: func() any {
		// With one goroutine a decoder can be dropped without being closed.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return err
		}
		return z
	}}
}

func (b *bodyReader) zstd(r *bufio.Reader) ([]byte, error) {
	var header zstd.Header
	start, err := r.Peek(zstd.HeaderMaxSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := header.Decode(start); err != nil {
		return nil, err
	}
	window := header.WindowSize
	if header.SingleSegment {
		window = header.FrameContentSize
	}
	for _, w := range zstdWindows {
		if window > w.size {
			continue
		}
		if err := b.grow(int64(w.size)); err != nil {
			return nil, err
		}
		z, ok := w.decoders.Get().(*zstd.Decoder)
		if !ok {
			return nil, errors.New("no decoder")
		}
		defer func() {
			_ = z.Reset(nil)
			w.decoders.Put(z)
		}()
		if err := z.Reset(r); err != nil {
			return nil, err
		}
		return b.read(z)
	}
	return nil, zstd.ErrWindowSizeExceeded
}

// oneLine shortens a message of a library, which quotes as much as it likes.
func oneLine(s string) string {
	const most = 200
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\n", " "), "\uFFFD")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
