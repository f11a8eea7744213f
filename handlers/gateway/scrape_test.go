package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"gatehouse/handlers/handlertest"
)

func TestAScrapeHasEverythingInAStableOrder(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/b", "# HELP m Help.\n# TYPE m counter\nm{z=\"1\",a=\"2\"} 1\n")
	s.Put("/metrics/job/a/instance/i", "# TYPE m counter\nm 2\nk 3\n")
	s.Put("/metrics/job/a", "# TYPE m counter\nm 4\n")
	s.Put("/metrics/job/empty", "")
	a := s.Get("/metrics")
	if a.Status != 200 || a.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8; escaping=underscores" {
		t.Errorf("%v %v", a, a.Header)
	}
	want := `# HELP m Help.
# TYPE m counter
m{instance="",job="a"} 4
m{instance="i",job="a"} 2
m{a="2",instance="",job="b",z="1"} 1
`
	if !strings.Contains(a.Body, "\n"+want) || !strings.Contains(a.Body, "\n# TYPE k untyped\nk{instance=\"i\",job=\"a\"} 3\n") {
		t.Errorf("lacks\n%s\n%s", want, a.Body)
	}
	families := familyNames(a.Body)
	if !slices.IsSorted(families) || len(slices.Compact(slices.Clone(families))) != len(families) {
		t.Errorf("families are not sorted or not unique: %q", families)
	}
	for _, name := range []string{
		"go_goroutines", "process_start_time_seconds", "pushgateway_build_info", "pushgateway_http_requests_total",
		"pushgateway_http_push_duration_seconds", "pushgateway_http_push_size_bytes", "gatehouse_groupings", "gatehouse_families",
		"gatehouse_series", "gatehouse_series_bytes", "gatehouse_pushes_refused_total", "gatehouse_scrape_duration_seconds",
		"gatehouse_scrape_size_bytes", "gatehouse_store_commit_duration_seconds", "gatehouse_store_commit_errors_total",
		"push_time_seconds", "push_failure_time_seconds",
	} {
		if !slices.Contains(families, name) {
			t.Errorf("lacks the family %s", name)
		}
	}
	for _, line := range []string{
		`push_failure_time_seconds{instance="",job="empty"} 0`, "gatehouse_groupings 4", "gatehouse_families 2", "gatehouse_series 4",
		`pushgateway_http_requests_total{code="200",handler="push",method="put"} 4`,
		`pushgateway_http_push_size_bytes_count{method="put"} 4`,
	} {
		if !strings.Contains(a.Body, "\n"+line+"\n") {
			t.Errorf("lacks %s", line)
		}
	}
}

func familyNames(text string) []string {
	var names []string
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			names = append(names, name)
		}
	}
	return names
}

func TestAcceptDecidesOnTheFormat(t *testing.T) {
	const (
		text  = "text/plain; version=0.0.4; charset=utf-8; escaping="
		text1 = "text/plain; version=1.0.0; charset=utf-8; escaping="
		om    = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="
		pb    = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping="
	)
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = true })
	s.Put("/metrics/job/x", "# TYPE \"my.c\" counter\n{\"my.c\",\"la.b\"=\"é\"} 1\n")
	tests := []struct{ accept, contentType, part string }{
		{"", text + "underscores", `my_c{instance="",job="x",la_b="é"} 1`},
		{"*/*", text + "underscores", `my_c{`},
		{"application/json", text + "underscores", `my_c{`},
		{"text/html", text + "underscores", `my_c{`},
		{"text/plain;version=0.0.4;escaping=values", text + "values", `U__my_2e_c{`},
		{"text/plain;version=0.0.4;escaping=dots", text + "dots", `my_dot_c{`},
		{"text/plain;version=0.0.4;escaping=nonsense", text + "underscores", `my_c{`},
		{"text/plain;version=1.0.0;escaping=allow-utf-8", text1 + "allow-utf-8", `{"my.c",instance="",job="x","la.b"="é"} 1`},
		{"application/openmetrics-text;version=1.0.0", om + "underscores", "# TYPE my_c unknown\nmy_c{"},
		{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.5", om + "allow-utf-8", "# EOF\n"},
		{"application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.3", text + "underscores", "my_c{"},
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", om + "underscores", "# EOF\n"},
		{"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8", pb + "allow-utf-8", "my.c"},
	}
	for _, test := range tests {
		for _, target := range []string{"/metrics", "/metrics/job/x", "/metrics/job/x/instance@base64/=", "/metrics?match[]={job=%22x%22}"} {
			a := s.Get(target, "Accept", test.accept)
			if a.Status != 200 || a.Header.Get("Content-Type") != test.contentType || !strings.Contains(a.Body, test.part) {
				t.Errorf("Accept %q: %v\n%s, want %q and %q", test.accept, a, a.Header.Get("Content-Type"), test.contentType, test.part)
			}
			if a.Header.Get("Vary") != "Accept, Accept-Encoding" {
				t.Errorf("%v: Vary %q", a, a.Header.Get("Vary"))
			}
			if _, err := handlertest.ParseScrape(a); err != nil {
				t.Errorf("Accept %q: %v\n%s", test.accept, err, a.Body)
			}
		}
	}
}

