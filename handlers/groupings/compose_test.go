package groupings_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"golang.org/x/net/html"
	"google.golang.org/protobuf/proto"

	"gatehouse/auth"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
)

// aCheck is what htmx says when it asks for the verdict only.
var aCheck = append([]string{"HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#verdict"}, handlertest.FormHeaders...)

// written is the form as a person fills it in; labels are names and values.
func written(job, text string, more ...string) string {
	form := url.Values{"grouping": {""}, "job": {job}, "mode": {"replace"}, "ttl": {""}, "text": {strings.ReplaceAll(text, "\n", "\r\n")}}
	for i := 0; i < len(more); i += 2 {
		switch name := more[i]; name {
		case "mode", "ttl", "grouping", "more":
			form.Set(name, more[i+1])
		default:
			form.Add("name", name)
			form.Add("value", more[i+1])
		}
	}
	form.Add("name", "")
	form.Add("value", "")
	return form.Encode()
}

// checkPush asks what would become of a push, as a page does.
func checkPush(s *handlertest.Server, form string) handlertest.Answer {
	s.T.Helper()
	return s.Do("POST", s.Prefix+"/ui/push/check", form, aCheck...)
}

// wordsIn is the text of a piece of a page, with single blanks.
func wordsIn(t *testing.T, page string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	handlertest.Must(t, err)
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// element is the text or the value of the element with that id.
func element(t *testing.T, page, id string) (text string, ok bool) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	handlertest.Must(t, err)
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || handlertest.Attribute(n, "id") != id {
			continue
		}
		if n.Data == "input" {
			return handlertest.Attribute(n, "value"), true
		}
		for child := range n.Descendants() {
			if child.Type == html.TextNode {
				text += child.Data
			}
		}
		return text, true
	}
	return "", false
}

func wantElement(t *testing.T, page, id, want string) {
	t.Helper()
	if got, ok := element(t, page, id); !ok || got != want {
		t.Errorf("%s: %q, %v, want %q", id, got, ok, want)
	}
}

func TestAPushFromAPageIsAPush(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, handlertest.Below("/pg"))
	session := s.SignIn()
	empty := s.Get("/pg/push", append(session, handlertest.BrowserHeaders...)...)
	if empty.Status != 200 || !handlertest.Contains(empty.Body, "Push metrics", `action="/pg/ui/push"`, `formaction="/pg/ui/push/check"`) {
		t.Fatalf("%v", empty)
	}
	a := s.Post("/ui/push", written("back up", "# TYPE a gauge\na 1\n\nb{l=\"x\"} 2", "instance", "db/1:9100", "ttl", "90m"), session...)
	g := s.Grouping("/metrics/job/back%20up/instance/db%2F1:9100")
	if want := "/pg/groupings/" + g.Key.Digest(); a.Status != 303 || a.Header.Get("Location") != want {
		t.Fatalf("%v %v, want %s", a, a.Header, want)
	}
	if left := time.Until(g.Expires); left < 89*time.Minute || left > 90*time.Minute {
		t.Errorf("expires in %v", left)
	}
	if g.Origin.By != "admin" || g.Origin.From != "127.0.0.1" {
		t.Errorf("from %+v", g.Origin)
	}
	if a := s.Post("/ui/push", written("back up", "b 3\n", "instance", "db/1:9100", "mode", "merge"), session...); a.Status != 303 {
		t.Fatalf("%v", a)
	}
	if g := s.Grouping("/metrics/job/back%20up/instance/db%2F1:9100"); g.FamilyCount() != 2 || g.Series != 2 || !g.Expires.IsZero() {
		t.Errorf("%d families, %d series, expires %v", g.FamilyCount(), g.Series, g.Expires)
	}
}

