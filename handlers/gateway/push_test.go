package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/snappy"

	"gatehouse/handlers/handlertest"
	"gatehouse/store"
)

func TestPushesAreAnswered(t *testing.T) {
	// What is there before: another grouping.
	const other = `held{instance="o",job="other"} 1`
	tests := []struct {
		name    string
		method  string
		target  string
		body    string
		headers []string
		status  int
		text    string   // what a refusal says, in part
		held    []string // by the grouping, afterwards
	}{
		{"a push is taken", "PUT", "/metrics/job/x", "a 1\n", nil, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"a merge is taken", "POST", "/metrics/job/x", "a 1\n", nil, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"the last newline may be missing", "PUT", "/metrics/job/x", "cpu_usage 0.85", nil, 200, "", []string{`cpu_usage{instance="",job="x"} 0.85`}},
		{"CRLF line ends", "PUT", "/metrics/job/x", "# TYPE a counter\r\na 1\r\n", nil, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"trailing blanks", "PUT", "/metrics/job/x", "a 1 \t\n", nil, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"the form type of curl", "POST", "/metrics/job/x", "a 1\n", []string{"Content-Type", "application/x-www-form-urlencoded"}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"the multipart type of browsers", "POST", "/metrics/job/x", "a 1\n", []string{"Content-Type", "multipart/form-data; boundary=x"}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"any content type", "PUT", "/metrics/job/x", "a 1\n", []string{"Content-Type", "so/what; ="}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"an empty push makes an empty grouping", "PUT", "/metrics/job/x", "", nil, 200, "", nil},
		{"so does an empty merge", "POST", "/metrics/job/x", "", nil, 200, "", nil},
		{"the path's labels override those of the body", "PUT", "/metrics/job/x/instance/i", "a{job=\"y\",instance=\"j\",b=\"c\"} 1\n", nil, 200, "", []string{`a{b="c",instance="i",job="x"} 1`}},
		{"an instance in the body stays", "PUT", "/metrics/job/x", "a{instance=\"j\"} 1\n", nil, 200, "", []string{`a{instance="j",job="x"} 1`}},
		{"protobuf", "PUT", "/metrics/job/x", handlertest.Delimited(gaugeFamily("a", 1), gaugeFamily("b", 2)), []string{"Content-Type", handlertest.ProtobufType}, 200, "", []string{`a{instance="",job="x"} 1`, `b{instance="",job="x"} 2`}},
		{"OpenMetrics", "PUT", "/metrics/job/x", "# TYPE a counter\na_total 1\n# EOF\n", []string{"Content-Type", handlertest.OpenMetricsType}, 200, "", []string{`a_total{instance="",job="x"} 1`}},
		{"gzip", "PUT", "/metrics/job/x", handlertest.Encode("gzip", "a 1\n"), []string{"Content-Encoding", "gzip"}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"gzip in capitals", "PUT", "/metrics/job/x", handlertest.Encode("gzip", "a 1\n"), []string{"Content-Encoding", "GZIP"}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"framed snappy", "PUT", "/metrics/job/x", handlertest.Encode("snappy", "a 1\n"), []string{"Content-Encoding", "snappy"}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"zstd", "PUT", "/metrics/job/x", handlertest.Encode("zstd", "a 1\n"), []string{"Content-Encoding", "zstd"}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"gzip of nothing", "PUT", "/metrics/job/x", handlertest.Encode("gzip", ""), []string{"Content-Encoding", "gzip"}, 200, "", nil},
		{"gzip of protobuf", "PUT", "/metrics/job/x", handlertest.Encode("gzip", handlertest.Delimited(gaugeFamily("a", 1))), []string{"Content-Encoding", "gzip", "Content-Type", handlertest.ProtobufType}, 200, "", []string{`a{instance="",job="x"} 1`}},
		{"the same HELP or another is fine", "PUT", "/metrics/job/x", "# HELP held Anything.\n# TYPE held gauge\nheld 1\n", nil, 200, "", []string{`held{instance="",job="x"} 1`}},

		{"an unknown coding", "PUT", "/metrics/job/x", "a 1\n", []string{"Content-Encoding", "br"}, 415, "gzip, snappy and zstd", nil},
		{"deflate", "PUT", "/metrics/job/x", "a 1\n", []string{"Content-Encoding", "deflate"}, 415, "gzip, snappy and zstd", nil},
		{"several codings", "PUT", "/metrics/job/x", "a 1\n", []string{"Content-Encoding", "gzip, gzip"}, 415, "one at a time", nil},
		{"two coding headers", "PUT", "/metrics/job/x", handlertest.Encode("gzip", "a 1\n"), []string{"Content-Encoding", "gzip", "Content-Encoding", "zstd"}, 415, "one at a time", nil},
		{"no gzip after all", "PUT", "/metrics/job/x", "a 1\n", []string{"Content-Encoding", "gzip"}, 400, "gzip", nil},
		{"half a gzip", "PUT", "/metrics/job/x", handlertest.Encode("gzip", strings.Repeat("a 1\n", 99))[:20], []string{"Content-Encoding", "gzip"}, 400, "gzip", nil},
		{"nothing for gzip", "PUT", "/metrics/job/x", "", []string{"Content-Encoding", "gzip"}, 400, "empty", nil},
		{"blocks of snappy", "PUT", "/metrics/job/x", string(snappy.Encode(nil, []byte("a 1\n"))), []string{"Content-Encoding", "snappy"}, 400, "snappy", nil},
		{"not the text format", "PUT", "/metrics/job/x", "fine 1\nwhat?\n", nil, 400, "line 2", nil},
		{"JSON", "PUT", "/metrics/job/x", `{"a": 1}`, []string{"Content-Type", "application/json"}, 400, "line 1", nil},
		{"a timestamp", "PUT", "/metrics/job/x", "# TYPE a gauge\na 1 1700000000000\n", nil, 400, `line 2: `, nil},
		{"a series twice", "PUT", "/metrics/job/x", "a{b=\"c\"} 1\na{b=\"c\"} 2\n", nil, 400, "line 2", nil},
		{"a series twice because of the path", "PUT", "/metrics/job/x/b/c", "a{b=\"1\"} 1\na{b=\"2\"} 2\n", nil, 400, "line 2", nil},
		{"a series twice but for an empty label", "PUT", "/metrics/job/x", "a{b=\"\"} 1\na 2\n", nil, 400, "line 2", nil},
		{"a dot in a name", "PUT", "/metrics/job/x", "{\"a.b\"} 1\n", nil, 200, "", []string{`a_b{instance="",job="x"} 1`}},
		{"a type that the other grouping has not", "PUT", "/metrics/job/x", "# TYPE held counter\nheld 1\n", nil, 400, `{instance="o",job="other"}`, nil},
		{"a type that the server has not", "PUT", "/metrics/job/x", "# TYPE go_goroutines counter\ngo_goroutines 1\n", nil, 400, `go_goroutines`, nil},
		{"a series that the other grouping has", "PUT", "/metrics/job/other", "# TYPE held gauge\nheld{instance=\"o\"} 1\n", nil, 400, `{instance="o",job="other"}`, nil},
		{"a suffix that meets a histogram of the push", "PUT", "/metrics/job/x", "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n# TYPE h_count gauge\nh_count 1\n", nil, 400, "h_count", nil},
		{"a suffix that meets a family of the other grouping", "PUT", "/metrics/job/x", "# TYPE hist summary\nhist_sum 1\nhist_count 1\n", nil, 400, `{instance="o",job="other"}`, nil},
		{"more series than a push may have", "PUT", "/metrics/job/x", handlertest.ManySeries(10_001), nil, 400, "10000", nil},
		{"a body that is too large", "PUT", "/metrics/job/x", strings.Repeat("#\n", 1<<19+1), nil, 413, "--push.max-body-bytes", nil},
		{"a body that is too large once decoded", "PUT", "/metrics/job/x", handlertest.Encode("gzip", strings.Repeat("#\n", 1<<19+1)), []string{"Content-Encoding", "gzip"}, 413, "--push.max-body-bytes", nil},
		{"no TTL", "PUT", "/metrics/job/x?ttl=soon", "a 1\n", nil, 400, `"soon"`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t)
			s.Put("/metrics/job/other/instance/o", "# TYPE held gauge\nheld 1\n# TYPE hist_sum gauge\nhist_sum 1\n")
			a := s.Do(test.method, test.target, test.body, test.headers...)
			if a.Status != test.status {
				t.Fatalf("%v, want %d", a, test.status)
			}
			if a.Status == 200 {
				if a.Body != "" || a.Header.Get("Content-Type") != "" || a.Header.Get("Content-Length") != "0" {
					t.Errorf("%v %v", a, a.Header)
				}
				s.WantGroupings(`{instance="o",job="other"}`, s.Grouping(test.target).Key.String())
			} else {
				if !handlertest.OneLine(a.Body) || !strings.Contains(a.Body, test.text) || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
					t.Errorf("%v, want one line with %q", a, test.text)
				}
				s.WantGroupings(`{instance="o",job="other"}`)
			}
			got := strings.Join(s.Samples(), "\n") + "\n"
			for _, line := range append(test.held, other) {
				if !strings.Contains(got, line+"\n") {
					t.Errorf("holds\n%swithout\n%s", got, line)
				}
			}
			if n := strings.Count(got, "\n"); n != len(test.held)+2 {
				t.Errorf("holds\n%swant %d lines", got, len(test.held)+2)
			}
			s.WantSoundScrapes()
		})
	}
}

