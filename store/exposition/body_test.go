package exposition

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

func compressed(tb testing.TB, encoding string, content []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "snappy":
		w = snappy.NewBufferedWriter(&b)
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			tb.Fatal(err)
		}
		w = z
	default:
		return content
	}
	if _, err := w.Write(content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestBodiesAreReadInEveryEncoding(t *testing.T) {
	noise := make([]byte, 300<<10)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for _, encoding := range []string{"", "identity", "gzip", "snappy", "zstd"} {
		for _, content := range [][]byte{nil, []byte("m 1\n"), batchPush(), bytes.Repeat([]byte("m 1\n"), 100_000), noise} {
			if len(content) == 0 && encoding == "snappy" {
				continue // its writer writes nothing for nothing
			}
			body := compressed(t, encoding, content)
			for name, r := range map[string]io.Reader{"at once": bytes.NewReader(body), "byte by byte": iotest.OneByteReader(bytes.NewReader(body)), "with EOF": iotest.DataErrReader(bytes.NewReader(body))} {
				got, err := ReadBody(r, encoding, int64(len(content)), nil)
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%s, %d bytes, %s: got %d bytes, %v", encoding, len(content), name, len(got), err)
				}
			}
			if len(content) == 0 {
				continue
			}
			if _, err := ReadBody(bytes.NewReader(body), encoding, int64(len(content)-1), nil); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s, a byte over the limit: %v", encoding, err)
			}
		}
	}
}

func TestEncodingsAreNamedInAnyCase(t *testing.T) {
	for _, encoding := range []string{"GZIP", " gzip ", "Snappy", "ZSTD", "Identity"} {
		body := compressed(t, strings.ToLower(strings.TrimSpace(encoding)), []byte("m 1\n"))
		if got, err := ReadBody(bytes.NewReader(body), encoding, 100, nil); err != nil || string(got) != "m 1\n" {
			t.Errorf("%q: got %q, %v", encoding, got, err)
		}
	}
	for _, encoding := range []string{"br", "deflate", "x-gzip", "gzip, gzip", "gzip,identity", "*", "gzip;q=1"} {
		if _, err := ReadBody(strings.NewReader("m 1\n"), encoding, 100, nil); !errors.Is(err, ErrEncoding) {
			t.Errorf("%q: %v", encoding, err)
		}
	}
}

func TestDamagedStreamsAreTheClientsFault(t *testing.T) {
	gz := compressed(t, "gzip", []byte("m 1\n"))
	zs := compressed(t, "zstd", []byte("m 1\n"))
	sn := compressed(t, "snappy", []byte("m 1\n"))
	for _, c := range []struct {
		sentence, encoding string
		body               []byte
	}{
		{"an empty body", "gzip", nil},
		{"an empty body", "snappy", nil},
		{"an empty body", "zstd", nil},
		{"a short text", "gzip", []byte("m 1\n")},
		{"a long text", "gzip", batchPush()},
		{"a text", "snappy", batchPush()},
		{"a text", "zstd", batchPush()},
		{"a truncated trailer", "gzip", gz[:len(gz)-2]},
		{"a truncated stream", "gzip", gz[:len(gz)-10]},
		{"a truncated stream", "zstd", zs[:len(zs)-5]},
		{"a truncated stream", "snappy", sn[:len(sn)-2]},
		{"junk behind the end", "gzip", append(bytes.Clone(gz), "junk"...)},
		{"junk behind the end", "zstd", append(bytes.Clone(zs), "junk"...)},
		{"the block format", "snappy", snappy.Encode(nil, batchPush())},
		{"a wrong checksum", "gzip", append(bytes.Clone(gz[:len(gz)-8]), 1, 2, 3, 4, 4, 0, 0, 0)},
	} {
		t.Run(c.encoding+" "+c.sentence, func(t *testing.T) {
			_, err := ReadBody(bytes.NewReader(c.body), c.encoding, 1<<20, nil)
			wantRefusal(t, err, "syntax")
		})
	}
	// A good stream is read after a damaged one by the same reader.
	for _, encoding := range []string{"gzip", "snappy", "zstd"} {
		if got, err := ReadBody(bytes.NewReader(compressed(t, encoding, []byte("m 1\n"))), encoding, 100, nil); err != nil || string(got) != "m 1\n" {
			t.Errorf("%s: got %q, %v", encoding, got, err)
		}
	}
}

