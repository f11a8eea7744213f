package issuer

import (
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
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

func (e *endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(e)}, nil
}

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 64<<20 {
		return 0, io.EOF
	}
	return len(p), nil
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	i, answer := New(Options{}), &endless{}
	i.client.Transport = answer
	if _, err := i.get(t.Context(), "https://a.example"); !errors.Is(err, errTooLarge) || answer.read > 2*maxDocument {
		t.Errorf("got %v after %d bytes", err, answer.read)
	}
}
