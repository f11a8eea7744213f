package handlers

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	maxScrapers = 100
	// scraperMemory is how long a scraper is remembered that comes no more.
	scraperMemory = 24 * time.Hour
	// seenTimes are the visits of a scraper by which its interval is told.
	seenTimes = 8
	// fewestGaps are needed before somebody is taken for regular.
	fewestGaps = 4
	// late is after how many intervals a regular scraper is missed.
	late = 3
)

// What scrapers fetch.
const (
	fetchesAll       = "everything"
	fetchesPart      = "a part"
	fetchesOwn       = "own metrics"
	fetchesGroupings = "single groupings"
	fetchesTargets   = "targets"
)

// Scrapers remembers who scraped since the start: a bounded number of clients.
// Of too many those go first that were never let in, then those that were not
// seen for the longest time. All listeners of a server share one. It is safe for
// concurrent use.
type Scrapers struct {
	mu     sync.Mutex
	seen   map[scrapeClient]*scraper
	served bool // somebody got metrics
}

// NewScrapers makes an empty record.
func NewScrapers() *Scrapers { return &Scrapers{seen: map[scrapeClient]*scraper{}} }

// scrapeClient is what one scraper is told from another by. Who it signs in as
// is left out, so that one that was refused is still the same when its
// credential is put right.
type scrapeClient struct {
	address, userAgent string
	fetches            string
	part               string // of everything, as it was asked for
}

// compare orders clients, so that none jumps to and fro on the page.
func (c scrapeClient) compare(other scrapeClient) int {
	return cmp.Or(
		strings.Compare(c.address, other.address), strings.Compare(c.userAgent, other.userAgent),
		strings.Compare(c.fetches, other.fetches), strings.Compare(c.part, other.part),
	)
}

// visit is one request for a scrape route, and how it was answered.
type visit struct {
	scrapeClient
	by      string // the principal; empty: nobody had to say, or was let in
	at      time.Time
	status  int
	problem string // why it was refused
	took    time.Duration
	bytes   int64
	coding  string
	cut     bool // the answer did not get through to its end
}

func (v *visit) failed() bool { return v.status >= 400 || v.cut }

// scraper is a client with its visits.
type scraper struct {
	last    visit
	visits  int
	times   []time.Time // of the latest visits, the oldest first
	welcome bool        // was let in at least once
}

// note adds a visit.
func (s *Scrapers) note(v visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, known := s.seen[v.scrapeClient]
	if !known {
		if len(s.seen) >= maxScrapers {
			s.dropOne()
		}
		r = &scraper{times: make([]time.Time, 0, seenTimes)}
		s.seen[v.scrapeClient] = r
	}
	r.last = v
	r.visits++
	r.welcome = r.welcome || v.status < 400
	s.served = s.served || !v.failed() && v.fetches != fetchesTargets
	if len(r.times) == seenTimes {
		r.times = append(r.times[:0], r.times[1:]...)
	}
	r.times = append(r.times, v.at)
}

// dropOne makes room. Strangers only push out each other as long as there are
// any.
func (s *Scrapers) dropOne() {
	var worst *scraper
	for _, r := range s.seen {
		if worst == nil || r.worth(worst) < 0 {
			worst = r
		}
	}
	delete(s.seen, worst.last.scrapeClient)
}

func (r *scraper) worth(other *scraper) int {
	if r.welcome != other.welcome {
		return cmp.Compare(truth(r.welcome), truth(other.welcome))
	}
	return r.last.at.Compare(other.last.at)
}

// seenScraper is a scraper as the record has it at one moment.
type seenScraper struct {
	visit
	visits  int
	every   time.Duration // 0: it does not come regularly, or not known yet
	overdue bool
}

func (s *seenScraper) amiss() bool { return s.failed() || s.overdue }

// list returns who was seen lately, those with problems first, and whether
// anybody got metrics since the start.
func (s *Scrapers) list(now time.Time) (list []seenScraper, served bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for client, r := range s.seen {
		if now.Sub(r.last.at) > scraperMemory {
			delete(s.seen, client)
			continue
		}
		l := seenScraper{visit: r.last, visits: r.visits}
		// Each grouping has an interval of its own.
		if client.fetches != fetchesGroupings {
			l.every = regular(r.times)
			l.overdue = l.every > 0 && now.Sub(l.at) > late*l.every
		}
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b seenScraper) int {
		return cmp.Or(cmp.Compare(truth(b.amiss()), truth(a.amiss())), a.compare(b.scrapeClient))
	})
	return list, s.served
}

// regular is the usual time between visits: the median, so that an outage does
// not count. It is 0 for people, who come now and then.
func regular(times []time.Time) time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i].Sub(times[i-1]))
	}
	if len(gaps) < fewestGaps {
		return 0
	}
	slices.Sort(gaps)
	usual, low, high := gaps[len(gaps)/2], gaps[len(gaps)/4], gaps[len(gaps)*3/4]
	if low*2 < usual || high > usual*2 {
		return 0
	}
	return usual
}
