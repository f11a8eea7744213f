package targets_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/credential"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// jobRows are the rows of the list of jobs.
func jobRows(l handlertest.List) []*html.Node {
	return handlertest.FindAll(l.Root, func(n *html.Node) bool {
		return n.Data == "tr" && strings.HasPrefix(handlertest.Attribute(n, "id"), "job-")
	})
}

// jobNames are the names in the rows.
func jobNames(l handlertest.List) string {
	var names []string
	for _, row := range jobRows(l) {
		names = append(names, handlertest.TextOf(handlertest.FindAll(row, handlertest.HasClass("row-link"))[0]))
	}
	return strings.Join(names, " ")
}

// setClock sets the clock of the store. What the store had begun before has its time
// still: wait until that has ended.
func setClock(s *handlertest.Server, clock *atomic.Pointer[time.Time], now time.Time) {
	s.T.Helper()
	clock.Store(&now)
	if a := s.Do("DELETE", "/metrics/job/nothing/here/", ""); a.Status != 202 {
		s.T.Fatal(a)
	}
}

// pushedOverTime serves jobs in all states.
func pushedOverTime(t *testing.T) *handlertest.Server {
	t.Helper()
	start := time.Now().Add(-72 * time.Hour)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Store.Now = func() time.Time { return *now.Load() }
		c.Guard.Trusted = handlertest.Prefixes(t, "127.0.0.1")
	})
	push := func(age time.Duration, from, path, body string, want int) {
		t.Helper()
		setClock(s, &now, time.Now().Add(-age))
		if a := s.Do("PUT", "/metrics/job"+path, body, "X-Forwarded-For", from); a.Status != want {
			t.Fatal(a)
		}
	}
	push(50*time.Hour, "10.0.0.3", "/etl/i/2", "a 1\n", 200)
	push(26*time.Hour, "10.0.0.3", "/etl/i/1", "a 1\n", 200)
	push(3*time.Hour, "10.0.0.1", "/backup/i/1", "a 1\nb 1\n", 200)
	push(2*time.Hour, "10.0.0.1", "/backup/i/2", "a 1\n", 200)
	push(2*time.Hour, "10.0.0.9", "/late/i/1", "", 200)
	push(time.Minute, "10.0.0.2", "/backup/i/3", "a 1\n", 200)
	push(time.Minute, "10.0.0.2", "/backup/i/4", "a 1\n", 200)
	push(time.Minute/2, "10.0.0.7", "/backup/i/4", "a{", 400)
	for i := range 8 {
		push(time.Second*20, fmt.Sprintf("10.0.1.%d", i), "/late/i/"+strconv.Itoa(i+2), "", 200)
	}
	push(time.Second*10, "10.0.0.2", "/all-well", "a 1\n", 200)
	setClock(s, &now, time.Now())
	return s
}

