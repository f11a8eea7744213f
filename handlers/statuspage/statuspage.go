package statuspage

import (
	"cmp"
	"fmt"
	"math"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/activity"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/statuspage"
	"gatehouse/views/ui"
)

// Routes returns the route of the status.
func (h *Handler) Routes() []web.Route {
	return []web.Route{web.Get(web.Page, "/status", web.Endpoint{Name: "ui/status", Needs: auth.Read, Do: h.statusPage})}
}

// statusPage shows people how the server is doing and how it was set up.
func (h *Handler) statusPage(c *fiber.Ctx) error {
	flags, err := h.flagTable(c)
	if err != nil {
		return err
	}
	administers := guard.Principal(c).Role.May(auth.Administer)
	state, stats := h.store.Status(), h.store.Snapshot().Stats()
	s := views.Status{
		Frame: h.web.Frame(c, "Status", "status"), Since: state.Journal.Since, Flags: flags,
		Groups: []views.FactGroup{
			h.serverFacts(c, state.Clock), h.contentFacts(stats), h.storageFacts(state, administers), h.memoryFacts(),
			h.pushFacts(), h.timeFacts(),
		},
		Wipe: administers && h.gateway.EnableAdminAPI, WipeOff: administers && !h.gateway.EnableAdminAPI,
		Links: []ui.Choice{
			{Text: "/-/healthy", URL: "/-/healthy"}, {Text: h.web.TelemetryPath, URL: h.web.TelemetryPath}, {Text: "/api/v1/status", URL: "/api/v1/status"},
		},
	}
	s.Live = "status"
	if state.Err != nil || !state.Ready {
		s.Problem = web.Sentence(gateway.StorageReason(state))
	}
	s.Rates = h.rates(s.Now)
	s.Methods, s.Bypass, s.Warnings = h.methods()
	s.Admins = h.admins()
	return h.web.Page(c, fiber.StatusOK, views.StatusPage(s))
}

// rates returns the counts of the last hour.
func (h *Handler) rates(now time.Time) []views.Rate {
	last := h.metrics.Hour(now)
	return []views.Rate{
		{Name: "Pushes accepted", Counts: last.Accepted},
		{Name: "Pushes refused", Counts: last.Refused, Bad: true},
		{Name: "Scrapes", Counts: last.Scrapes},
	}
}

func fact(name, text string) views.Fact { return views.Fact{Name: name, Text: text} }

func (h *Handler) serverFacts(c *fiber.Ctx, clock store.ClockStatus) views.FactGroup {
	b := h.gateway.Build
	facts := []views.Fact{
		fact("Version", b.Version), fact("Revision", cmp.Or(b.Revision, "unknown")), fact("Go", b.GoVersion),
		fact("Started", ui.Moment(h.gateway.Started)), fact("Running for", ui.Span(time.Since(h.gateway.Started).Truncate(time.Second))),
		clockFact(clock),
		fact("Listens on", strings.Join(h.Addresses, ", ")),
	}
	if len(h.ScrapeAddresses) > 0 {
		facts = append(facts, fact("Listens for scrapes on", strings.Join(h.ScrapeAddresses, ", ")))
	}
	facts = append(facts, fact("TLS", onOff(h.gateway.TLS)))
	reached := "Address"
	if h.web.ExternalURL != nil {
		reached = "External URL"
	}
	return views.FactGroup{Title: "Server", Facts: append(facts,
		fact(reached, h.web.ServerURL(c)), fact("Route prefix", cmp.Or(h.web.RoutePrefix, "none")), fact("Metrics path", h.web.PublicPrefix+h.web.TelemetryPath))}
}

// clockFact says what is odd about the clock.
func clockFact(s store.ClockStatus) views.Fact {
	var odd []string
	if s.Behind > 0 {
		odd = append(odd, ui.Span(s.Behind.Truncate(time.Second))+" behind the newest time in the store")
	}
	if !s.Held.IsZero() {
		odd = append(odd, "nothing expires until it has caught up, or until "+ui.Moment(s.Held))
	}
	if s.Set != 0 {
		way := "forward"
		if s.Set < 0 {
			way = "back"
		}
		odd = append(odd, "set "+way+" by "+ui.Span(s.Set.Abs().Truncate(time.Second))+" since the start")
	}
	if len(odd) == 0 {
		return fact("Clock", "in sync with the store")
	}
	return views.Fact{Name: "Clock", Text: strings.Join(odd, "; "), Bad: true}
}