func TestAcceptEncodingDecidesOnTheCoding(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	plain := s.Get("/metrics/job/x").Body
	tests := []struct{ accept, coding string }{
		{"", ""},
		{"identity", ""},
		{"br", ""},
		{"deflate", ""},
		{"gzip", "gzip"},
		{"zstd", "zstd"},
		{"br, gzip", "gzip"},
		{"gzip;q=0", ""},
		{"gzip;q=0, zstd", "zstd"},
		{"gzip;q=0.1, zstd;q=0.9", "zstd"},
		{"gzip, deflate, br", "gzip"},
	}
	for _, test := range tests {
		for _, target := range []string{"/metrics/job/x", "/metrics/job/x/instance@base64/=", "/metrics", "/metrics/self"} {
			a := s.Get(target, "Accept-Encoding", test.accept)
			if a.Status != 200 || a.Header.Get("Content-Encoding") != test.coding {
				t.Errorf("Accept-Encoding %q: %s: %d %q, want %q", test.accept, a.Request, a.Status, a.Header.Get("Content-Encoding"), test.coding)
				continue
			}
			text := decoded(t, test.coding, a.Body)
			if strings.HasPrefix(target, "/metrics/job") && text != plain {
				t.Errorf("Accept-Encoding %q: got %q, want %q", test.accept, text, plain)
			} else if !strings.HasSuffix(text, "\n") {
				t.Errorf("Accept-Encoding %q: %s ends with %q", test.accept, a.Request, text[max(0, len(text)-100):])
			}
		}
	}
}

func decoded(t *testing.T, coding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	handlertest.Must(t, err)
	text, err := io.ReadAll(r)
	handlertest.Must(t, err)
	return string(text)
}

func TestAGroupingIsReadByItsPath(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/x/instance/i", "a 2\n")
	s.Put("/metrics/job/x/instance/i/zone/z", "a 3\n")
	s.Put("/metrics/job/y", "a 4\n")
	values := func(a handlertest.Answer) string {
		var got []string
		for line := range strings.SplitSeq(a.Body, "\n") {
			if strings.HasPrefix(line, "a{") {
				got = append(got, line[len(line)-1:])
			}
		}
		return strings.Join(got, " ")
	}
	tests := []struct {
		target string
		status int
		want   string
	}{
		{"/metrics/job/x", 200, "1 2 3"},
		{"/metrics/job/x/", 200, "1 2 3"},
		{"/metrics/job@base64/eA", 200, "1 2 3"},
		{"/metrics/job/x/instance/i", 200, "2"},
		{"/metrics/job/x/zone/z/instance/i", 200, "3"},
		{"/metrics/job/x/instance@base64/=", 200, "1"},
		{"/metrics/job/y", 200, "4"},
		{"/metrics/job/z", 404, ""},
		{"/metrics/job/x/instance/j", 404, ""},
		{"/metrics/job/x/zone/z", 404, ""},
	}
	for _, test := range tests {
		if a := s.Get(test.target); a.Status != test.status || values(a) != test.want || a.Status == 404 && !handlertest.OneLine(a.Body) {
			t.Errorf("%v, want %d and %s", a, test.status, test.want)
		}
	}
	one := s.Get("/metrics/job/x/instance/i").Body
	if !strings.Contains(one, `push_time_seconds{instance="i",job="x"} 1.`) || !strings.Contains(one, `push_failure_time_seconds{instance="i",job="x"} 0`) || len(familyNames(one)) != 3 {
		t.Errorf("one grouping is\n%s", one)
	}

	exact := handlertest.Start(t, func(c handlertest.Setup) { c.ExactJobMatch = true })
	exact.Put("/metrics/job/x/instance/i", "a 2\n")
	if a := exact.Get("/metrics/job/x"); a.Status != 404 {
		t.Errorf("with exact job match: %v", a)
	}
	exact.Put("/metrics/job/x", "a 1\n")
	if a := exact.Get("/metrics/job/x"); values(a) != "1" {
		t.Errorf("with exact job match: %v", a)
	}
}

