// Package telemetry measures the server itself: its own metrics, the events of
// the last hour, and its scrapers. It knows nothing of HTTP.
package telemetry

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/collectors/version"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// Metrics are the server's own metrics. Where Pushgateway has one for a thing,
// name and type are the same.
type Metrics struct {
	registry *prometheus.Registry

	requests      *prometheus.CounterVec
	pushDuration  *prometheus.SummaryVec
	pushSize      *prometheus.SummaryVec
	refusals      *prometheus.CounterVec
	notices       *prometheus.CounterVec
	scrapeSeconds prometheus.Histogram
	scrapeBytes   prometheus.Histogram
	commitSeconds prometheus.Histogram
	commitChanges prometheus.Counter
	commitErrors  prometheus.Counter
	decisions     *prometheus.CounterVec
	keyFetches    *prometheus.CounterVec

	// Events of the last hour, for people who have no Prometheus at hand.
	lastPushes, lastRefusals, lastScrapes tally

	viewers prometheus.Gauge
}

// NewMetrics registers the server's own metrics, but for those of the store.
func NewMetrics() *Metrics {
	objectives := map[float64]float64{0.1: 0.01, 0.5: 0.05, 0.9: 0.01}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pushgateway_http_requests_total", Help: "HTTP requests by handler, method and status code; scrapes are not counted.",
		}, []string{"code", "handler", "method"}),
		pushDuration: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: "pushgateway_http_push_duration_seconds", Help: "How long pushes took until they were answered.", Objectives: objectives,
		}, []string{"method"}),
		pushSize: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: "pushgateway_http_push_size_bytes", Help: "The size of the bodies of pushes, as announced by the client.", Objectives: objectives,
		}, []string{"method"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_pushes_refused_total", Help: "Pushes that were refused, by reason.",
		}, []string{"reason"}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_push_notices_total", Help: "Families of accepted pushes about which something is odd, by kind.",
		}, []string{"kind"}),
		scrapeSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatehouse_scrape_duration_seconds", Help: "How long it took to write a scrape to the network.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		scrapeBytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatehouse_scrape_size_bytes", Help: "The size of scrapes as sent.",
			Buckets: prometheus.ExponentialBuckets(1<<10, 8, 8),
		}),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gatehouse_store_commit_duration_seconds", Help: "How long it took to make changes durable.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 13),
		}),
		commitChanges: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_store_changes_total", Help: "Records that were made durable.",
		}),
		commitErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_store_commit_errors_total", Help: "Commits that failed.",
		}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_auth_decisions_total", Help: "Requests by the credential that decided and by how they fared; public paths are not counted.",
		}, []string{"result", "scheme"}),
		keyFetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_jwks_refreshes_total", Help: "Fetches of the issuer's signing keys, by result.",
		}, []string{"result"}),
		viewers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gatehouse_sse_clients", Help: "Open pages that receive changes as they happen.",
		}),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		version.NewCollector("pushgateway"),
		m.requests, m.pushDuration, m.pushSize, m.refusals, m.notices, m.scrapeSeconds, m.scrapeBytes,
		m.commitSeconds, m.commitChanges, m.commitErrors, m.decisions, m.keyFetches, m.viewers,
	)
	// Families without a child would not be gathered, and so not be reserved.
	m.requests.WithLabelValues("200", "push", "put")
	for _, method := range []string{"put", "post"} {
		m.pushDuration.WithLabelValues(method)
		m.pushSize.WithLabelValues(method)
	}
	for _, reason := range refusalReasons {
		m.refusals.WithLabelValues(string(reason))
	}
	for _, kind := range exposition.NoticeKinds() {
		m.notices.WithLabelValues(kind.String())
	}
	m.decisions.WithLabelValues(string(guard.Denied), string(auth.Anonymous))
	for _, result := range []string{"success", "failure"} {
		m.keyFetches.WithLabelValues(result)
	}
	return m
}

// refusalReasons are all values of the label: no client can add one.
var refusalReasons = []exposition.Reason{
	exposition.ReasonSyntax, exposition.ReasonName, exposition.ReasonValue, exposition.ReasonTimestamp,
	exposition.ReasonDuplicate, exposition.ReasonType, exposition.ReasonLimit,
	store.ReasonPath, store.ReasonConflict, "size", "encoding", "unavailable",
}

// Own returns the names, types and help of all own metrics, which pushes
// cannot change. It is complete before the store is watched.
func (m *Metrics) Own() ([]exposition.Family, error) {
	families, err := m.Gather()
	if err != nil {
		return nil, err
	}
	for i := range families {
		families[i].Chunk = exposition.Chunk{}
	}
	for _, g := range storeGauges {
		families = append(families, exposition.Family{Name: g.name, Type: exposition.Gauge, Help: g.help})
	}
	return append(families, exposition.Family{Name: storeInfoName, Type: exposition.Gauge, Help: storeInfoHelp}), nil
}

// Watch adds the metrics of a store. It is called once.
func (m *Metrics) Watch(s *store.Store) { m.registry.MustRegister(storeCollector{s}) }

// WatchLog adds how many lines of the log were lost. It is called at most once,
// before Own.
func (m *Metrics) WatchLog(lost func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "gatehouse_log_lines_lost_total", Help: "Lines of the log that could not be written.",
	}, func() float64 { return float64(lost()) }))
}

// Commit counts a commit of the store.
func (m *Metrics) Commit(c store.CommitStats) {
	m.commitSeconds.Observe(c.Duration.Seconds())
	if c.Err != nil {
		m.commitErrors.Inc()
		return
	}
	m.commitChanges.Add(float64(c.Changes))
}