func TestJobsAreSummedUp(t *testing.T) {
	s := pushedOverTime(t)
	l := s.List("targets")
	want := []string{
		"backup 4 1 fresh 2 stale – 1 failed 1 m ago 5 10.0.0.1 10.0.0.2",
		"etl 2 – – 2 old – 1 d ago 2 10.0.0.3",
		"late 9 8 fresh 1 stale – – 20 s ago 0 10.0.0.9 10.0.1.0 10.0.1.1 10.0.1.2 10.0.1.3 and 4 more",
		"all-well 1 1 fresh – – – 10 s ago 1 10.0.0.2",
	}
	var got []string
	for _, row := range jobRows(l) {
		var cells []string
		for _, cell := range handlertest.FindAll(row, func(n *html.Node) bool { return n.Data == "th" || n.Data == "td" }) {
			cells = append(cells, handlertest.TextOf(cell))
		}
		got = append(got, strings.Join(cells, " "))
	}
	taken := regexp.MustCompile(`([12])\d s ago`) // the test takes a while
	for i, text := range got {
		got[i] = taken.ReplaceAllString(text, "${1}0 s ago")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if l.Text("summary") != "4 jobs · 16 groupings" {
		t.Errorf("says %q", l.Text("summary"))
	}
}

func TestTheIntervalOfAJobIsThatOfMostGroupings(t *testing.T) {
	start := time.Now().Add(-2 * time.Hour)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Store.Now = func() time.Time { return *now.Load() } })
	for minute := range 60 {
		setClock(s, &now, start.Add(time.Duration(minute)*time.Minute))
		for path, every := range map[string]int{"job/a/i/1": 5, "job/a/i/2": 5, "job/a/i/3": 20, "job/b": 20, "job/once": 60} {
			if minute%every == 0 {
				s.Put("/metrics/"+path, "")
			}
		}
	}
	var got []string
	for _, row := range jobRows(s.List("targets?sort=name")) {
		_, every, _ := strings.Cut(handlertest.TextOf(row), "interval ~")
		got = append(got, every[:min(len(every), 4)])
	}
	if want := []string{"5 m0", "20 m", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJobsAreFoundAndSorted(t *testing.T) {
	s := pushedOverTime(t)
	for _, test := range []struct{ query, want, summary string }{
		{"", "backup etl late all-well", "4 jobs · 16 groupings"},
		{"?sort=name", "all-well backup etl late", "4 jobs · 16 groupings"},
		{"?sort=-name", "late etl backup all-well", "4 jobs · 16 groupings"},
		{"?sort=-last_push", "all-well late backup etl", "4 jobs · 16 groupings"},
		{"?sort=last_push", "etl backup late all-well", "4 jobs · 16 groupings"},
		{"?sort=-groupings", "late backup etl all-well", "4 jobs · 16 groupings"},
		{"?sort=series", "late all-well etl backup", "4 jobs · 16 groupings"},
		{"?sort=colour&from=-3&view=none", "backup etl late all-well", "4 jobs · 16 groupings"},
		{"?from=99999999999999999999", "backup etl late all-well", "4 jobs · 16 groupings"},
		{"?from=100", "backup etl late all-well", "4 jobs · 16 groupings"},
		{"?q=T", "etl late", "2 of 4 jobs"},
		{"?q=t+l&sort=-name", "late etl", "2 of 4 jobs"},
		{"?q=E-LL", "", "0 of 4 jobs"},
		{"?q=ALL-W", "all-well", "1 of 4 jobs"},
		{"?q=nothing", "", "0 of 4 jobs"},
	} {
		if l := s.List("targets" + test.query); jobNames(l) != test.want || l.Text("summary") != test.summary {
			t.Errorf("%s: got %s, %q; want %s, %q", test.query, jobNames(l), l.Text("summary"), test.want, test.summary)
		}
	}
	if a := s.Get("/targets?q="+strings.Repeat("x", 1025), "Accept", "text/html"); a.Status != 400 {
		t.Errorf("%v", a)
	}
}

// Whatever a link of a row leads to shows as many groupings as the row says.
func TestTheLinksOfAJobLeadToItsGroupings(t *testing.T) {
	s := pushedOverTime(t)
	s.Put("/metrics/job/quo%22te/i/1", "")
	links := 0
	for _, row := range jobRows(s.List("targets")) {
		job := handlertest.TextOf(handlertest.FindAll(row, handlertest.HasClass("row-link"))[0])
		for _, a := range handlertest.FindAll(row, handlertest.HasTag("a")) {
			count, _, _ := strings.Cut(handlertest.TextOf(a), " ")
			if count == job {
				count = handlertest.TextOf(handlertest.FindAll(row, handlertest.HasClass("groupings"))[0])
			}
			l := s.List(strings.TrimPrefix(handlertest.Attribute(a, "href"), "/"))
			if n := len(l.Rows()); strconv.Itoa(n) != count || !strings.Contains(l.Keys(), "job="+strconv.Quote(job)) {
				t.Errorf("%s: %q leads to %d rows %s", job, handlertest.TextOf(a), n, l.Keys())
			}
			links++
		}
	}
	if want := 5 + 8; links != want { // jobs, and their states
		t.Errorf("looked at %d links, want %d", links, want)
	}
}

func TestJobsAreShownAsTextWhateverTheyHold(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	for _, job := range []string{
		"<script>alert(1)</script>", "\"><img src=x>", "a\u202eb", "a/b?c#d&e", "line\nbreak", "日本語", `back\slash`, strings.Repeat("é", 500),
	} {
		key, err := store.NewGroupingKey([]exposition.Label{{Name: "job", Value: job}})
		handlertest.Must(t, err)
		s.Put(key.Path(), "a 1\n")
		l := s.List("targets")
		if n := len(jobRows(l)); n != 1 {
			t.Fatalf("%q: %d rows", job, n)
		}
		row := jobRows(l)[0]
		link := handlertest.FindAll(row, handlertest.HasClass("row-link"))[0]
		if got, want := handlertest.TextOf(link), strings.Join(strings.Fields(web.Shorten(job, web.MaxValue)), " "); got != want {
			t.Errorf("%q is shown as %q", job, got)
		}
		if found := s.List(strings.TrimPrefix(handlertest.Attribute(link, "href"), "/pg/")); len(found.Rows()) != 1 {
			t.Errorf("%q: the link %s leads to %d groupings", job, handlertest.Attribute(link, "href"), len(found.Rows()))
		}
		if len(handlertest.FindAll(row, func(n *html.Node) bool { return n.Data == "script" || n.Data == "img" })) > 0 {
			t.Errorf("%q breaks out", job)
		}
		want := 2 // its groupings, and those of its only state
		if len(job) > maxStateLinked {
			want = 1
		}
		if n := len(handlertest.FindAll(row, handlertest.HasTag("a"))); n != want {
			t.Errorf("%.20q has %d links, want %d", job, n, want)
		}
		if len(l.Body) > 20_000 {
			t.Errorf("%.20q: %d bytes", job, len(l.Body))
		}
		if a := s.Do("DELETE", s.Prefix+key.Path(), ""); a.Status != 202 {
			t.Fatal(a)
		}
	}
}

func TestWithoutPushesThePageHelps(t *testing.T) {
	s := handlertest.Start(t, handlertest.Below("/pg"))
	l := s.List("targets")
	if !strings.Contains(l.Text("targets"), "No pushes yet") || l.ByID("q") != nil {
		t.Errorf("says %q", l.Text("targets"))
	}
	if to := l.Link(t, "Quick start"); to != "pg/docs/quick-start" {
		t.Errorf("leads to %s", to)
	}
}

func TestTheListOfJobsIsForReaders(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser, func(c handlertest.Setup) { c.Guard.ScrapeKey = credential.NewSecret(handlertest.RightKey) })
	for name, test := range map[string]struct {
		headers []string
		want    int
	}{
		"strangers":      {nil, 401},
		"the scrape key": {[]string{"X-Metrics-Key", handlertest.RightKey}, 401},
		"a reader":       {s.StartSession("a-reader", auth.Reader), 200},
		"a pusher":       {s.StartSession("a-pusher", auth.Pusher), 200},
		"an admin":       {s.SignIn(), 200},
	} {
		for _, target := range []string{"/targets", "/targets?view=scrapers"} {
			if a := s.Get(target, append(test.headers, handlertest.BrowserHeaders...)...); a.Status != test.want {
				t.Errorf("%s: %v", name, a)
			}
		}
	}
	if a := s.Post("/targets", "", s.SignIn()...); a.Status != 405 {
		t.Errorf("%v", a)
	}
}

