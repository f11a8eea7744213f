package handlers

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
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// jobRows are the rows of the list of jobs.
func (l listed) jobRows() []*html.Node {
	return allBelow(l.root, func(n *html.Node) bool { return n.Data == "tr" && strings.HasPrefix(attribute(n, "id"), "job-") })
}

// jobs are the names in the rows.
func (l listed) jobs() string {
	var names []string
	for _, row := range l.jobRows() {
		names = append(names, spokenOf(allBelow(row, classed("row-link"))[0]))
	}
	return strings.Join(names, " ")
}

// at sets the clock of the store. What the store had begun before has its time
// still: wait until that has ended.
func (s *served) at(clock *atomic.Pointer[time.Time], now time.Time) {
	s.t.Helper()
	clock.Store(&now)
	if a := s.do("DELETE", "/metrics/job/nothing/here/", ""); a.status != 202 {
		s.t.Fatal(a)
	}
}

// pushedOverTime serves jobs in all states.
func pushedOverTime(t *testing.T) *served {
	t.Helper()
	start := time.Now().Add(-72 * time.Hour)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := serve(t, func(c setup) {
		c.Store.Now = func() time.Time { return *now.Load() }
		c.Guard.Trusted = prefixes(t, "127.0.0.1")
	})
	push := func(age time.Duration, from, path, body string, want int) {
		t.Helper()
		s.at(&now, time.Now().Add(-age))
		if a := s.do("PUT", "/metrics/job"+path, body, "X-Forwarded-For", from); a.status != want {
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
	s.at(&now, time.Now())
	return s
}

func TestJobsAreSummedUp(t *testing.T) {
	s := pushedOverTime(t)
	l := s.browse("targets")
	want := []string{
		"backup 4 1 fresh 2 stale – 1 failed 1 m ago 5 10.0.0.1 10.0.0.2",
		"etl 2 – – 2 old – 1 d ago 2 10.0.0.3",
		"late 9 8 fresh 1 stale – – 20 s ago 0 10.0.0.9 10.0.1.0 10.0.1.1 10.0.1.2 10.0.1.3 and 4 more",
		"all-well 1 1 fresh – – – 10 s ago 1 10.0.0.2",
	}
	var got []string
	for _, row := range l.jobRows() {
		var cells []string
		for _, cell := range allBelow(row, func(n *html.Node) bool { return n.Data == "th" || n.Data == "td" }) {
			cells = append(cells, spokenOf(cell))
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
	if l.text("summary") != "4 jobs · 16 groupings" {
		t.Errorf("says %q", l.text("summary"))
	}
}

func TestTheIntervalOfAJobIsThatOfMostGroupings(t *testing.T) {
	start := time.Now().Add(-2 * time.Hour)
	var now atomic.Pointer[time.Time]
	now.Store(&start)
	s := serve(t, func(c setup) { c.Store.Now = func() time.Time { return *now.Load() } })
	for minute := range 60 {
		s.at(&now, start.Add(time.Duration(minute)*time.Minute))
		for path, every := range map[string]int{"job/a/i/1": 5, "job/a/i/2": 5, "job/a/i/3": 20, "job/b": 20, "job/once": 60} {
			if minute%every == 0 {
				s.put("/metrics/"+path, "")
			}
		}
	}
	var got []string
	for _, row := range s.browse("targets?sort=name").jobRows() {
		_, every, _ := strings.Cut(spokenOf(row), "interval ~")
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
		if l := s.browse("targets" + test.query); l.jobs() != test.want || l.text("summary") != test.summary {
			t.Errorf("%s: got %s, %q; want %s, %q", test.query, l.jobs(), l.text("summary"), test.want, test.summary)
		}
	}
	if a := s.get("/targets?q="+strings.Repeat("x", 1025), "Accept", "text/html"); a.status != 400 {
		t.Errorf("%v", a)
	}
}

// Whatever a link of a row leads to shows as many groupings as the row says.
func TestTheLinksOfAJobLeadToItsGroupings(t *testing.T) {
	s := pushedOverTime(t)
	s.put("/metrics/job/quo%22te/i/1", "")
	links := 0
	for _, row := range s.browse("targets").jobRows() {
		job := spokenOf(allBelow(row, classed("row-link"))[0])
		for _, a := range allBelow(row, tag("a")) {
			count, _, _ := strings.Cut(spokenOf(a), " ")
			if count == job {
				count = spokenOf(allBelow(row, classed("groupings"))[0])
			}
			l := s.browse(strings.TrimPrefix(attribute(a, "href"), "/"))
			if n := len(l.rows()); strconv.Itoa(n) != count || !strings.Contains(l.keys(), "job="+strconv.Quote(job)) {
				t.Errorf("%s: %q leads to %d rows %s", job, spokenOf(a), n, l.keys())
			}
			links++
		}
	}
	if want := 5 + 8; links != want { // jobs, and their states
		t.Errorf("looked at %d links, want %d", links, want)
	}
}

func TestJobsAreShownAsTextWhateverTheyHold(t *testing.T) {
	s := serve(t, below("/pg"))
	for _, job := range []string{
		"<script>alert(1)</script>", "\"><img src=x>", "a\u202eb", "a/b?c#d&e", "line\nbreak", "日本語", `back\slash`, strings.Repeat("é", 500),
	} {
		key, err := store.NewGroupingKey([]exposition.Label{{Name: "job", Value: job}})
		must(t, err)
		s.put(key.Path(), "a 1\n")
		l := s.browse("targets")
		if n := len(l.jobRows()); n != 1 {
			t.Fatalf("%q: %d rows", job, n)
		}
		row := l.jobRows()[0]
		link := allBelow(row, classed("row-link"))[0]
		if got, want := spokenOf(link), strings.Join(strings.Fields(web.Shorten(job, web.MaxValue)), " "); got != want {
			t.Errorf("%q is shown as %q", job, got)
		}
		if found := s.browse(strings.TrimPrefix(attribute(link, "href"), "/pg/")); len(found.rows()) != 1 {
			t.Errorf("%q: the link %s leads to %d groupings", job, attribute(link, "href"), len(found.rows()))
		}
		if len(allBelow(row, func(n *html.Node) bool { return n.Data == "script" || n.Data == "img" })) > 0 {
			t.Errorf("%q breaks out", job)
		}
		want := 2 // its groupings, and those of its only state
		if len(job) > maxStateLinked {
			want = 1
		}
		if n := len(allBelow(row, tag("a"))); n != want {
			t.Errorf("%.20q has %d links, want %d", job, n, want)
		}
		if len(l.body) > 20_000 {
			t.Errorf("%.20q: %d bytes", job, len(l.body))
		}
		if a := s.do("DELETE", s.prefix+key.Path(), ""); a.status != 202 {
			t.Fatal(a)
		}
	}
}

func TestWithoutPushesThePageHelps(t *testing.T) {
	s := serve(t, below("/pg"))
	l := s.browse("targets")
	if !strings.Contains(l.text("targets"), "No pushes yet") || l.id("q") != nil {
		t.Errorf("says %q", l.text("targets"))
	}
	if to := l.link(t, "Quick start"); to != "pg/docs/quick-start" {
		t.Errorf("leads to %s", to)
	}
}

func TestTheListOfJobsIsForReaders(t *testing.T) {
	s := serve(t, oneUser, func(c setup) { c.Guard.ScrapeKey = credential.NewSecret(rightKey) })
	for name, test := range map[string]struct {
		headers []string
		want    int
	}{
		"strangers":      {nil, 401},
		"the scrape key": {[]string{"X-Metrics-Key", rightKey}, 401},
		"a reader":       {s.begun("a-reader", auth.Reader), 200},
		"a pusher":       {s.begun("a-pusher", auth.Pusher), 200},
		"an admin":       {s.signedIn(), 200},
	} {
		for _, target := range []string{"/targets", "/targets?view=scrapers"} {
			if a := s.get(target, append(test.headers, aBrowser...)...); a.status != test.want {
				t.Errorf("%s: %v", name, a)
			}
		}
	}
	if a := s.post("/targets", "", s.signedIn()...); a.status != 405 {
		t.Errorf("%v", a)
	}
}

func TestThePartThatFollowsComesAlone(t *testing.T) {
	s := pushedOverTime(t)
	partial := []string{"Accept", "text/html", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "div#targets"}
	for _, target := range []string{"/targets?q=etl", "/targets?view=scrapers"} {
		a := s.get(target, append(partial, "HX-Current-URL", "http://gate.test"+target)...)
		if a.status != 200 || !strings.HasPrefix(strings.TrimSpace(a.body), `<div id="targets"`) || a.header.Get("HX-Push-Url") != "" {
			t.Errorf("%v %v", a, a.header)
		}
	}
	a := s.get("/targets?q=etl&sort=worst&from=", append(partial, "HX-Current-URL", "http://gate.test/targets")...)
	if got := a.header.Get("HX-Push-Url"); got != "/targets?q=etl" {
		t.Errorf("the address becomes %q", got)
	}
	if whole := s.browse("targets"); whole.id("targets") == nil || whole.id("q") == nil {
		t.Error("the whole page lacks the part")
	}
}

func TestManyJobsAreShownInPages(t *testing.T) {
	s := serve(t)
	for i := range 230 {
		s.put(fmt.Sprintf("/metrics/job/job-%03d", i), "a 1\n")
	}
	l, seen := s.browse("targets"), 0
	for page := 1; ; page++ {
		rows := l.jobRows()
		if want := fmt.Sprintf("job-%03d", seen); !strings.HasPrefix(l.jobs(), want) {
			t.Fatalf("page %d begins with %.20s, want %s", page, l.jobs(), want)
		}
		seen += len(rows)
		if len(l.body) > 150_000 {
			t.Errorf("page %d has %d bytes", page, len(l.body))
		}
		for _, a := range allBelow(allBelow(l.root, tag("thead"))[0], tag("a")) {
			if to := attribute(a, "href"); strings.Contains(to, "from=") {
				t.Errorf("page %d: %s does not lead to the start", page, to)
			}
		}
		if seen == 230 {
			break
		}
		l = s.browse(l.link(t, "Next"))
	}
	if back := s.browse(l.link(t, "Previous")); !strings.HasPrefix(back.jobs(), "job-100") {
		t.Errorf("the page before begins with %.20s", back.jobs())
	}
}

// many pushes n groupings of 97 jobs from as many addresses.
func (s *served) many(n int) {
	s.t.Helper()
	var pushes sync.WaitGroup
	for worker := range 8 {
		pushes.Go(func() {
			for i := worker; i < n; i += 8 {
				s.put(fmt.Sprintf("/metrics/job/team-%02d-batch/instance/host-%d:9100", i%97, i), "a 1\n", "X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", i/250, i%250))
			}
		})
	}
	pushes.Wait()
}

func TestTheListOfJobsIsSmallAndCostsAboutAsMuchAsThatOfGroupings(t *testing.T) {
	s := serve(t, func(c setup) { c.Guard.Trusted = prefixes(t, "127.0.0.1") })
	s.many(2000)
	l := s.browse("targets")
	packed := s.get("/targets", "Accept", "text/html", "Accept-Encoding", "gzip")
	t.Logf("%d bytes, %d packed", len(l.body), len(packed.body))
	if l.text("summary") != "97 jobs · 2,000 groupings" || len(l.jobRows()) != 97 || len(l.body) > 150_000 || len(packed.body) > 15_000 {
		t.Errorf("%d rows, %d bytes, %d packed: %s", len(l.jobRows()), len(l.body), len(packed.body), l.text("summary"))
	}
	var took [2][]time.Duration
	for range 21 {
		for i, page := range []string{"/", "/targets"} {
			began := time.Now()
			s.get(page, "Accept", "text/html")
			took[i] = append(took[i], time.Since(began))
		}
	}
	if list, jobs := slices.Min(took[0]), slices.Min(took[1]); jobs > 10*list { // with room for a busy machine
		t.Errorf("took %v, the list of groupings %v", jobs, list)
	}
}

func BenchmarkTheJobsOfTenThousandGroupings(b *testing.B) {
	s := serve(b)
	s.many(10_000)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		s.get("/targets", "Accept", "text/html")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1e3, "p95-ms")
}
