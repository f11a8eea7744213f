package telemetry

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// came is a record of what came so long after the start.
func came(status int, after ...time.Duration) (*Scrapers, time.Time) {
	s, start := NewScrapers(), time.Now()
	for _, d := range after {
		s.Note(Visit{Client: Client{Address: "a", Fetches: FetchesAll}, At: start.Add(d), Status: status})
	}
	return s, start
}

func TestARegularScraperThatStaysAwayIsOverdue(t *testing.T) {
	for _, test := range []struct {
		name    string
		after   []time.Duration // in seconds
		now     time.Duration
		every   time.Duration
		overdue bool
	}{
		{"too few to tell", []time.Duration{0, 15, 30, 45}, 600, 0, false},
		{"on time", []time.Duration{0, 15, 30, 45, 60}, 75, 15, false},
		{"a little late", []time.Duration{0, 15, 30, 45, 60}, 105, 15, false},
		{"overdue", []time.Duration{0, 15, 30, 45, 60}, 106, 15, true},
		{"after an outage", []time.Duration{0, 15, 30, 45, 345, 360, 375, 390}, 400, 15, false},
		{"with a new interval", []time.Duration{0, 15, 30, 45, 60, 120, 180, 240, 300, 360, 420, 480, 540}, 600, 60, false},
		{"a person", []time.Duration{0, 2, 40, 41, 300, 302, 900}, 9000, 0, false},
		{"two at once, late", []time.Duration{0, 12, 15, 27, 30, 42, 45, 57}, 900, 0, false},
		{"two at once", []time.Duration{0, 3, 15, 18, 30, 33, 45, 48}, 900, 0, false},
	} {
		for i := range test.after {
			test.after[i] *= time.Second
		}
		s, start := came(200, test.after...)
		list, _ := s.List(start.Add(test.now * time.Second))
		if got := list[0]; got.Interval != test.every*time.Second || got.Overdue != test.overdue || got.Visits != len(test.after) {
			t.Errorf("%s: every %v, overdue %t", test.name, got.Interval, got.Overdue)
		}
	}
}

func TestAScraperOfEachGroupingHasNoIntervalOfItsOwn(t *testing.T) {
	s, start := NewScrapers(), time.Now()
	for i := range seenTimes {
		s.Note(Visit{Client: Client{Fetches: FetchesGroupings}, At: start.Add(time.Duration(i) * time.Second), Status: 200})
	}
	if list, _ := s.List(start.Add(time.Hour)); list[0].Interval != 0 || list[0].Overdue {
		t.Errorf("every %v, overdue %t", list[0].Interval, list[0].Overdue)
	}
}

func TestScrapersKeepTheirPlacesButThoseWithProblemsComeFirst(t *testing.T) {
	s, start := NewScrapers(), time.Now()
	for i, v := range []struct {
		address, agent, fetches string
		status                  int
	}{
		{"b", "x", FetchesAll, 200}, {"a", "y", FetchesTargets, 200}, {"a", "y", FetchesAll, 304}, {"a", "x", FetchesAll, 200}, {"z", "x", FetchesAll, 503},
	} {
		s.Note(Visit{Client: Client{Address: v.address, UserAgent: v.agent, Fetches: v.fetches}, At: start.Add(time.Duration(i)), Status: v.status})
	}
	var got []string
	list, _ := s.List(start)
	for _, l := range list {
		got = append(got, l.Address+l.UserAgent+" "+l.Fetches)
	}
	if want := "zx everything, ax everything, ay everything, ay targets, bx everything"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestScrapersThatComeNoMoreAreForgotten(t *testing.T) {
	s, start := came(200, 0)
	if list, served := s.List(start.Add(scraperMemory)); len(list) != 1 || !served {
		t.Errorf("%v, %t", list, served)
	}
	if list, served := s.List(start.Add(scraperMemory + 1)); len(list) != 0 || !served {
		t.Errorf("%v, %t", list, served)
	}
}

func TestStrangersDoNotCrowdOutScrapers(t *testing.T) {
	s, start := NewScrapers(), time.Now()
	at := func(i, status int, agent string) {
		s.Note(Visit{Client: Client{Address: "a", UserAgent: fmt.Sprint(agent, i), Fetches: FetchesAll}, At: start.Add(time.Duration(i) * time.Second), Status: status})
	}
	count := func(agent string) (n int) {
		list, _ := s.List(start)
		for _, l := range list {
			if strings.HasPrefix(l.UserAgent, agent) {
				n++
			}
		}
		return n
	}
	for i := range 50 {
		at(i, 200, "scraper-")
	}
	for i := range 1000 {
		at(100+i, 401, "stranger-")
	}
	if scrapers, strangers := count("scraper-"), count("stranger-"); scrapers != 50 || strangers != 50 {
		t.Errorf("left are %d scrapers and %d strangers", scrapers, strangers)
	}
	for i := range 120 {
		at(2000+i, 200, "late-")
	}
	if scrapers, strangers, others := count("scraper-"), count("stranger-"), count("late-"); scrapers+strangers != 0 || others != maxScrapers {
		t.Errorf("left are %d scrapers, %d strangers and %d others", scrapers, strangers, others)
	}
}