func TestOnlyPushersPushFromAPage(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	reader, pusher := s.StartSession("ann", auth.Reader), s.StartSession("bob", auth.Pusher)
	form := written("x", "a 1\n")
	for _, path := range []string{"/ui/push", "/ui/push/check"} {
		if a := s.Post(path, form); a.Status != 401 {
			t.Errorf("a stranger: %v", a)
		}
		if a := s.Post(path, form, reader...); a.Status != 403 {
			t.Errorf("a reader: %v", a)
		}
		cross := append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"}, pusher...)
		if a := s.Do("POST", path, form, cross...); a.Status != 403 {
			t.Errorf("a page of another site: %v", a)
		}
		if a := s.Get(path, append(pusher, handlertest.BrowserHeaders...)...); a.Status != 405 {
			t.Errorf("%v", a)
		}
	}
	if a := s.Get("/push", append(reader, handlertest.BrowserHeaders...)...); a.Status != 403 {
		t.Errorf("a reader: %v", a)
	}
	s.WantGroupings()
	if a := s.Get("/push", append(pusher, handlertest.BrowserHeaders...)...); a.Status != 200 {
		t.Errorf("a pusher: %v", a)
	}
	if a := s.Post("/ui/push", form, pusher...); a.Status != 303 {
		t.Errorf("a pusher: %v", a)
	}
	detail := "/groupings/" + s.Grouping("/metrics/job/x").Key.Digest()
	if a := s.Get(detail, append(reader, handlertest.BrowserHeaders...)...); strings.Contains(a.Body, "Push again") {
		t.Error("a reader is offered a push")
	}
	if a := s.Get(detail, append(pusher, handlertest.BrowserHeaders...)...); !strings.Contains(a.Body, "/push?grouping="+s.Grouping("/metrics/job/x").Key.Digest()) {
		t.Error("a pusher is offered none")
	}
}

func TestACheckReportsWhatAPushWouldDo(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/l/v", "a 1\nb 1\nc{i=\"1\"} 1\nc{i=\"2\"} 1\n")
	s.Put("/metrics/job/other", "# TYPE g gauge\ng 1\n")
	other := s.Grouping("/metrics/job/other").Key.Digest()
	for _, test := range []struct {
		name, form string
		want       []string
	}{
		{"a new grouping", written("new", "a 1\nz 1\n"), []string{"Would add 2 families; the grouping then has 2 series.", "The grouping does not exist yet."}},
		{"one family more", written("x", "a 1\nb 1\nc 1\nd 1\n", "l", "v"), []string{"Would replace 3 families and add 1; the grouping then has 4 series.", "it was last pushed"}},
		{"all at once", written("x", "a 1\nd 1\n", "l", "v"), []string{"Would replace 1 family, add 1 and remove 2; the grouping then has 2 series."}},
		{"a merge", written("x", "a 1\nd 1\n", "l", "v", "mode", "merge"), []string{"Would replace 1 family, add 1 and keep 2; the grouping then has 5 series.", "-X POST"}},
		{"nothing to replace with", written("x", "", "l", "v"), []string{"Would remove 3 families; the grouping then has 0 series."}},
		{"nothing to merge", written("x", "# TYPE q gauge\n", "l", "v", "mode", "merge"), []string{"Would change no families, only the push time."}},
		{"nothing for nobody", written("new", ""), []string{"Would leave the grouping without metrics."}},
		{"the key in short", written("x", "a 1\n", "l", ""), []string{"/metrics/job/x/instance@base64/="}},
		{"a time to live", written("x", "a 1\n", "ttl", " 2h "), []string{"curl -X PUT --data-binary @metrics.txt", "'http://" + s.Addr + "/metrics/job/x/instance@base64/=?ttl=2h'"}},
		{"a conflict", written("y", "# TYPE g counter\ng 1\n"), []string{"This push would be refused", `metric "g" is pushed as counter but is a gauge of grouping {job="other"}`}},
	} {
		a := checkPush(s, test.form)
		if text := wordsIn(t, a.Body); a.Status != 200 || !handlertest.Contains(text, test.want...) || strings.Contains(a.Body, "<html") {
			t.Errorf("%s: %v\n%s\nwant %q", test.name, a, text, test.want)
		}
	}
	if a := checkPush(s, written("y", "# TYPE g counter\ng 1\n")); !handlertest.Contains(a.Body, `href="/groupings/`+other+`"`) {
		t.Errorf("no link to the other grouping: %v", a)
	}
	s.WantSamples(`a{instance="",job="x",l="v"} 1`, `b{instance="",job="x",l="v"} 1`, `c{i="1",instance="",job="x",l="v"} 1`, `c{i="2",instance="",job="x",l="v"} 1`, `g{instance="",job="other"} 1`)
}

