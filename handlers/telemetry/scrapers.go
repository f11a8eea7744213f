package telemetry

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
	// seenTimes is the number of visits that a scraper's interval is computed
	// from.
	seenTimes = 8
	// fewestGaps are needed before somebody is taken for regular.
	fewestGaps = 4
	// late is after how many intervals a regular scraper is missed.
	late = 3
)

// What scrapers fetch.
const (
	FetchesAll       = "everything"
	FetchesPart      = "a part"
	FetchesOwn       = "own metrics"
	FetchesGroupings = "single groupings"
	FetchesTargets   = "targets"
)

// Scrapers remembers the scrapers since the start: a bounded number of clients.
// If there are too many, those that were never let in go first, then those that
// were not seen for the longest time. All listeners of a server share one. It
// is safe for concurrent use.
type Scrapers struct {
	mu     sync.Mutex
	seen   map[Client]*visitor
	served bool // somebody got metrics
}

// NewScrapers makes an empty record.
func NewScrapers() *Scrapers { return &Scrapers{seen: map[Client]*visitor{}} }

// Client distinguishes one scraper from another. Its principal is left out, so
// that a denied one is still the same when its credential is corrected.
type Client struct {
	Address, UserAgent string
	Fetches            string
	Part               string // of everything, as it was asked for
}

// compare orders clients, so that none jumps to and fro on the page.
func (c Client) compare(other Client) int {
	return cmp.Or(
		strings.Compare(c.Address, other.Address), strings.Compare(c.UserAgent, other.UserAgent),
		strings.Compare(c.Fetches, other.Fetches), strings.Compare(c.Part, other.Part),
	)
}

// Visit is one request for a scrape route, and how it was answered.
type Visit struct {
	Client
	By      string // the principal; empty: nobody had to say, or was let in
	At      time.Time
	Status  int
	Problem string // why it was refused
	Took    time.Duration
	Bytes   int64
	Coding  string
	Cut     bool // the answer did not get through to its end
}

func (v *Visit) failed() bool { return v.Status >= 400 || v.Cut }

// visitor is a client with its visits.
type visitor struct {
	last    Visit
	visits  int
	times   []time.Time // of the latest visits, the oldest first
	welcome bool        // was let in at least once
}

// Note adds a visit.
func (s *Scrapers) Note(v Visit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, known := s.seen[v.Client]
	if !known {
		if len(s.seen) >= maxScrapers {
			s.dropOne()
		}
		r = &visitor{times: make([]time.Time, 0, seenTimes)}
		s.seen[v.Client] = r
	}
	r.last = v
	r.visits++
	r.welcome = r.welcome || v.Status < 400
	s.served = s.served || !v.failed() && v.Fetches != FetchesTargets
	if len(r.times) == seenTimes {
		r.times = append(r.times[:0], r.times[1:]...)
	}
	r.times = append(r.times, v.At)
}

// dropOne makes room. Strangers only push out each other as long as there are
// any.
func (s *Scrapers) dropOne() {
	var worst *visitor
	for _, r := range s.seen {
		if worst == nil || r.worth(worst) < 0 {
			worst = r
		}
	}
	delete(s.seen, worst.last.Client)
}

func (r *visitor) worth(other *visitor) int {
	if r.welcome != other.welcome {
		return cmp.Compare(truth(r.welcome), truth(other.welcome))
	}
	return r.last.At.Compare(other.last.At)
}

// Scraper is a scraper as the record has it at one moment.
type Scraper struct {
	Visit
	Visits   int
	Interval time.Duration // 0: it does not come regularly, or not known yet
	Overdue  bool
}

// Amiss reports whether the last visit failed or the next one is overdue.
func (s *Scraper) Amiss() bool { return s.failed() || s.Overdue }

// List returns recent scrapers, those with problems first, and whether any got
// metrics since the start.
func (s *Scrapers) List(now time.Time) (list []Scraper, served bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for client, r := range s.seen {
		if now.Sub(r.last.At) > scraperMemory {
			delete(s.seen, client)
			continue
		}
		l := Scraper{Visit: r.last, Visits: r.visits}
		// Each grouping has an interval of its own.
		if client.Fetches != FetchesGroupings {
			l.Interval = regular(r.times)
			l.Overdue = l.Interval > 0 && now.Sub(l.At) > late*l.Interval
		}
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b Scraper) int {
		return cmp.Or(cmp.Compare(truth(b.Amiss()), truth(a.Amiss())), a.compare(b.Client))
	})
	return list, s.served
}

// regular returns the usual time between visits: the median, so that an outage
// does not count. It is 0 for people, who come now and then.
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