func TestThePartThatFollowsComesAlone(t *testing.T) {
	s := pushedOverTime(t)
	partial := []string{"Accept", "text/html", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#targets"}
	for _, target := range []string{"/targets?q=etl", "/targets?view=scrapers"} {
		a := s.Get(target, append(partial, "HX-Current-URL", "http://gate.test"+target)...)
		if a.Status != 200 || !strings.HasPrefix(strings.TrimSpace(a.Body), `<div id="targets"`) || a.Header.Get("HX-Push-Url") != "" {
			t.Errorf("%v %v", a, a.Header)
		}
	}
	a := s.Get("/targets?q=etl&sort=worst&from=", append(partial, "HX-Current-URL", "http://gate.test/targets")...)
	if got := a.Header.Get("HX-Push-Url"); got != "/targets?q=etl" {
		t.Errorf("the address becomes %q", got)
	}
	if whole := s.List("targets"); whole.ByID("targets") == nil || whole.ByID("q") == nil {
		t.Error("the whole page lacks the part")
	}
}

func TestManyJobsAreShownInPages(t *testing.T) {
	s := handlertest.Start(t)
	for i := range 230 {
		s.Put(fmt.Sprintf("/metrics/job/job-%03d", i), "a 1\n")
	}
	l, seen := s.List("targets"), 0
	for page := 1; ; page++ {
		rows := jobRows(l)
		if want := fmt.Sprintf("job-%03d", seen); !strings.HasPrefix(jobNames(l), want) {
			t.Fatalf("page %d begins with %.20s, want %s", page, jobNames(l), want)
		}
		seen += len(rows)
		if len(l.Body) > 150_000 {
			t.Errorf("page %d has %d bytes", page, len(l.Body))
		}
		for _, a := range handlertest.FindAll(handlertest.FindAll(l.Root, handlertest.HasTag("thead"))[0], handlertest.HasTag("a")) {
			if to := handlertest.Attribute(a, "href"); strings.Contains(to, "from=") {
				t.Errorf("page %d: %s does not lead to the start", page, to)
			}
		}
		if seen == 230 {
			break
		}
		l = s.List(l.Link(t, "Next"))
	}
	if back := s.List(l.Link(t, "Previous")); !strings.HasPrefix(jobNames(back), "job-100") {
		t.Errorf("the page before begins with %.20s", jobNames(back))
	}
}

// pushJobs pushes n groupings of 97 jobs from as many addresses.
func pushJobs(s *handlertest.Server, n int) {
	s.T.Helper()
	var pushes sync.WaitGroup
	for worker := range 8 {
		pushes.Go(func() {
			for i := worker; i < n; i += 8 {
				s.Put(fmt.Sprintf("/metrics/job/team-%02d-batch/instance/host-%d:9100", i%97, i), "a 1\n", "X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", i/250, i%250))
			}
		})
	}
	pushes.Wait()
}