func TestACheckLeavesNoTrace(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x", "# TYPE a gauge\na 1\n")
	s.Put("/metrics/job/y", "# TYPE b gauge\nb 1\n")
	before := s.Store.Snapshot()
	for _, form := range []string{
		written("x", "a\n"), written("x", "a 1\n", "ttl", "soon"), written("x", "# TYPE b counter\nb 1\n"), written("", "a 1\n"), written("x", "a 2\n"), written("z", "a 2\n"),
	} {
		if a := checkPush(s, form); a.Status != 200 {
			t.Errorf("%v", a)
		}
		if a := s.Post("/ui/push/check", form); a.Status != 200 || !strings.Contains(a.Body, "<html") {
			t.Errorf("%v", a)
		}
	}
	if s.Store.Snapshot() != before {
		t.Error("something has changed")
	}
	for line := range strings.Lines(s.Get("/metrics/self").Body) {
		if strings.HasPrefix(line, "gatehouse_pushes_refused_total") && !strings.HasSuffix(line, " 0\n") {
			t.Errorf("a check counts as a refused push: %s", line)
		}
	}
}

func TestEveryMistakeIsReportedWithItsPlace(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = false })
	for _, test := range []struct {
		name, form string
		want       []string // place: text
		fields     map[string]string
	}{
		{
			"several lines", written("x", "a 1\nb\n\nc 1 1700000000\r\nd{l=\"} 1\n"),
			[]string{`Line 2 : metric "b" has no value`, `Line 4 : metric "c": pushed samples can't carry a timestamp, got "1700000000"`, `Line 5 : metric "d": the value of label "l" has no closing double quote`, "3 problems to fix"},
			nil,
		},
		{"one line", written("x", "b\n"), []string{"1 problem to fix"}, nil},
		{"very many", written("x", strings.Repeat("b\n", 300)), []string{"At least 20 problems to fix", "Line 20 :"}, nil},
		{"no job", written("", "a 1\n"), []string{"Job : job name is required"}, map[string]string{"job-problem": "job name is required"}},
		{"a value without a name", written("x", "a 1\n", "", "v"), []string{"Label 1 :"}, map[string]string{"label-1-problem": "the label has a value, but no name"}},
		{"bad names", written("x", "a 1\n", "a-b", "v", "ok", "v", "__x", "v"), []string{"Label 1 :", "Label 3 :"}, map[string]string{"label-1-problem": `label name "a-b" is not valid`, "label-2-problem": "", "label-3-problem": `label name "__x" is reserved`}},
		{"a label twice", written("x", "a 1\n", "l", "1", "", "", "l", "2"), []string{"Label 3 :"}, map[string]string{"label-3-problem": `label "l" is given twice`}},
		{"the job twice", written("x", "a 1\n", "job", "y"), nil, map[string]string{"label-1-problem": `label "job" is given twice`}},
		{"a long value", written("x", "a 1\n", "l", strings.Repeat("v", 1025)), nil, map[string]string{"label-1-problem": `value of label "l" is longer than 1024 bytes`}},
		{"a bad time to live", written("x", "a 1\n", "ttl", "soon"), []string{"Expires after :"}, map[string]string{"ttl-problem": `the TTL must be a duration such as 90m, not "soon"`}},
		{"all of them", written("", "a\n", "ttl", "x", "-", "v"), []string{"4 problems to fix", "Job :", "Label 1 :", "Expires after :", "Line 1 :"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for what, a := range map[string]handlertest.Answer{"check": checkPush(s, test.form), "page": s.Post("/ui/push/check", test.form), "push": s.Post("/ui/push", test.form)} {
				text := wordsIn(t, a.Body)
				if want := map[string]int{"check": 200, "page": 200, "push": 422}[what]; a.Status != want || !handlertest.Contains(text, test.want...) {
					t.Errorf("%s: %v\n%s\nwant %q", what, a, text, test.want)
				}
				for id, want := range test.fields {
					if what != "check" {
						wantElement(t, a.Body, id, want)
					}
				}
			}
		})
	}
	s.WantGroupings()
}