func TestAPutReplacesAndAPostMergesByFamily(t *testing.T) {
	s := handlertest.Start(t)
	const path = "/metrics/job/x"
	s.Put(path, "a{l=\"1\"} 1\na{l=\"2\"} 2\nb 3\n")
	steps := []struct {
		method, body string
		want         []string
	}{
		{"POST", "a{l=\"3\"} 4\n", []string{`a{instance="",job="x",l="3"} 4`, `b{instance="",job="x"} 3`}},
		{"POST", "", []string{`a{instance="",job="x",l="3"} 4`, `b{instance="",job="x"} 3`}},
		{"POST", "# TYPE a gauge\n", []string{`a{instance="",job="x",l="3"} 4`, `b{instance="",job="x"} 3`}},
		{"POST", "# TYPE a counter\na 5\n", []string{`a{instance="",job="x"} 5`, `b{instance="",job="x"} 3`}},
		{"PUT", "c 6\n", []string{`c{instance="",job="x"} 6`}},
		{"PUT", "", nil},
		{"POST", "d 7\n", []string{`d{instance="",job="x"} 7`}},
	}
	before := s.Grouping(path).Pushed
	for _, step := range steps {
		if a := s.Do(step.method, path, step.body); a.Status != 200 {
			t.Fatalf("%v", a)
		}
		s.WantSamples(step.want...)
		if now := s.Grouping(path).Pushed; !now.After(before) {
			t.Errorf("%s %q does not count as a push", step.method, step.body)
		} else {
			before = now
		}
	}
	s.WantGroupings(`{job="x"}`)
}

