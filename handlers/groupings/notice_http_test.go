package groupings_test

import (
	"strings"
	"testing"

	"gatehouse/handlers/handlertest"
)

const oddHistogram = "# TYPE h histogram\nh{quantile=\"0.5\"} 1\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 3\nh_sum 1\nh_count 3\n"

func TestNoticesAreShownBesideTheGrouping(t *testing.T) {
	s := handlertest.Start(t)
	list := func() string { return s.Get("/api/v1/groupings").Body }
	metric := func(kind string) string {
		for line := range strings.Lines(s.Get("/metrics/self").Body) {
			if value, ok := strings.CutPrefix(line, `gatehouse_push_notices_total{kind="`+kind+`"} `); ok {
				return strings.TrimSpace(value)
			}
		}
		return "none"
	}
	s.Put("/metrics/job/x", "# TYPE c_total counter\nc_total 1\n")
	if body := list(); !strings.Contains(body, `"notices":[]`) {
		t.Errorf("a push about which nothing is odd: %s", body)
	}
	s.Put("/metrics/job/x", oddHistogram+"# TYPE jobs counter\njobs 1\n")
	want := `"notices":[{"kind":"quantile_in_histogram","family":"h","count":1},{"kind":"falling_buckets","family":"h","count":1},{"kind":"counter_without_total","family":"jobs","count":1}]`
	if body := list(); !strings.Contains(body, want) {
		t.Errorf("got %s, want %s", body, want)
	}
	page := openDetail(s, "/metrics/job/x", "").Body
	if !handlertest.Contains(wordsIn(t, page), "3 notices about these metrics", "1 quantile in a histogram", "h_bucket", "a counter whose name does not end in _total") || !strings.Contains(page, `href="/docs/notices#falling_buckets"`) {
		t.Errorf("the page does not say so:\n%s", wordsIn(t, page))
	}
	if metric("falling_buckets") != "1" || metric("bad_count") != "0" {
		t.Errorf("counted %s and %s", metric("falling_buckets"), metric("bad_count"))
	}
	s.Do("POST", "/metrics/job/x", "a 1\n")
	if body := list(); !strings.Contains(body, want) {
		t.Errorf("after a merge with other families: %s", body)
	}
	s.Do("POST", "/metrics/job/x", "# TYPE h gauge\nh 1\n")
	if body := list(); !strings.Contains(body, `"notices":[{"kind":"counter_without_total","family":"jobs","count":1}]`) {
		t.Errorf("after a merge that replaces the family: %s", body)
	}
}

func TestLooseLinesAreShownWithTheirNames(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", oddHistogram)
	body := s.Get("/api/v1/metrics").Body
	for _, want := range []string{
		`{"labels":{"__name__":"h","instance":"","job":"x","quantile":"0.5"},"value":"1"}`,
		`{"labels":{"__name__":"h_bucket","instance":"","job":"x","le":"1"},"value":"5"}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got %s, want %s", body, want)
		}
	}
}

func TestABodyThatSaysNothingDoesNotWipe(t *testing.T) {
	file := "# HELP a Text.\n# TYPE a gauge\na 1\nb 2\n"
	for name, push := range map[string]struct{ method, body, contentType string }{
		"curl -d of a file":          {"PUT", strings.ReplaceAll(file, "\n", ""), "application/x-www-form-urlencoded"},
		"the same, merged":           {"POST", strings.ReplaceAll(file, "\n", ""), "application/x-www-form-urlencoded"},
		"CR as line ends":            {"PUT", strings.ReplaceAll(file, "\n", "\r"), ""},
		"CR as line ends, but one":   {"PUT", strings.ReplaceAll(file, "\n", "\r") + "\n", ""},
		"escaped line ends":          {"PUT", strings.ReplaceAll(file, "\n", `\n`), ""},
		"escaped line ends, but one": {"PUT", strings.ReplaceAll(file, "\n", `\n`) + "\n", ""},
		"a script":                   {"PUT", "#!/bin/sh\n# push something\n", ""},
		"a page behind a hash":       {"PUT", "#<html><body>502</body></html>\n", ""},
		"samples commented out":      {"PUT", "#a 1\n# b 2\n", ""},
		"a type not ended":           {"PUT", "# TYPE a gauge", ""},
		"a type without a name":      {"PUT", "# TYPE\n", ""},
		"OpenMetrics":                {"PUT", "# HELP a Text. # TYPE a gauge", handlertest.OpenMetricsType},
	} {
		t.Run(name, func(t *testing.T) {
			s := handlertest.Start(t)
			s.Put("/metrics/job/x", "held 1\n")
			before := s.Grouping("/metrics/job/x")
			a := s.Do(push.method, "/metrics/job/x", push.body, "Content-Type", push.contentType)
			if a.Status != 400 || strings.Count(a.Body, "\n") != 1 {
				t.Errorf("%v", a)
			}
			after := s.Grouping("/metrics/job/x")
			if !after.Pushed.Equal(before.Pushed) || after.LastPushSuccessful() {
				t.Errorf("pushed at %v, before at %v; the last push was a success: %v", after.Pushed, before.Pushed, after.LastPushSuccessful())
			}
			s.WantSamples(`held{instance="",job="x"} 1`)
		})
	}
	for name, body := range map[string]string{"nothing": "", "blanks": " \n\t\r\n", "a registered family": "# TYPE q gauge\n", "HELP of one": "# HELP q Text.\n", "HELP of two lines": "# HELP q One\\nTwo.\n# TYPE q gauge\n"} {
		s := handlertest.Start(t)
		s.Put("/metrics/job/x", "held 1\n")
		if a := s.Do("PUT", "/metrics/job/x", body); a.Status != 200 {
			t.Errorf("%s: %v", name, a)
		}
	}
}