// Decided counts a decision about a request.
func (m *Metrics) Decided(s auth.Scheme, r guard.Result) {
	m.decisions.WithLabelValues(string(r), string(s)).Inc()
}

// KeysFetched counts a fetch of the issuer's signing keys.
func (m *Metrics) KeysFetched(err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	m.keyFetches.WithLabelValues(result).Inc()
}

// Refused counts a push that was refused.
func (m *Metrics) Refused(r exposition.Reason) {
	m.refusals.WithLabelValues(string(r)).Inc()
	m.lastRefusals.add(time.Now())
}

// Noticed counts what is odd about the families of a push.
func (m *Metrics) Noticed(families []exposition.Family) {
	for i := range families {
		for _, n := range families[i].Notices {
			m.notices.WithLabelValues(n.Kind.String()).Inc()
		}
	}
}

// Accepted counts a push that was taken.
func (m *Metrics) Accepted() { m.lastPushes.add(time.Now()) }

// Answered counts a request, by the handler and by the method in small letters.
func (m *Metrics) Answered(status int, handler, method string) {
	m.requests.WithLabelValues(strconv.Itoa(status), handler, method).Inc()
}

// Pushed observes how long a push took, and how large its body was announced;
// -1: not at all.
func (m *Metrics) Pushed(method string, took time.Duration, size int) {
	m.pushDuration.WithLabelValues(method).Observe(took.Seconds())
	m.pushSize.WithLabelValues(method).Observe(float64(max(0, size)))
}

// Viewing counts a page that follows the changes from now on, until left is called.
func (m *Metrics) Viewing() (left func()) {
	m.viewers.Inc()
	return m.viewers.Dec
}

// ScrapeAsked counts a scrape for the last hour.
func (m *Metrics) ScrapeAsked(at time.Time) { m.lastScrapes.add(at) }

// Scraped observes what a scrape took.
func (m *Metrics) Scraped(d time.Duration, bytes int64) {
	m.scrapeSeconds.Observe(d.Seconds())
	m.scrapeBytes.Observe(float64(bytes))
}

// Gather returns the own metrics as they are now, sorted by name. With an error
// it returns those that it could gather.
func (m *Metrics) Gather() ([]exposition.Family, error) {
	gathered, err := m.registry.Gather()
	families, convertErr := exposition.FromDTOs(gathered, exposition.Options{})
	return families, errors.Join(err, convertErr)
}

// storeGauge is a metric taken from a snapshot or the store's status.
type storeGauge struct {
	name, help string
	value      func(store.Stats, store.Status) float64
}

var storeGauges = []storeGauge{
	{"gatehouse_groupings", "Groupings that are held.", func(s store.Stats, _ store.Status) float64 { return float64(s.Groupings) }},
	{"gatehouse_families", "Names of metric families that are held.", func(s store.Stats, _ store.Status) float64 { return float64(s.Families) }},
	{"gatehouse_series", "Series that are held, without the push times of the groupings.", func(s store.Stats, _ store.Status) float64 { return float64(s.Series) }},
	{"gatehouse_series_bytes", "Size of these series as text.", func(s store.Stats, _ store.Status) float64 { return float64(s.Bytes) }},
	{"gatehouse_shadowed_series", "Series that scrapes leave out because they conflict with others.", func(s store.Stats, _ store.Status) float64 { return float64(s.Shadowed) }},
	{"gatehouse_deleted_groupings", "Deleted groupings that are kept for an undo.", func(s store.Stats, _ store.Status) float64 { return float64(s.Deleted) }},
	{"gatehouse_deleted_bytes", "Size of these on disk and in memory, which --delete.undo-max-bytes bounds.", func(s store.Stats, _ store.Status) float64 { return float64(s.DeletedBytes) }},
	{"gatehouse_sessions", "Sessions of people who have signed in.", func(s store.Stats, _ store.Status) float64 { return float64(s.Sessions) }},
	{"gatehouse_api_tokens", "API tokens that people have made, the expired ones too.", func(s store.Stats, _ store.Status) float64 { return float64(s.Tokens) }},
	{"gatehouse_store_queued_changes", "Changes that wait to be committed.", func(_ store.Stats, s store.Status) float64 { return float64(s.Queued) }},
	{"gatehouse_store_writable", "1 if the store takes changes, else 0.", func(_ store.Stats, s store.Status) float64 { return truth(s.Err == nil) }},
	{"gatehouse_store_housekeeping_failing", "1 if expiries and other changes that nobody asks for could not be written at the last attempt, else 0.", func(_ store.Stats, s store.Status) float64 { return truth(s.Housekeeping != nil) }},
	{"gatehouse_store_size_bytes", "What the store takes on disk.", func(_ store.Stats, s store.Status) float64 { return float64(s.Journal.Bytes) }},
	{"gatehouse_store_free_bytes", "What is left on the store's disk.", func(_ store.Stats, s store.Status) float64 { return float64(s.Journal.Free) }},
}

const (
	storeInfoName = "gatehouse_store_info"
	storeInfoHelp = "Always 1; the label names the storage engine."
)

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

type storeCollector struct{ store *store.Store }

func (c storeCollector) Describe(chan<- *prometheus.Desc) {}

func (c storeCollector) Collect(out chan<- prometheus.Metric) {
	stats, status := c.store.Snapshot().Stats(), c.store.Status()
	out <- prometheus.MustNewConstMetric(prometheus.NewDesc(storeInfoName, storeInfoHelp, []string{"engine"}, nil), prometheus.GaugeValue, 1, status.Journal.Engine)
	for _, g := range storeGauges {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(g.name, g.help, nil, nil), prometheus.GaugeValue, g.value(stats, status))
	}
}
