// Package targets holds the pages about the server's clients: those that push
// and those that scrape.
package targets

import (
	"strconv"
	"time"

	"gatehouse/views/ui"
)

// Targets is the common part of both pages about the server's clients.
type Targets struct {
	ui.Frame
	Jobs, Scrapers          int // how many there are to be seen
	Amiss                   int // of the scrapers
	PushersURL, ScrapersURL string
	Started                 time.Time // the server
	Served                  bool      // since then somebody has got metrics
}

// Pushers is the list of jobs that are pushed.
type Pushers struct {
	Targets
	Groupings int // of all jobs
	Matching  int // jobs that are asked for

	Search string
	Hidden []ui.Parameter // further parameters of a form
	Clear  string         // where the list is without the search

	Columns []ui.Column
	Rows    []Pusher
	Pages   ui.Pages
}

// Pusher is a job with all its groupings.
type Pusher struct {
	ID           string // distinguishes the row from others
	Job, Title   string // the title is the job in full, if it was cut
	URL          string // of the list of its groupings
	Groupings    int
	States       []ui.Facet // all of them, in a fixed order; without URL: there is no link
	Last         time.Time  // push; zero: never
	PushInterval time.Duration
	Series       int
	Clients      []ui.Client
	More         int // clients that are not named
}

// Scrapers is the list of clients that scrape.
type Scrapers struct {
	Targets
	Metrics  string // the path that they are to scrape
	Rows     []Scraper
	Snippets []Snippet
}

// Scraper is a client that scrapes. Every text is bounded and can be seen.
type Scraper struct {
	By                 string // the principal; empty: none was required, or it was denied
	Address, UserAgent string
	Fetches, Part      string // Part are the selectors, if there are any
	Visits             int
	Last               time.Time
	Interval           time.Duration // 0: it does not come regularly
	Overdue            bool
	Status             int    // of the last answer
	Problem            string // why it was refused
	Cut                bool   // it did not get through to its end
	Took               time.Duration
	Bytes              int
	Coding             string
}

// Snippet is a part of a configuration to be copied.
type Snippet struct{ ID, Title, About, Text, Note string }

// summary says how many jobs are meant.
func (p Pushers) summary() string {
	if p.Search == "" {
		return ui.CountOf(p.Jobs, "job", "jobs") + " · " + ui.CountOf(p.Groupings, "grouping", "groupings")
	}
	return ui.Number(p.Matching) + " of " + ui.CountOf(p.Jobs, "job", "jobs")
}

// amiss reports whether something is wrong with a scraper.
func (s Scraper) amiss() bool { return s.Status >= 400 || s.Cut || s.Overdue }

// complaint says what is wrong; empty: nothing is.
func (s Scraper) complaint() string {
	switch {
	case s.Status >= 400 && s.Problem != "":
		return "The last response was " + strconv.Itoa(s.Status) + ": " + s.Problem
	case s.Status >= 400:
		return "The last response was " + strconv.Itoa(s.Status)
	case s.Cut:
		return "Disconnected after " + ui.Span(s.Took) + ", before the response was complete: check its scrape_timeout"
	case s.Overdue:
		return "Overdue: usual scrape interval " + ui.Roughly(s.Interval)
	}
	return ""
}

// size says how much was sent, and how.
func (s Scraper) size() string {
	if s.Coding == "" {
		return ui.Size(int64(s.Bytes))
	}
	return ui.Size(int64(s.Bytes)) + " " + s.Coding
}
