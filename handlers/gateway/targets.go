package gateway

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// Targets sets how targets ask to be scraped, as Settings. The zero
// Targets leaves that to Prometheus.
type Targets struct {
	// ScrapeInterval is 0 if nothing is said.
	ScrapeInterval   time.Duration `flag:"targets.scrape-interval" is:"scrape interval" help:"Scrape interval of the targets of /api/v1/targets: a duration, or push: each target as often as it is pushed. Default: as Prometheus is configured."`
	FollowPushes     bool          // each grouping's own interval, instead
	NativeHistograms bool          `flag:"targets.native-histograms" help:"Have Prometheus scrape native histograms from the targets of /api/v1/targets."`
	// UnixSocket is as Prometheus sees it; empty: by TCP.
	UnixSocket string `flag:"targets.unix-socket" is:"socket path" help:"Unix socket of this server through which Prometheus scrapes the targets of /api/v1/targets. Default: TCP."`
}

// The labels by which targets set what model has no names for.
const (
	nativeHistogramsLabel = "__scrape_native_histograms__"
	unixSocketLabel       = "__unix_socket__"
)

// maxScrapeTimeout is that of scrapes whose interval is longer.
const maxScrapeTimeout = 10 * time.Second

// targetJSON is one element of Prometheus' HTTP service discovery.
type targetJSON struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// targets serves every grouping as a target of its own, for http_sd_configs.
func (h *Handler) targets(c *fiber.Ctx) error {
	selectors, err := store.ParseSelectors(web.Queries(c, "match[]"))
	if err != nil {
		return err
	}
	limit, err := h.web.Scope(c)
	if err != nil {
		return err
	}
	name, err := targetNames(web.Queries(c, "names"), c.Get(fiber.HeaderUserAgent))
	if err != nil {
		return err
	}
	host, same := h.sameForAll(c)
	list := []targetJSON{}
	for g := range web.GroupingsWithin(h.store.Snapshot(), selectors, limit) {
		list = append(list, targetJSON{[]string{host}, h.targetLabels(g, same, name)})
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderVary, "Host, User-Agent")
	if h.etags.Fresh(c, strconv.FormatUint(xxhash.Sum64(body), 16)) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(body)
}

// targetNames returns how names of grouping labels are written: as they are for
// clients that ask for that and for Prometheus 3 and later, else so that only
// letters, digits and underscores are left. One other name makes Prometheus 2
// refuse the list.
func targetNames(asked []string, userAgent string) (func(string) string, error) {
	raw := func(name string) string { return name }
	switch {
	case len(asked) == 0 && prometheusMajor(userAgent) < 3:
		return exposition.EscapedLabelName, nil
	case len(asked) == 0:
		return raw, nil
	case len(asked) == 1 && asked[0] == "utf-8":
		return raw, nil
	case len(asked) == 1 && asked[0] == "legacy":
		return exposition.EscapedLabelName, nil
	}
	return nil, web.BadRequest("names must be utf-8 or legacy")
}

// prometheusMajor is the first number of a Prometheus' version; 0: it is none.
func prometheusMajor(userAgent string) int {
	version, ok := strings.CutPrefix(userAgent, "Prometheus/")
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if !ok || end >= 0 && !strings.ContainsRune(".-+ ", rune(version[end])) {
		return 0
	}
	if end >= 0 {
		version = version[:end]
	}
	major, err := strconv.ParseUint(version, 10, 16)
	if err != nil {
		return 0
	}
	return int(major)
}

// sameForAll is the address of all targets, and the labels that all have.
func (h *Handler) sameForAll(c *fiber.Ctx) (host string, labels map[string]string) {
	scheme, host := h.web.Address(c)
	labels = map[string]string{model.SchemeLabel: scheme}
	if h.Targets.UnixSocket != "" {
		// It leads here past every proxy.
		labels[unixSocketLabel], labels[model.SchemeLabel] = h.Targets.UnixSocket, "http"
		if h.TLS {
			labels[model.SchemeLabel] = "https"
		}
	}
	if h.Targets.NativeHistograms {
		labels[nativeHistogramsLabel] = "true"
	}
	return host, labels
}

func (h *Handler) targetLabels(g *store.Grouping, same map[string]string, name func(string) string) map[string]string {
	labels := map[string]string{
		model.MetricsPathLabel:                         h.targetPrefix() + g.Key.Path(),
		"__meta_gatehouse_last_push_timestamp_seconds": strconv.FormatFloat(float64(g.Pushed.UnixMilli())/1e3, 'f', -1, 64),
		"__meta_gatehouse_last_push_success":           strconv.FormatBool(g.LastPushSuccessful()),
		"__meta_gatehouse_families":                    strconv.Itoa(g.FamilyCount()),
		"__meta_gatehouse_series":                      strconv.Itoa(g.Series),
	}
	maps.Copy(labels, same)
	interval := h.Targets.ScrapeInterval
	if h.Targets.FollowPushes {
		interval = g.ScrapeInterval()
	}
	if interval > 0 {
		labels[model.ScrapeIntervalLabel] = model.Duration(interval).String()
		labels[model.ScrapeTimeoutLabel] = model.Duration(min(interval, maxScrapeTimeout)).String()
	}
	for _, l := range g.Key.Labels() {
		labels[name(l.Name)] = l.Value
	}
	return labels
}

// targetPrefix is that of all paths where targets are scraped.
func (h *Handler) targetPrefix() string {
	if h.Targets.UnixSocket != "" {
		return h.web.RoutePrefix
	}
	return h.web.PublicPrefix
}