func (h *Handler) contentFacts(s store.Stats) views.FactGroup {
	facts := []views.Fact{
		fact("Groupings", ofAtMost(s.Groupings, h.MaxGroupings)), fact("Metric families", ui.Number(s.Families)),
		fact("Series", ofAtMost(s.Series, h.MaxSeries)), fact("Size as text", ui.Size(s.Bytes)),
		{Name: "Shadowed", Text: web.Counted(s.Shadowed, "series", "series"), Bad: s.Shadowed > 0},
		fact("Kept for undo", web.Counted(s.Deleted, "grouping", "groupings")+", "+ui.Size(s.DeletedBytes)+" of "+ui.Limit(h.UndoMaxBytes)), fact("Sessions", ui.Number(s.Sessions)),
	}
	return views.FactGroup{Title: "Contents", Facts: facts}
}

// storageFacts says where things are kept; the place only to admins.
func (h *Handler) storageFacts(s store.Status, administers bool) views.FactGroup {
	j := s.Journal
	changes := fact("Writes", "OK")
	if s.Err != nil {
		changes = views.Fact{Name: "Writes", Text: gateway.StorageReason(s), At: j.Since, Bad: true}
	}
	facts := []views.Fact{changes, fact("Queued", web.Counted(s.Queued, "write", "writes")), fact("Engine", titled(j.Engine))}
	if s.Housekeeping != nil {
		facts = append(facts, views.Fact{Name: "Housekeeping", Text: "failing; the log has the cause", Bad: true})
	}
	if administers {
		facts = append(facts, fact("Path", j.Path))
	}
	facts = append(facts, fact("Size", ui.Size(j.Bytes)), fact("Free", ui.Size(j.Free)))
	return views.FactGroup{Title: "Storage", Facts: facts}
}

// memoryFacts says what the process takes, as far as Go's runtime knows.
func (h *Handler) memoryFacts() views.FactGroup {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/gogc:percent"},
		{Name: "/gc/gomemlimit:bytes"},
		{Name: "/sched/goroutines:goroutines"},
	}
	metrics.Read(samples)
	value := func(i int) int64 {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return int64(min(samples[i].Value.Uint64(), math.MaxInt64))
	}
	limit := "none"
	if n := value(4); n != math.MaxInt64 {
		limit = ui.Limit(n)
	}
	collected := "off"
	if n := value(3); n < math.MaxInt32 {
		collected = fmt.Sprintf("%d %%", n)
	}
	return views.FactGroup{Title: "Memory", Facts: []views.Fact{
		fact("From the OS", ui.Size(value(0)-value(1))), fact("On the heap", ui.Size(value(2))),
		fact("GOGC", collected), fact("GOMEMLIMIT", limit), fact("Goroutines", ui.Number(int(value(5)))),
		fact("Pushes being read", ui.Size(h.gateway.InFlight())+" of "+sizeOrNone(h.gateway.BodyBudget)),
	}}
}

func (h *Handler) pushFacts() views.FactGroup {
	check := "on: conflicts are refused"
	if !h.gateway.CheckConsistency {
		check = "off: conflicts are shadowed"
	}
	ttl := "only with a TTL"
	if h.gateway.DefaultTTL > 0 {
		ttl = "after " + ui.Span(h.gateway.DefaultTTL)
	}
	names := "letters, digits, _ and : only"
	if h.gateway.UTF8Names {
		names = "any UTF-8"
	}
	return views.FactGroup{Title: "Pushes", Facts: []views.Fact{
		fact("Consistency check", check), fact("Largest body", sizeOrNone(h.gateway.MaxBodyBytes)),
		fact("Series per push", atMost(h.gateway.MaxSeriesPerPush)), fact("Label sets per family", atMost(h.MaxLabelSets)),
		fact("Groupings expire", ttl), fact("Names", names),
	}}
}