func TestARefusedPushKeepsWhatWasWritten(t *testing.T) {
	s := handlertest.Start(t)
	s.Put("/metrics/job/x/l/v", "# TYPE a gauge\na 1\n")
	s.Put("/metrics/job/y", "# TYPE b gauge\nb 1\n")
	texts := map[string]string{
		"a line that is wrong": "\na 2\nb{\n</textarea><script>alert(1)</script>\n",
		"a conflict":           "# TYPE b counter\nb 1\n",
	}
	for name, text := range texts {
		a := s.Post("/ui/push", written("x", text, "l", "v", "ttl", "5m", "mode", "merge"))
		if a.Status != 422 || !handlertest.Contains(a.Body, `role="alert"`, `value="merge" checked`) || strings.Contains(a.Body, "<script>alert") {
			t.Errorf("%s: %v", name, a)
		}
		for id, want := range map[string]string{"text": text, "job": "x", "label-1": "l", "ttl": "5m"} {
			wantElement(t, a.Body, id, want)
		}
		g := s.Grouping("/metrics/job/x/l/v")
		if g.LastPushSuccessful() || g.Failure == "" {
			t.Errorf("%s: the grouping does not tell: %+v", name, g.Failure)
		}
		if told, _ := element(t, a.Body, "failure"); !strings.Contains(strings.ToLower(told), strings.ToLower(g.Failure)) {
			t.Errorf("%s: told %q, but the grouping %q", name, told, g.Failure)
		}
		s.Put("/metrics/job/x/l/v", "# TYPE a gauge\na 1\n")
	}
	if a := s.Get("/metrics/self"); !handlertest.Contains(a.Body, `reason="conflict"} 1`, `reason="syntax"} 1`) {
		t.Errorf("the refusals are not counted: %s", a.Body)
	}
}

func TestAPushThatTheServerCannotTakeKeepsWhatWasWritten(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Store.MaxGroupings = 1 })
	s.Put("/metrics/job/x", "a 1\n")
	a := s.Post("/ui/push", written("y", "a 2\n"))
	if a.Status != 429 || a.Header.Get("Retry-After") == "" || !handlertest.Contains(a.Body, "--limits.groupings") {
		t.Errorf("%v %v", a, a.Header)
	}
	wantElement(t, a.Body, "text", "a 2\n")
	s.Journal.Fail(fmt.Errorf("%w: /secret/place is full", store.ErrUnavailable))
	a = s.Post("/ui/push", written("x", "a 2\n"))
	if a.Status != 503 || a.Header.Get("Retry-After") == "" || !handlertest.Contains(strings.ToLower(a.Body), web.TextUnavailable) || strings.Contains(a.Body, "secret") {
		t.Errorf("%v %v", a, a.Header)
	}
	wantElement(t, a.Body, "text", "a 2\n")
	if !strings.Contains(s.Log.String(), "/secret/place is full") {
		t.Error("the log does not tell why")
	}
}