func TestARefusedPushSetsTheFailureTimeOfAGroupingThatExists(t *testing.T) {
	tests := []struct {
		name   string
		target string
		body   string
		header []string
		status int
		fails  bool
	}{
		{"a body that can't be parsed", "/metrics/job/x", "a\n", nil, 400, true},
		{"a timestamp", "/metrics/job/x", "a 1 2\n", nil, 400, true},
		{"a conflict", "/metrics/job/x", "# TYPE held counter\nheld 1\n", nil, 400, true},
		{"damaged gzip", "/metrics/job/x", "a 1\n", []string{"Content-Encoding", "gzip"}, 400, true},
		{"a bad TTL", "/metrics/job/x?ttl=x", "a 1\n", nil, 400, true},
		{"too large", "/metrics/job/x", strings.Repeat("#\n", 1<<20), nil, 413, false},
		{"an unknown coding", "/metrics/job/x", "a 1\n", []string{"Content-Encoding", "br"}, 415, false},
		{"a page of another site", "/metrics/job/x", "a 1\n", []string{"Sec-Fetch-Site", "cross-site"}, 403, false},
		{"a bad path", "/metrics/job/x/__a/c", "a 1\n", nil, 400, false},
		{"a grouping that does not exist", "/metrics/job/new", "a\n", nil, 400, false},
		{"a conflict of a grouping that does not exist", "/metrics/job/new", "# TYPE held counter\nheld 1\n", nil, 400, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t)
			s.Put("/metrics/job/other", "# TYPE held gauge\nheld 1\n")
			s.Put("/metrics/job/x", "a 1\n")
			pushed := s.Grouping("/metrics/job/x").Pushed
			if a := s.Do("PUT", test.target, test.body, test.header...); a.Status != test.status {
				t.Fatalf("%v, want %d", a, test.status)
			}
			g := s.Grouping("/metrics/job/x")
			if g.LastPushSuccessful() == test.fails || !g.Pushed.Equal(pushed) || test.fails && g.Failure == "" {
				t.Errorf("failed %v because of %q, pushed %v and %v before", g.Failed, g.Failure, g.Pushed, pushed)
			}
			told := strings.Contains(s.Get("/metrics").Body, `push_failure_time_seconds{instance="",job="x"} 0`+"\n")
			if told == test.fails {
				t.Errorf("GET /metrics tells no failure: %v", told)
			}
			s.WantGroupings(`{job="other"}`, `{job="x"}`)
			s.WantSamples(`a{instance="",job="x"} 1`, `held{instance="",job="other"} 1`)
			// A later success shows, and keeps the time of the failure.
			s.Put("/metrics/job/x", "a 2\n")
			if now := s.Grouping("/metrics/job/x"); !now.LastPushSuccessful() || !now.Failed.Equal(g.Failed) {
				t.Errorf("after a success: failed %v, pushed %v", now.Failed, now.Pushed)
			}
			wantHistory(s, g, test.fails, len(test.body))
			wantRefusalOnRecord(s, test.status == 400 && test.name != "a bad path")
		})
	}
}

