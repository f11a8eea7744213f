package e2e

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

const (
	acceptText        = "text/plain;version=0.0.4"
	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0"
	acceptProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// samples reads an exposition as Prometheus does and returns its samples,
// sorted, each as a line.
func samples(t *testing.T, contentType, body string) []string {
	t.Helper()
	if strings.HasPrefix(contentType, "application/vnd.google.protobuf") {
		contentType, body = acceptText, textOf(t, decodeProtobuf(t, body))
	}
	p, err := textparse.New([]byte(body), contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	must(t, err)
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
		found = append(found, line(ls, value))
	}
	slices.Sort(found)
	for i := range found {
		if i > 0 && found[i] == found[i-1] {
			t.Errorf("%s comes twice", found[i])
		}
	}
	return found
}

func line(ls labels.Labels, value float64) string {
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

func decodeProtobuf(t *testing.T, body string) []*dto.MetricFamily {
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
		must(t, err)
	}
	return b.String()
}

// scrape returns all samples of a server in one format.
func (s *server) scrape(accept string) []string {
	s.t.Helper()
	a := s.want(200, "GET", "/metrics", "", "Accept", accept)
	return samples(s.t, a.header.Get("Content-Type"), a.body)
}

func (s *server) pushed() []string {
	s.t.Helper()
	return pushed(s.scrape(acceptText))
}

// pushed leaves out the server's own samples, which have no job, and those that
// tell when something was pushed.
func pushed(lines []string) []string {
	return slices.DeleteFunc(lines, func(l string) bool {
		return !strings.Contains(l, `job="`) || strings.HasPrefix(l, "push_time_seconds{") || strings.HasPrefix(l, "push_failure_time_seconds{")
	})
}

// holds compares what was pushed with samples in the text format, in every
// format that a scraper may ask for.
func (s *server) holds(want string) {
	s.t.Helper()
	s.holdsBut(want, func(string) bool { return false })
}

// holdsBut leaves out what nobody can foretell.
func (s *server) holdsBut(want string, leaveOut func(line string) bool) {
	s.t.Helper()
	lines := samples(s.t, acceptText, want)
	for _, accept := range []string{acceptText, acceptOpenMetrics, acceptProtobuf} {
		if got := slices.DeleteFunc(pushed(s.scrape(accept)), leaveOut); !slices.Equal(got, lines) {
			s.t.Errorf("scraped as %s\n%s", accept, difference(got, lines))
		}
	}
}

// difference tells what two sorted lists don't share.
func difference(got, want []string) string {
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
