package targets

import (
	"strings"
	"testing"
	"time"

	"gatehouse/views/ui"
)

func TestWhatIsWrongWithAScraperIsSaid(t *testing.T) {
	for _, test := range []struct {
		scraper Scraper
		want    string
	}{
		{Scraper{Status: 200}, ""},
		{Scraper{Status: 304, Interval: time.Minute}, ""},
		{Scraper{Status: 401, Problem: "why", Overdue: true}, "The last response was 401: why"},
		{Scraper{Status: 503}, "The last response was 503"},
		{Scraper{Status: 200, Cut: true, Took: 10 * time.Second}, "Disconnected after 10 s, before the response was complete: check its scrape_timeout"},
		{Scraper{Status: 200, Overdue: true, Interval: 15 * time.Second}, "Overdue: usual scrape interval 15 s"},
	} {
		if got := test.scraper.complaint(); got != test.want || test.scraper.amiss() != (test.want != "") {
			t.Errorf("%+v: %q, want %q", test.scraper, got, test.want)
		}
	}
}

func TestEachStateHasItsNumberShapeAndName(t *testing.T) {
	row := Pusher{
		Job: "etl", URL: "/?m=job", Groupings: 1200, PushInterval: 5 * time.Minute, Last: time.Unix(1, 0),
		States: []ui.Facet{{State: "fresh", Count: 1190, URL: "/fresh"}, {State: "stale"}, {State: "old"}, {State: "failed", Count: 10}},
	}
	var b strings.Builder
	if err := PushersPage(Pushers{Targets: Targets{Jobs: 1}, Rows: []Pusher{row}}).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`<a class="state state-fresh" href="/fresh" title="fresh">1,190<span class="sr-only"> fresh</span></a>`,
		`<span class="state state-failed" title="failed">10<span class="sr-only"> failed</span></span>`,
		`interval ~5 m`,
	} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("lacks %s", part)
		}
	}
	if strings.Contains(b.String(), "state-old") {
		t.Error("shows a state that nothing is in")
	}
}