func TestSelectorsSplitAScrapeIntoShards(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/x/instance/i", "a 2\n")
	s.Put("/metrics/job/y/instance/j", "a 3\n")
	tests := []struct {
		query  string
		status int
		want   []string
	}{
		{"match[]={job=%22x%22}", 200, []string{`a{instance="",job="x"} 1`, `a{instance="i",job="x"} 2`}},
		{"match[]={job=%22x%22,instance=%22%22}", 200, []string{`a{instance="",job="x"} 1`}},
		{"match[]={job=~%22x|y%22,instance!=%22%22}", 200, []string{`a{instance="i",job="x"} 2`, `a{instance="j",job="y"} 3`}},
		{"match%5B%5D=%7Bjob%3D%22y%22%7D", 200, []string{`a{instance="j",job="y"} 3`}},
		{"match[]={instance=%22i%22}&match[]={job=%22y%22}", 200, []string{`a{instance="i",job="x"} 2`, `a{instance="j",job="y"} 3`}},
		{"match[]={job=%22a;b%22}", 200, nil},
		{"match[]={job=\"a;b\"}", 200, nil},
		{"match[]={job!=%22%22,job!~%22x|y%22}", 200, nil},
		{"match[]={job!~%22x%22}", 400, nil},
		{"match[]={", 400, nil},
		{"match[]=", 400, nil},
		{"match[]={job=~%22(%22}", 400, nil},
		{"match[]={__name__=%22a%22}", 400, nil},
		{"match[]=a", 400, nil},
		{strings.Repeat("match[]={job=%22x%22}&", 65), 400, nil},
	}
	for _, test := range tests {
		a := s.Get("/metrics?" + test.query)
		if a.Status != test.status || a.Status == 400 && !handlertest.OneLine(a.Body) {
			t.Errorf("%v, want %d", a, test.status)
			continue
		}
		if a.Status != 200 {
			continue
		}
		got := strings.Split(a.Body, "\n")
		got = slices.DeleteFunc(got, func(l string) bool { return !strings.HasPrefix(l, "a{") })
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.query, got, test.want)
		}
		if strings.Contains(a.Body, "go_goroutines") || a.Header.Get("ETag") == "" {
			t.Errorf("%s: with own metrics or without an ETag", test.query)
		}
	}
}

func TestOwnMetricsCanBeLeftToTheirOwnPath(t *testing.T) {
	with, without := handlertest.Start(t), handlertest.Start(t, func(c handlertest.Setup) { c.ExcludeOwn = true })
	for _, s := range []*handlertest.Server{with, without} {
		s.Put("/metrics/job/x", "a 1\n# TYPE go_goroutines gauge\ngo_goroutines 5\n")
		self := s.Get("/metrics/self")
		if names := familyNames(self.Body); self.Status != 200 || !slices.Contains(names, "go_goroutines") || slices.Contains(names, "a") || slices.Contains(names, "push_time_seconds") {
			t.Errorf("own metrics: %v", self)
		}
		if strings.Contains(self.Body, `job="x"`) {
			t.Errorf("own metrics tell what was pushed")
		}
	}
	if a := with.Get("/metrics"); !strings.Contains(a.Body, "\ngo_goroutines ") || !strings.Contains(a.Body, "\ngo_goroutines{instance=\"\",job=\"x\"} 5\n") || a.Header.Get("ETag") != "" {
		t.Errorf("with own metrics: %v", a.Body)
	}
	for _, target := range []string{"/metrics", "/metrics/job/x", "/metrics?match[]={job=%22x%22}"} {
		if a := with.Get(target); !strings.Contains(a.Body, "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\n") {
			t.Errorf("%s: the HELP is not the server's own", target)
		}
	}
	if a := without.Get("/metrics"); strings.Contains(a.Body, "\ngo_goroutines ") || !strings.Contains(a.Body, "\ngo_goroutines{instance=\"\",job=\"x\"} 5\n") || a.Header.Get("ETag") == "" {
		t.Errorf("without own metrics: %v", a.Body)
	}
}