func TestTheFormOfAPushIsBounded(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.MaxBodyBytes = 1000 })
	lines := strings.Repeat("#\n", 499) + "#x" // 1000 bytes, with 499 line ends of six bytes in the form
	for _, test := range []struct {
		name, kind, body string
		want             int
	}{
		{"as large as it may be", "", written("x", lines), 200},
		{"larger", "", written("x", lines+"#"), 413},
		{"much larger", "", written("x", strings.Repeat("#", 2<<20)), 413},
		{"no form", "application/json", `{}`, 415},
		{"two jobs", "", written("x", "") + "&job=y", 400},
		{"two texts", "", written("x", "") + "&text=y", 400},
		{"a name without a value", "", written("x", "") + "&name=y", 400},
		{"many labels", "", written("x", "") + strings.Repeat("&name=&value=", 200), 400},
		{"a bad escape", "", written("x", "") + "&x=%zz", 400},
		{"nothing", "", "", 200},
		{"33 labels", "", written("x", "a 1\n") + strings.Repeat("&name=a&value=1", 33), 200},
	} {
		headers := handlertest.FormHeaders
		if test.kind != "" {
			headers = []string{"Content-Type", test.kind}
		}
		if a := s.Do("POST", "/ui/push/check", test.body, headers...); a.Status != test.want {
			t.Errorf("%s: %v, want %d", test.name, a, test.want)
		}
	}
	s.WantGroupings()
	if a := s.Post("/ui/push", written("x", strings.Repeat("#", 2000))); a.Status != 413 || !handlertest.Contains(a.Body, "use curl") || len(a.Body) > 20_000 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/metrics/self"); !handlertest.Contains(a.Body, `reason="size"} 1`) {
		t.Error("the push that is too large is not counted")
	}
}

func TestThePushesFromPagesInFlightAreBounded(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.BodyBudget = 256 << 10 })
	for name, large := range map[string]string{
		"a large text":  written("x", strings.Repeat("#", 300<<10)),
		"a large form":  written("x", "a 1\n") + "&x=" + strings.Repeat("x", 300<<10),
		"text and page": written("x", strings.Repeat("x", 120<<10)),
	} {
		for range 3 {
			if a := s.Post("/ui/push", large); a.Status != 503 || a.Header.Get("Retry-After") == "" {
				t.Fatalf("%s: %v", name, a)
			}
		}
	}
	// What was refused is given back.
	for range 20 {
		if a := s.Post("/ui/push", written("x", "a 1\n"+strings.Repeat("#", 40<<10))); a.Status != 303 {
			t.Fatalf("%v", a)
		}
	}
}

func TestMoreLabelsCanBeAskedForWithoutAScript(t *testing.T) {
	s := handlertest.Start(t)
	a := s.Post("/ui/push/check", written("", "a\n", "l", "v", "more", "1"))
	if _, ok := element(t, a.Body, "label-6"); a.Status != 200 || !ok || strings.Contains(a.Body, "to fix") {
		t.Errorf("%v", a)
	}
	wantElement(t, a.Body, "label-1", "l")
	wantElement(t, a.Body, "text", "a\n")
	full := written("x", "") + strings.Repeat("&name=&value=", maxLabelRows-1)
	if a := s.Post("/ui/push/check", full+"&more=1"); a.Status != 200 {
		t.Errorf("%v", a)
	}
}

func TestTheFormIsFilledInWithAGrouping(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = true })
	const path = "/metrics/job/a%2Fb/instance/%22%3Ci%3E/zone/z"
	s.Put(path, "# HELP h Some \\\\ help.\n# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 5\nh_count 4\n# TYPE m gauge\nm{own=\"</textarea>\",zone=\"lost\"} 1\n{\"na.me\",\"la.bel\"=\"a\\\"b\"} 2\n")
	g := s.Grouping(path)
	a := s.Get("/push?grouping="+g.Key.Digest(), handlertest.BrowserHeaders...)
	if a.Status != 200 || !handlertest.Contains(a.Body, "Push again") || strings.Contains(a.Body, "</textarea>\",") {
		t.Fatalf("%v", a)
	}
	want := "# HELP h Some \\\\ help.\n# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 5\nh_count 4\n# TYPE m gauge\nm{own=\"</textarea>\"} 1\n# TYPE \"na.me\" untyped\n{\"na.me\",\"la.bel\"=\"a\\\"b\"} 2\n"
	for id, want := range map[string]string{"text": want, "job": "a/b", "label-1": "instance", "label-2": "zone", "label-3": ""} {
		wantElement(t, a.Body, id, want)
	}
	if text := wordsIn(t, a.Body); !handlertest.Contains(text, "Would replace 3 families; the grouping then has 6 series.") {
		t.Errorf("%s", text)
	}
	// What is pushed again as it is stays as it is.
	before := s.Samples()
	form := handlertest.FormOf(t, a.Body, "/ui/push")
	form["mode"] = []string{"replace"}
	form.Del("")
	form.Set("text", strings.ReplaceAll(want, "\n", "\r\n"))
	if a := s.Post("/ui/push", form.Encode()); a.Status != 303 {
		t.Fatalf("%v", a)
	}
	s.WantSamples(before...)
	s.WantGroupings(`{instance="\"<i>",job="a/b",zone="z"}`)
	if a := s.Get("/push?grouping=nonsense", handlertest.BrowserHeaders...); a.Status != 404 {
		t.Errorf("%v", a)
	}
}