func (h *Handler) timeFacts() views.FactGroup {
	undo := "off"
	if h.UndoWindow > 0 {
		undo = "for " + ui.Span(h.UndoWindow) + ", up to " + ui.Limit(h.UndoMaxBytes)
	}
	job := "the whole job"
	if h.gateway.ExactJobMatch {
		job = "the grouping without other labels"
	}
	return views.FactGroup{Title: "Age and deletes", Facts: []views.Fact{
		fact("Stale after", ui.Span(h.StaleAfter)), fact("Old after", ui.Span(h.OldAfter)), fact("Undo", undo), fact("Activity", activity.Kept(h.Retention)),
		fact("/metrics/job/<job> is", job), fact("Wipe", onOff(h.gateway.EnableAdminAPI)), fact("Lifecycle API", onOff(h.gateway.EnableLifecycle)),
		fact("Profiles", onOff(h.EnablePprof)),
	}}
}

// schemes are the ways to come in, in the words of the documentation.
var schemes = map[auth.Scheme]string{
	auth.JWT: "Bearer token of the issuer (JWT)", auth.APIToken: "API token", auth.Basic: "User and password", auth.ScrapeKey: "Scrape key",
	auth.SessionCookie: "Session", auth.OIDC: "Sign-in at the OpenID provider", auth.Certificate: "Client certificate", auth.Localhost: "This machine", auth.Anonymous: "Everyone",
}

// methods lists the ways to authenticate, in the order in which credentials are
// looked for, with warnings about weaknesses.
func (h *Handler) methods() (list []views.Method, bypass string, warnings []string) {
	active := h.web.Guard.Methods()
	if h.web.Guard.CanSignIn() {
		session := guard.Method{Scheme: auth.SessionCookie, Grants: "the user's role", Detail: "people who signed in"}
		at := slices.IndexFunc(active, func(m guard.Method) bool { return m.Scheme == auth.Certificate || m.Scheme == auth.Localhost })
		if at < 0 {
			at = len(active)
		}
		active = slices.Insert(active, at, session)
	}
	open := false
	for _, m := range active {
		open = open || m.Scheme == auth.Anonymous
		list = append(list, views.Method{Name: schemes[m.Scheme], Grants: m.Grants, Detail: m.Detail})
	}
	for _, text := range []string{h.web.Guard.Exposure(guard.Everyone), h.web.Guard.Lockout()} {
		if text != "" {
			warnings = append(warnings, text+".")
		}
	}
	for _, standing := range h.web.Guard.Standings() {
		if standing.Strangers {
			warnings = append(warnings, standing.Sentence+".")
		}
	}
	return list, bypassText(h.web.Guard.Bypass, open), warnings
}

// admins returns sentences on the admins by issuers that let no strangers in.
func (h *Handler) admins() (sentences []string) {
	for _, standing := range h.web.Guard.Standings() {
		if !standing.Strangers {
			sentences = append(sentences, standing.Sentence+".")
		}
	}
	return sentences
}

// bypassText says what holds for clients on the server's own machine.
func bypassText(b guard.Bypass, open bool) string {
	switch {
	case open:
		return "Clients on this machine are treated like all others."
	case b == guard.BypassSameUser:
		return "Processes of the server's own user on this machine need no credential."
	case b == guard.BypassOn:
		return "No process on this machine needs a credential."
	}
	return "Clients on this machine need a credential too: the localhost bypass is off."
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// atMost is a limit; 0: there is none.
func atMost(limit int) string {
	if limit == 0 {
		return "no limit"
	}
	return "at most " + ui.Number(limit)
}

func ofAtMost(n, limit int) string {
	if limit == 0 {
		return ui.Number(n)
	}
	return ui.Number(n) + " of " + atMost(limit)
}

func sizeOrNone(limit int64) string {
	if limit == 0 {
		return "no limit"
	}
	return ui.Limit(limit)
}

// titled writes a name as names are written.
func titled(name string) string {
	if name == "" {
		return strconv.Quote(name)
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