func TestSeveralMembersAreOneBody(t *testing.T) {
	for _, encoding := range []string{"gzip", "snappy", "zstd"} {
		body := append(compressed(t, encoding, []byte("m 1\n")), compressed(t, encoding, []byte("q 2\n"))...)
		if got, err := ReadBody(bytes.NewReader(body), encoding, 100, nil); err != nil || string(got) != "m 1\nq 2\n" {
			t.Errorf("%s: got %q, %v", encoding, got, err)
		}
	}
}

func TestBombsAreDefused(t *testing.T) {
	const limit = 1 << 20
	bomb := make([]byte, 64<<20)
	for _, encoding := range []string{"gzip", "snappy", "zstd"} {
		body := compressed(t, encoding, bomb)
		taken := int64(0)
		_, err := ReadBody(bytes.NewReader(body), encoding, limit, func(n int64) error { taken += n; return nil })
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", encoding, err)
		}
		if taken > 2*limit+8<<20 {
			t.Errorf("%s: took %d bytes", encoding, taken)
		}
	}
	empty := compressed(t, "gzip", nil)
	endless := io.MultiReader(bytes.NewReader(bytes.Repeat(empty, 2*limit/len(empty))), neverCalled{t})
	if _, err := ReadBody(endless, "gzip", limit, nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("members without content: %v", err)
	}
}

// neverCalled follows all that may be read.
type neverCalled struct{ t *testing.T }

func (n neverCalled) Read([]byte) (int, error) {
	n.t.Error("read far beyond the limit")
	return 0, io.EOF
}

func TestLargeWindowsAreRefused(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(16<<20))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 20<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = ReadBody(&b, "zstd", 32<<20, nil)
	wantRefusal(t, err, "syntax")
	_, err = ReadBody(bytes.NewReader(s2Stream(t, 1<<20)), "snappy", 32<<20, nil)
	wantRefusal(t, err, "syntax")
}

func s2Stream(t *testing.T, block int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := s2.NewWriter(&b, s2.WriterBlockSize(block))
	if _, err := w.Write(bytes.Repeat([]byte("metric 1\n"), 1<<18)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheBudgetIsAskedBeforeMemoryIsTaken(t *testing.T) {
	refusal := errors.New("no memory left")
	for _, encoding := range []string{"", "gzip", "snappy", "zstd"} {
		content := bytes.Repeat([]byte("m 1\n"), 50_000)
		body := compressed(t, encoding, content)
		taken := int64(0)
		got, err := ReadBody(bytes.NewReader(body), encoding, 1<<20, func(n int64) error { taken += n; return nil })
		if err != nil || taken < int64(cap(got)) {
			t.Errorf("%s: took %d for %d bytes, %v", encoding, taken, cap(got), err)
		}
		left := int64(150_000)
		_, err = ReadBody(bytes.NewReader(body), encoding, 1<<20, func(n int64) error {
			if left -= n; left < 0 {
				return refusal
			}
			return nil
		})
		if !errors.Is(err, refusal) {
			t.Errorf("%s: %v", encoding, err)
		}
	}
}

func TestAFailingConnectionIsNotADamagedBody(t *testing.T) {
	broken := errors.New("connection reset")
	for _, encoding := range []string{"", "gzip", "snappy", "zstd"} {
		body := compressed(t, encoding, batchPush())
		for _, at := range []int{0, 1, 5, len(body) / 2} {
			r := io.MultiReader(bytes.NewReader(body[:at]), iotest.ErrReader(broken))
			if _, err := ReadBody(r, encoding, 1<<20, nil); !errors.Is(err, broken) {
				t.Errorf("%s, after %d bytes: %v", encoding, at, err)
			}
		}
	}
}
