package manual_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/views/docs"
)

// Every message that the documentation explains is one that clients get.
func TestMessagesOfTheDocumentationAreReal(t *testing.T) {
	page, _ := docs.Find("troubleshooting")
	text := html.UnescapeString(regexp.MustCompile(`</?code>`).ReplaceAllString(page.HTML(docs.View{}), "`"))
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.MaxSeriesPerPush, c.MaxBodyBytes, c.Store.MaxGroupings, c.UTF8Names = 3, 2<<10, 4, true
	})
	s.Put("/metrics/job/a", "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n")
	s.Put("/metrics/job/b", "m{zone=\"z\"} 1\n")
	s.Put("/metrics/job/b/zone/z", "b 1\n")
	s.Put("/metrics/job/x", "a 1\n")
	openMetrics := []string{"Content-Type", "application/openmetrics-text"}
	protobuf := []string{"Content-Type", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"}
	for _, test := range []struct {
		explained, path, body string
		headers               []string
		status                int
	}{
		{"pushed samples can't carry a timestamp", "/job/x", "m 1 1767225600000", nil, 400},
		{`expected a number as value, got "1m"`, "/job/x", "m 1m 2", nil, 400},
		{`metric "m" has no value`, "/job/x", "m\n", nil, 400},
		{"no valid metric name at", "/job/x", "<html>\n", nil, 400},
		{"is not valid without quotes", "/job/x", "m-x 1\n", nil, 400},
		{"the body is JSON", "/job/x", `{"m": 1}`, nil, 400},
		{"begins with a byte order mark", "/job/x", "\ufeffm 1\n", nil, 400},
		{"is UTF-16", "/job/x", "\xff\xfem\x00 \x001\x00\n\x00", nil, 400},
		{"the body has no sample, only a comment", "/job/x", "# HELP m text # TYPE m gauge m 1", nil, 400},
		{"is longer than 1024 bytes", "/job/x", strings.Repeat("m", 1025) + " 1", nil, 400},
		{"expected , or } behind label", "/job/x", `m{a="b" 2`, nil, 400},
		{"the labels have no closing brace", "/job/x", "c{\n", nil, 400},
		{"is duplicated", "/job/x/instance/i", "m{instance=\"1\"} 1\nm{instance=\"2\"} 1\n", nil, 400},
		{"the text format has no exemplars", "/job/x", "m 1 # {a=\"b\"} 1\n", nil, 400},
		{"something follows # EOF", "/job/x", "# EOF\nm 1\n", openMetrics, 400},
		{"composite values such as those of OpenMetrics 2.0", "/job/x", "m {count:1}\n", openMetrics, 400},
		{"the length prefix is broken", "/job/x", "m 1\n", protobuf, 400},
		{"broken protobuf message", "/job/x", "\x02\xff\xff", protobuf, 400},
		{"the body is no valid gzip", "/job/x", "m 1\n", []string{"Content-Encoding", "gzip"}, 400},
		{"have the same name once escaped", "/job/x", "a_b 1\n{\"a.b\"} 1\n", nil, 400},
		{`is pushed as gauge but is a histogram of grouping {job="a"}`, "/job/x", "# TYPE h gauge\nh 2\n", nil, 400},
		{`collides with "h" of type histogram of grouping {job="a"}`, "/job/x", "h_count 2\n", nil, 400},
		{"collides with the server's own", "/job/x", "# TYPE go_goroutines counter\ngo_goroutines 2\n", nil, 400},
		{`a series of the push is held by grouping {job="b"} already`, "/job/b/zone/z", "m 1\n", nil, 400},
		{"job name is required", "/job/", "m 1\n", nil, 400},
		{"the path must consist of pairs of a name and a value", "/job/x/zone", "m 1\n", nil, 400},
		{"is given twice", "/job/x/job/y", "m 1\n", nil, 400},
		{"is reserved", "/job/x/le/y", "m 1\n", nil, 400},
		{"is not valid", "/job/x/a%FF/y", "m 1\n", nil, 400},
		{"is not URL-safe base64", "/job@base64/!!", "m 1\n", nil, 400},
		{"bad percent-encoding", "/job/%zz", "m 1\n", nil, 400},
		{"the TTL must be a duration such as 90m", "/job/x?ttl=5400", "m 1\n", nil, 400},
		{"the TTL is given twice", "/job/x?ttl=1h", "m 1\n", []string{"X-Push-TTL", "1h"}, 400},
		{"unknown parameter", "/job/x?tll=1h", "m 1\n", nil, 400},
		{"parameter ttl is given twice", "/job/x?ttl=1h&ttl=1h", "m 1\n", nil, 400},
		{"more than 3 series in one push", "/job/x", "a 1\nb 1\nc 1\nd 1\n", nil, 400},
		{"the push is larger than the server allows", "/job/x", strings.Repeat("#", 3<<10), nil, 413},
		{"unsupported Content-Encoding", "/job/x", "m 1\n", []string{"Content-Encoding", "br"}, 415},
		{"the server holds as many groupings as it may", "/job/new", "m 1\n", nil, 429},
		{"cross-site requests are not allowed", "/job/x", "m 1\n", []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		a := s.Do("PUT", "/metrics"+test.path, test.body, test.headers...)
		if a.Status != test.status || !strings.Contains(a.Body, test.explained) {
			t.Errorf("%v, want %q", a, test.explained)
		}
		// Of the limits the page has the usual ones.
		if !strings.Contains(text, "`"+strings.Replace(test.explained, "3 series", "100000 series", 1)) {
			t.Errorf("the page does not explain %q", test.explained)
		}
	}
	for request, explained := range map[string]string{
		"GET /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx": "with a body pushes nothing",
		"GET http://evil.test/ HTTP/1.1\r\nHost: x\r\n\r\n":                    "bad request target",
		"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n":                              web.TextMixed,
	} {
		if a := s.Raw(request); a.Status != 400 || !strings.Contains(a.Body, explained) {
			t.Errorf("%v, want %q", a, explained)
		}
		if known, _, _ := strings.Cut(explained, ":"); !strings.Contains(text, "`"+known) {
			t.Errorf("the page does not explain %q", known)
		}
	}
	for _, explained := range []string{
		auth.ErrNoCredential.Error(), auth.ErrBadCredential.Error(), auth.ErrNoScheme.Error(), auth.ErrForbidden.Error(), auth.ErrAddress.Error(), auth.ErrAmbiguous.Error(),
		auth.ErrThrottled.Error(), auth.ErrUnavailable.Error(), web.TextBusy, web.TextUnavailable, web.TextBroken, "the lifecycle API is not enabled",
	} {
		known, _, _ := strings.Cut(explained, ";")
		if !strings.Contains(text, "`"+known) {
			t.Errorf("the page does not explain %q", known)
		}
	}
}