func TestTheFormSaysWhatItCannotHold(t *testing.T) {
	s := handlertest.Start(t)
	var large strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&large, "m{i=\"%d\",text=\"%s\"} 1\n", i, strings.Repeat("x", 20))
	}
	s.Put("/metrics/job/large", large.String())
	s.Put("/metrics/job/lines/l/a%0Ab", "a 1\n")
	s.Put("/metrics/job/expiring?ttl=1h", "a 1\n")
	s.Put("/metrics/job/native", handlertest.Delimited(&dto.MetricFamily{Name: proto.String("n"), Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{Histogram: &dto.Histogram{
		SampleCount: proto.Uint64(4), SampleSum: proto.Float64(3), Schema: proto.Int32(0), ZeroThreshold: proto.Float64(0.001), ZeroCount: proto.Uint64(4),
	}}}}), "Content-Type", handlertest.ProtobufType)
	for path, want := range map[string]string{
		"/metrics/job/large": "too large to be edited here", "/metrics/job/lines/l/a%0Ab": "line breaks", "/metrics/job/expiring": "expires", "/metrics/job/native": "native histograms",
	} {
		a := s.Get("/push?grouping="+s.Grouping(path).Key.Digest(), handlertest.BrowserHeaders...)
		if a.Status != 200 || !strings.Contains(wordsIn(t, a.Body), want) || len(a.Body) > 100_000 {
			t.Errorf("%s: %v", path, a)
		}
	}
}

func TestTheFormIsFilledInWithTheQuery(t *testing.T) {
	s := handlertest.Start(t)
	a := s.Get("/push?job=x%3Cy&label.env=prod&label.zone=%22z%22&label.=", handlertest.BrowserHeaders...)
	if a.Status != 200 || !handlertest.Contains(a.Body, `value="&#34;z&#34;"`) {
		t.Errorf("%v", a)
	}
	for id, want := range map[string]string{"job": "x<y", "label-1": "env", "label-2": "zone", "address": "/metrics/job@base64/eDx5/env/prod/zone@base64/Inoi"} {
		wantElement(t, a.Body, id, want)
	}
}

func TestADraftMayHaveAnyNameUnlessOnlyLegacyOnesAreAllowed(t *testing.T) {
	form := written("x", "{\"http.status\",\"a-b\"=\"1\"} 1\n", "my.zone", "z")
	for _, test := range []struct {
		utf8   bool
		status int
		want   string
	}{
		{true, 303, "Would add 1 family"},
		{false, 422, "problems to fix"},
	} {
		s := handlertest.Start(t, func(c handlertest.Setup) { c.UTF8Names = test.utf8 })
		if text := wordsIn(t, checkPush(s, form).Body); !handlertest.Contains(text, test.want) {
			t.Errorf("with UTF-8 names %v: %s, want %q", test.utf8, text, test.want)
		}
		if a := s.Post("/ui/push", form); a.Status != test.status {
			t.Errorf("with UTF-8 names %v: %v, want %d", test.utf8, a, test.status)
		}
	}
}

const (
	maxLabelRows = 64
)