// wantHistory wants a push of 4 bytes, perhaps a refused one, and another one.
func wantHistory(s *handlertest.Server, g *store.Grouping, refused bool, size int) {
	s.T.Helper()
	pushes, err := s.Store.History(s.T.Context(), g.Key)
	if err != nil {
		s.T.Fatal(err)
	}
	slices.Reverse(pushes)
	if refused && len(pushes) == 3 {
		if x := pushes[1]; x.Refused != g.Failure || x.Origin.From == "" || x.Bytes != 0 && x.Bytes != size {
			s.T.Errorf("the refused push: %+v", x)
		}
		pushes = slices.Delete(pushes, 1, 2)
	}
	if len(pushes) != 2 || pushes[0].Bytes != 4 || pushes[1].Bytes != 4 || pushes[1].Series != 1 || pushes[1].Refused != "" {
		s.T.Errorf("got %+v", pushes)
	}
}

// wantRefusalOnRecord closes the store, which puts everything on record.
func wantRefusalOnRecord(s *handlertest.Server, want bool) {
	s.T.Helper()
	if err := s.Store.Close(); err != nil {
		s.T.Fatal(err)
	}
	entries, _, err := s.Store.Activity(s.T.Context(), store.ActivityQuery{Kinds: []store.EntryKind{store.EntryRefusal}})
	if err != nil || len(entries) > 1 || (len(entries) == 1) != want {
		s.T.Fatalf("on record: %+v, %v", entries, err)
	}
	if want && (entries[0].Count != 1 || entries[0].Origin.From == "" || entries[0].Reason == "" || entries[0].Message == "") {
		s.T.Errorf("on record: %+v", entries[0])
	}
}

func TestPushTimesCannotBePushed(t *testing.T) {
	s := handlertest.Start(t)
	for range 2 {
		s.Put("/metrics/job/x", "a 1\n# TYPE push_time_seconds gauge\npush_time_seconds 5\npush_failure_time_seconds 6\n")
	}
	body := s.Get("/metrics").Body
	for _, gone := range []string{`push_time_seconds{instance="",job="x"} 5`, `push_failure_time_seconds{instance="",job="x"} 6`} {
		if strings.Contains(body, gone) {
			t.Errorf("GET /metrics tells %s", gone)
		}
	}
	if g := s.Grouping("/metrics/job/x"); g.FamilyCount() != 1 {
		t.Errorf("holds %d families", g.FamilyCount())
	}
	s.WantSoundScrapes()
}

func TestWithoutTheConsistencyCheckPushesAreAcceptedAndScrapesStayValid(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.CheckConsistency, c.Store.CheckConsistency = false, false })
	for _, push := range []struct{ target, body string }{
		{"/metrics/job/a", "# TYPE m gauge\nm{instance=\"i\"} 1\n"},
		{"/metrics/job/b", "# TYPE m counter\nm 2\n"},
		{"/metrics/job/a/instance/i", "# TYPE m gauge\nm 3\n"},
		{"/metrics/job/c", "# TYPE go_goroutines counter\ngo_goroutines 4\n"},
		{"/metrics/job/d", "# TYPE m summary\nm_sum 5\nm_count 1\n"},
	} {
		if a := s.Do("PUT", push.target, push.body); a.Status != 202 || a.Body != "" {
			t.Errorf("%v", a)
		}
	}
	if a := s.Do("PUT", "/metrics/job/a", "m 1 2\n"); a.Status != 400 {
		t.Errorf("a timestamp: %v", a)
	}
	s.WantSamples(`m{instance="i",job="a"} 1`)
	s.WantSoundScrapes()
	if a := s.Get("/metrics"); !strings.Contains(a.Body, "\ngatehouse_shadowed_series 5\n") {
		t.Errorf("the shadowed series are not counted:\n%s", a.Body)
	}
}

