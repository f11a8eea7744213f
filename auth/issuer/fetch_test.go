package issuer

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestTheSameCauseHasTheSameWords(t *testing.T) {
	for _, c := range []struct {
		sentence, a, b string
		same           bool
	}{
		{"whatever port the connection came from", "read tcp 127.0.0.1:40001->127.0.0.1:90: reset", "read tcp 127.0.0.1:40002->127.0.0.1:90: reset", true},
		{"but not wherever it went", "read tcp 127.0.0.1:40001->127.0.0.1:90: reset", "read tcp 127.0.0.1:40001->127.0.0.1:91: reset", false},
		{"nor whatever the status is", "status 500", "status 503", false},
	} {
		if a, b := cause(errors.New(c.a)).Error(), cause(errors.New(c.b)).Error(); (a == b) != c.same {
			t.Errorf("%s: got %q and %q", c.sentence, a, b)
		}
	}
	expired := x509.CertificateInvalidError{Cert: &x509.Certificate{NotAfter: time.Unix(0, 0)}, Reason: x509.Expired, Detail: "current time is …"}
	if got := withoutURL(&url.Error{Op: "Get", URL: "https://u:p@a.example", Err: expired}).Error(); strings.Contains(got, "current") {
		t.Errorf("got %q", got)
	}
}

func TestALongCauseIsCutBetweenCharacters(t *testing.T) {
	for pad := range 3 {
		got := cause(errors.New(strings.Repeat("x", pad) + strings.Repeat("€", 1000))).Error()
		if len(got) > maxCause+len("…") || !utf8.ValidString(got) || !strings.HasSuffix(got, "€…") {
			t.Errorf("got %q", got)
		}
	}
}

func TestTheAddressIsNotRepeatedInTheErrorOfARequest(t *testing.T) {
	if got := withoutURL(&url.Error{Op: "Get", URL: "https://a.example/?key=hunter2", Err: errors.New("refused")}).Error(); got != "refused" {
		t.Errorf("got %q", got)
	}
}

// endless is an answer that counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 64<<20 {
		return 0, io.EOF
	}
	return len(p), nil
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	i, answer := New(Options{}), &endless{}
	i.client.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(answer)}, nil
	})
	if _, err := i.get(t.Context(), "https://a.example"); !errors.Is(err, errTooLarge) || answer.read > 2*maxDocument {
		t.Errorf("got %v after %d bytes", err, answer.read)
	}
}

// roundTrip answers requests in place of the network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTheErrorOfAFetchIsShort(t *testing.T) {
	i := New(Options{Issuer: "https://a.example"})
	i.client.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
		return nil, errors.New(strings.Repeat("x", 10_000))
	})
	if _, err := i.Key(t.Context(), "x", "RS256"); !errors.Is(err, ErrUnavailable) || len(err.Error()) > 2*maxCause {
		t.Errorf("got %v", err)
	}
}

func TestCloseWaitsForTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := New(Options{Issuer: "https://a.example"})
		var ended atomic.Bool
		i.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			time.Sleep(time.Second) // of the bubble
			ended.Store(true)
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := i.Key(ctx, "x", "RS256"); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
		i.Close()
		if !ended.Load() {
			t.Error("it didn't wait")
		}
	})
}

func TestCloseWaitsForTheMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := New(Options{Issuer: "https://a.example"})
		var ended atomic.Bool
		i.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			time.Sleep(time.Second) // of the bubble
			ended.Store(true)
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := i.Metadata(ctx); !errors.Is(err, ErrNoMetadata) {
			t.Fatalf("got %v", err)
		}
		i.Close()
		if !ended.Load() {
			t.Error("it didn't wait")
		}
	})
}
