package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// The formats that a scraper may ask for.
const (
	AcceptText        = "text/plain;version=0.0.4"
	AcceptOpenMetrics = "application/openmetrics-text;version=1.0.0"
	AcceptProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// Samples reads an exposition as Prometheus does and returns its samples,
// sorted, each as a line.
func Samples(t *testing.T, contentType, body string) []string {
	t.Helper()
	if strings.HasPrefix(contentType, "application/vnd.google.protobuf") {
		contentType, body = AcceptText, textOf(t, DecodeProtobuf(t, body))
	}
	p, err := textparse.New([]byte(body), contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	Must(t, err)
	var found []string
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("Prometheus can't read it: %v\n%s", err, body)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var ls labels.Labels
		_, _, value := p.Series()
		p.Labels(&ls)
		found = append(found, SampleLine(ls, value))
	}
	slices.Sort(found)
	for i := range found {
		if i > 0 && found[i] == found[i-1] {
			t.Errorf("%s comes twice", found[i])
		}
	}
	return found
}

// SampleLine writes a sample as Samples does.
func SampleLine(ls labels.Labels, value float64) string {
	var name string
	var pairs []string
	ls.Range(func(l labels.Label) {
		if l.Name == model.MetricNameLabel {
			name = l.Value
			return
		}
		if bound, err := strconv.ParseFloat(l.Value, 64); err == nil && (l.Name == model.BucketLabel || l.Name == model.QuantileLabel) {
			l.Value = fmt.Sprint(bound) // Prometheus writes 1 as 1.0 where it knows the type
		}
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.Name, l.Value))
	})
	return fmt.Sprintf("%s{%s} %v", name, strings.Join(pairs, ","), value)
}

// DecodeProtobuf reads an exposition in the protobuf format.
func DecodeProtobuf(t *testing.T, body string) []*dto.MetricFamily {
	t.Helper()
	var families []*dto.MetricFamily
	decoder := expfmt.NewDecoder(strings.NewReader(body), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		mf := &dto.MetricFamily{}
		switch err := decoder.Decode(mf); {
		case errors.Is(err, io.EOF):
			return families
		case err != nil:
			t.Fatal(err)
		}
		families = append(families, mf)
	}
}

func textOf(t *testing.T, families []*dto.MetricFamily) string {
	t.Helper()
	var b bytes.Buffer
	for _, mf := range families {
		_, err := expfmt.MetricFamilyToText(&b, mf)
		Must(t, err)
	}
	return b.String()
}

// Scrape returns all samples of a server in one format.
func (s *Server) Scrape(accept string) []string {
	s.T.Helper()
	a := s.Want(200, "GET", "/metrics", "", "Accept", accept)
	return Samples(s.T, a.Header.Get("Content-Type"), a.Body)
}

// Pushed returns the samples of a server that were pushed, in the text format.
func (s *Server) Pushed() []string {
	s.T.Helper()
	return Pushed(s.Scrape(AcceptText))
}

// Pushed leaves out the server's own samples, which have no job, and the push
// times.
func Pushed(lines []string) []string {
	return slices.DeleteFunc(lines, func(l string) bool {
		return !strings.Contains(l, `job="`) || strings.HasPrefix(l, "push_time_seconds{") || strings.HasPrefix(l, "push_failure_time_seconds{")
	})
}

// Holds compares what was pushed with samples in the text format, in every
// format that a scraper may ask for.
func (s *Server) Holds(want string) {
	s.T.Helper()
	s.HoldsBut(want, func(string) bool { return false })
}

// HoldsBut leaves out unpredictable samples.
func (s *Server) HoldsBut(want string, leaveOut func(line string) bool) {
	s.T.Helper()
	lines := Samples(s.T, AcceptText, want)
	for _, accept := range []string{AcceptText, AcceptOpenMetrics, AcceptProtobuf} {
		if got := slices.DeleteFunc(Pushed(s.Scrape(accept)), leaveOut); !slices.Equal(got, lines) {
			s.T.Errorf("scraped as %s\n%s", accept, Difference(got, lines))
		}
	}
}

// Difference returns what two sorted lists don't share.
func Difference(got, want []string) string {
	var b strings.Builder
	for _, l := range got {
		if !slices.Contains(want, l) {
			b.WriteString("  unexpected " + l + "\n")
		}
	}
	for _, l := range want {
		if !slices.Contains(got, l) {
			b.WriteString("  missing    " + l + "\n")
		}
	}
	return b.String()
}

// WithTimes leaves out a server's own samples only. An empty label but the
// instance is as good as none.
func WithTimes(lines []string) []string {
	var kept []string
	for _, l := range lines {
		if strings.Contains(l, `job="`) {
			kept = append(kept, strings.Replace(l, `,zone=""`, "", 1))
		}
	}
	slices.Sort(kept)
	return kept
}