func TestClientsOfEveryKindCanPush(t *testing.T) {
	s := handlertest.Start(t)
	for name, request := range map[string]string{
		"HTTP/1.0":            "PUT /metrics/job/old HTTP/1.0\r\nContent-Length: 4\r\n\r\na 1\n",
		"Expect":              "PUT /metrics/job/expect HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\na 1\n",
		"chunks":              "PUT /metrics/job/chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na \r\n2\r\n1\n\r\n0\r\n\r\n",
		"no length, no body":  "PUT /metrics/job/empty HTTP/1.1\r\nHost: x\r\n\r\n",
		"a length of nothing": "POST /metrics/job/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	} {
		if a := s.Raw(request); a.Status != 200 || a.Body != "" {
			t.Errorf("%s: %v", name, a)
		}
	}
	s.WantSamples(`a{instance="",job="chunks"} 1`, `a{instance="",job="expect"} 1`, `a{instance="",job="old"} 1`)
	s.WantGroupings(`{job="chunks"}`, `{job="empty"}`, `{job="expect"}`, `{job="nothing"}`, `{job="old"}`)
}

func TestPushesAtTheSameTimeAreAllTaken(t *testing.T) {
	s := handlertest.Start(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			target := fmt.Sprintf("/metrics/job/x/instance/%d", i%8)
			if a := s.Do("POST", target, fmt.Sprintf("m%d %d\n", i, i)); a.Status != 200 {
				t.Errorf("%v", a)
			}
		})
	}
	wg.Wait()
	if n := len(s.Samples()); n != 32 {
		t.Errorf("holds %d series, want 32", n)
	}
	s.WantSoundScrapes()
}

func TestRefusedPushesAreCountedByReason(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = true })
	s.Put("/metrics/job/x", "# TYPE held gauge\nheld 1\n")
	for reason, push := range map[string][]string{
		"path":      {"/metrics/job/x/le/c", ""},
		"syntax":    {"/metrics/job/x", "a"},
		"timestamp": {"/metrics/job/x", "a 1 2"},
		"duplicate": {"/metrics/job/x", "a 1\na 1"},
		"type":      {"/metrics/job/x", "a_b 1\n{\"a.b\"} 1\n"},
		"conflict":  {"/metrics/job/y", "# TYPE held counter\nheld 1\n"},
		"limit":     {"/metrics/job/x", handlertest.ManySeries(10_001)},
		"size":      {"/metrics/job/x", strings.Repeat("#\n", 1<<20)},
		"encoding":  {"/metrics/job/x", "a 1", "Content-Encoding", "br"},
	} {
		if a := s.Do("PUT", push[0], push[1], push[2:]...); a.Status/100 != 4 {
			t.Errorf("%v", a)
		}
		if body := s.Get("/metrics/self").Body; !strings.Contains(body, `gatehouse_pushes_refused_total{reason="`+reason+`"} 1`+"\n") {
			t.Errorf("%s is not counted", reason)
		}
	}
	if body := s.Get("/metrics/self").Body; !strings.Contains(body, `pushgateway_http_requests_total{code="400",handler="push",method="put"} 7`) {
		t.Errorf("requests are not counted by status:\n%s", body)
	}
}

func TestAnEmptyPutEmptiesTheGroupingInEveryFormat(t *testing.T) {
	s := handlertest.Start(t)
	for _, format := range []string{"", "text/plain", handlertest.OpenMetricsType, handlertest.ProtobufType, "application/json"} {
		s.Put("/metrics/job/x", "a 1\n")
		if a := s.Do("PUT", "/metrics/job/x", "", "Content-Type", format); a.Status != 200 {
			t.Errorf("%q: %v", format, a)
		}
		if g := s.Grouping("/metrics/job/x"); g.FamilyCount() != 0 {
			t.Errorf("%q: %d families are left", format, g.FamilyCount())
		}
	}
}