func TestWhatHasNotChangedIsNotSentAgain(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.ExcludeOwn = true })
	s.Put("/metrics/job/x", "a 1\n")
	s.Put("/metrics/job/x/instance/i", "a 2\n")
	targets := []string{"/metrics", "/metrics?match[]={job=%22x%22}", "/metrics/job/x", "/metrics/job/x/instance/i", "/api/v1/targets", "/api/v1/targets?match[]={job=%22x%22}"}
	tags := map[string]string{}
	for _, target := range targets {
		a := s.Get(target)
		tag := a.Header.Get("ETag")
		if a.Status != 200 || tag == "" {
			t.Errorf("%v: no ETag", a)
			continue
		}
		tags[target] = tag
		for _, same := range []string{tag, strings.TrimPrefix(tag, "W/"), `"other", ` + tag} {
			if a := s.Get(target, "If-None-Match", same); a.Status != 304 || a.Body != "" || a.Header.Get("ETag") != tag {
				t.Errorf("If-None-Match %s: %v %v", same, a, a.Header)
			}
		}
		if a := s.Get(target, "If-None-Match", `"other"`); a.Status != 200 {
			t.Errorf("%v", a)
		}
		if a := s.Do("HEAD", target, ""); a.Status != 200 || a.Header.Get("ETag") != tag || a.Body != "" {
			t.Errorf("%v %v", a, a.Header)
		}
		if strings.HasPrefix(target, "/metrics") {
			for _, other := range []string{"application/openmetrics-text;version=1.0.0", "text/plain;escaping=values;version=0.0.4"} {
				if a := s.Get(target, "If-None-Match", tag, "Accept", other); a.Status != 200 {
					t.Errorf("another format is taken for the same: %v", a)
				}
			}
			if a := s.Get(target, "If-None-Match", tag); a.Header.Get("Vary") == "" {
				t.Errorf("304 without Vary: %v", a.Header)
			}
		}
	}
	s.Put("/metrics/job/x/instance/i", "a 3\n")
	for _, target := range targets {
		if a := s.Get(target, "If-None-Match", tags[target]); a.Status != 200 {
			t.Errorf("a change is not told: %v", a)
		}
	}
	// A push elsewhere leaves a grouping as it was.
	tag := s.Get("/metrics/job/x/instance/i").Header.Get("ETag")
	s.Put("/metrics/job/y", "a 4\n")
	if a := s.Get("/metrics/job/x/instance/i", "If-None-Match", tag); a.Status != 304 {
		t.Errorf("%v", a)
	}
	// A refused push shows in the failure time.
	s.Do("PUT", "/metrics/job/x/instance/i", "?")
	if a := s.Get("/metrics/job/x/instance/i", "If-None-Match", tag); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestTheTelemetryPathMovesScrapesOnly(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.TelemetryPath = "/scrape" })
	s.Put("/metrics/job/x", "a 1\n")
	if a := s.Get("/scrape"); a.Status != 200 || !strings.Contains(a.Body, "\na{") {
		t.Errorf("%v", a)
	}
	if a := s.Get("/metrics"); a.Status != 404 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/metrics/job/x"); a.Status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/metrics/self"); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestNativeHistogramsAndExemplarsSurvive(t *testing.T) {
	native := &dto.MetricFamily{Name: proto.String("h"), Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{Histogram: &dto.Histogram{
		SampleCount: proto.Uint64(4), SampleSum: proto.Float64(3), Schema: proto.Int32(0), ZeroThreshold: proto.Float64(0.001), ZeroCount: proto.Uint64(1),
		PositiveSpan: []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(2)}}, PositiveDelta: []int64{2, -1},
	}}}}
	counted := &dto.MetricFamily{Name: proto.String("c"), Type: dto.MetricType_COUNTER.Enum(), Metric: []*dto.Metric{{Counter: &dto.Counter{
		Value:    proto.Float64(5),
		Exemplar: &dto.Exemplar{Label: []*dto.LabelPair{{Name: proto.String("trace"), Value: proto.String("t1")}}, Value: proto.Float64(1)},
	}}}}
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", handlertest.Delimited(counted, native), "Content-Type", handlertest.ProtobufType)
	a := s.Get("/metrics/job/x", "Accept", handlertest.ProtobufType)
	in := bytes.NewReader([]byte(a.Body))
	got := map[string]*dto.Metric{}
	for {
		mf := &dto.MetricFamily{}
		if err := protodelim.UnmarshalFrom(in, mf); err != nil {
			break
		}
		got[mf.GetName()] = mf.GetMetric()[0]
	}
	if h := got["h"].GetHistogram(); !proto.Equal(h, native.Metric[0].Histogram) {
		t.Errorf("got %v, want %v", h, native.Metric[0].Histogram)
	}
	if e := got["c"].GetCounter().GetExemplar(); e.GetLabel()[0].GetValue() != "t1" {
		t.Errorf("got exemplar %v", e)
	}
	text := s.Get("/metrics/job/x").Body
	for _, line := range []string{`h_bucket{instance="",job="x",le="+Inf"} 4`, `h_sum{instance="",job="x"} 3`, `h_count{instance="",job="x"} 4`} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the text lacks %s:\n%s", line, text)
		}
	}
	s.WantSoundScrapes()
}