func TestTheListOfJobsIsSmallAndCostsAboutAsMuchAsThatOfGroupings(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.Guard.Trusted = handlertest.Prefixes(t, "127.0.0.1") })
	pushJobs(s, 2000)
	l := s.List("targets")
	packed := s.Get("/targets", "Accept", "text/html", "Accept-Encoding", "gzip")
	t.Logf("%d bytes, %d packed", len(l.Body), len(packed.Body))
	if l.Text("summary") != "97 jobs · 2,000 groupings" || len(jobRows(l)) != 97 || len(l.Body) > 150_000 || len(packed.Body) > 15_000 {
		t.Errorf("%d rows, %d bytes, %d packed: %s", len(jobRows(l)), len(l.Body), len(packed.Body), l.Text("summary"))
	}
	var took [2][]time.Duration
	for range 21 {
		for i, page := range []string{"/", "/targets"} {
			began := time.Now()
			s.Get(page, "Accept", "text/html")
			took[i] = append(took[i], time.Since(began))
		}
	}
	if list, jobs := slices.Min(took[0]), slices.Min(took[1]); jobs > 10*list { // with room for a busy machine
		t.Errorf("took %v, the list of groupings %v", jobs, list)
	}
}

func BenchmarkTheJobsOfTenThousandGroupings(b *testing.B) {
	s := handlertest.Start(b)
	pushJobs(s, 10_000)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		s.Get("/targets", "Accept", "text/html")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, "p95-ms")
}

const (
	maxStateLinked = 64
)