func TestSampleLinesAreTheSameInAllTexts(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 1\n# TYPE c_total counter\nc_total 1e+15\n")
	lines := func(accept string) []string {
		all := strings.Split(s.Get("/metrics/job/x", "Accept", accept).Body, "\n")
		return slices.DeleteFunc(all, func(l string) bool { return strings.HasPrefix(l, "#") || l == "" })
	}
	want := lines("")
	if !slices.Contains(want, `h_bucket{instance="",job="x",le="1"} 1`) {
		t.Errorf("got %q", want)
	}
	for _, accept := range []string{"text/plain;version=1.0.0", "application/openmetrics-text;version=1.0.0"} {
		if got := lines(accept); !slices.Equal(got, want) {
			t.Errorf("Accept %s: got %q, want %q", accept, got, want)
		}
	}
}

func TestAScrapeSeesAPushAsAWhole(t *testing.T) {
	s := handlertest.Start(t)
	const target = "/metrics/job/x"
	s.Put(target, "a 0\nb 0\n")
	var pushing sync.WaitGroup
	pushing.Go(func() {
		for i := range 100 {
			if a := s.Do("PUT", target, fmt.Sprintf("a %d\nb %d\n", i, i)); a.Status != 200 {
				t.Errorf("%v", a)
			}
		}
	})
	for range 100 {
		lines := s.Samples()
		if len(lines) != 2 || strings.TrimPrefix(lines[0], "a") != strings.TrimPrefix(lines[1], "b") {
			t.Errorf("sees %q", lines)
		}
	}
	pushing.Wait()
}

func TestHEADAnswersAsGETWithoutABody(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "a 1\n")
	for _, target := range []string{
		"/", "/metrics", "/metrics/self", "/metrics/job/x", "/metrics/job/x/instance@base64/=", "/metrics/job/y", "/api/v1/targets", "/api/v1/metrics",
		"/api/v1/status", "/api/v1/groupings", "/api/v1/openapi.json", "/health", "/-/healthy", "/-/ready", "/nowhere",
	} {
		get, head := s.Get(target), s.Do("HEAD", target, "")
		if head.Status != get.Status || head.Body != "" {
			t.Errorf("%v, but %v", head, get)
		}
		for _, name := range []string{"Content-Type", "Vary", "ETag", "Cache-Control"} {
			if head.Header.Get(name) != get.Header.Get(name) {
				t.Errorf("%s: %s is %q, want %q", head.Request, name, head.Header.Get(name), get.Header.Get(name))
			}
		}
		if n := head.Header.Get("Content-Length"); n != "" && n != get.Header.Get("Content-Length") {
			t.Errorf("%s: Content-Length is %q, want %q", head.Request, n, get.Header.Get("Content-Length"))
		}
	}
}
