package groupings

import (
	"bytes"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	views "gatehouse/views/groupings"
)

// maxPrefilled bounds the text of a grouping that is put into the form, in
// bytes as the grouping holds it.
const maxPrefilled = 256 << 10

// composePage is the page of a draft, without what is to be said of it.
func (h *Composer) composePage(c *fiber.Ctx, d *draft) views.Compose {
	m := views.Compose{
		ID: d.again, Blind: !guard.Principal(c).MayRead(), Job: d.job, Merge: d.mode == store.Merge, TTL: d.ttl, Text: d.text, Most: h.mostComposed(),
	}
	if h.gateway.DefaultTTL > 0 {
		m.Usual = web.InWords(h.gateway.DefaultTTL)
	}
	for _, l := range d.labels {
		m.Labels = append(m.Labels, views.Label{Name: l.Name, Value: l.Value})
	}
	for len(m.Labels) < labelRows {
		m.Labels = append(m.Labels, views.Label{})
	}
	title := "Push metrics"
	if _, ok := h.store.Snapshot().ByDigest(d.again); ok && !m.Blind {
		title = "Push again"
	} else {
		m.ID = "" // it has gone, or never was
	}
	m.Frame = h.web.Frame(c, title, "groupings")
	return m
}

// fillVerdict puts into the page what would become of a draft.
func (h *Composer) fillVerdict(c *fiber.Ctx, m *views.Compose, d *draft, j judged) {
	m.Mistakes, m.More = j.mistakes, len(j.mistakes) >= maxMistakes
	if j.keyed {
		h.fillAddress(c, m, d, j.push.Key)
	}
	if j.err != nil {
		return
	}
	snapshot := h.store.Snapshot()
	outcome, err := h.store.Preview(j.push)
	if err != nil {
		// The grouping that the text names becomes a link.
		why := web.ReasonOfRefusal(m.Frame, snapshot, j.push.Key.String(), web.AnswerTo(h.web.Discreet(c, err)).Text)
		m.Conflict = &why
		return
	}
	if m.Blind { // what it does depends on what is held
		m.Fine = true
		return
	}
	m.Outcome = &views.Outcome{
		Added: outcome.Added, Replaced: outcome.Replaced, Removed: outcome.Removed, Kept: outcome.Kept,
		Series: outcome.Series, Merge: m.Merge, Exists: outcome.Exists,
	}
	if g, ok := snapshot.Grouping(j.push.Key); ok {
		m.Outcome.Pushed = g.Since()
	}
}

// fillAddress says where the push goes and what command does the same.
func (h *Composer) fillAddress(c *fiber.Ctx, m *views.Compose, d *draft, k store.GroupingKey) {
	m.Address = h.web.PublicPrefix + k.Path()
	command := "curl"
	if h.web.Guard.Access() == guard.Closed {
		command += ` -H "Authorization: Bearer $TOKEN"`
	}
	method := fiber.MethodPut
	if d.mode == store.Merge {
		method = fiber.MethodPost
	}
	address := h.web.ServerURL(c) + k.Path()
	if _, err := h.gateway.ParseTTL(d.ttl); err == nil && d.ttl != "" {
		address += "?ttl=" + d.ttl
	}
	m.Command = command + " -X " + method + " --data-binary @metrics.txt " + web.QuoteShell(address)
}

// composeAgain shows the form filled in with what a grouping holds.
func (h *Composer) composeAgain(c *fiber.Ctx, id string) error {
	g, ok := h.store.Snapshot().ByDigest(id)
	if !ok {
		return h.list.noGrouping(c)
	}
	d := draft{again: id, job: g.Key.Job()}
	oneLine := true
	for _, l := range inReadingOrder(g.Key.Labels()) {
		oneLine = oneLine && !strings.ContainsAny(l.Value, "\r\n")
		if l.Name != model.JobLabel {
			d.labels = append(d.labels, l)
		}
	}
	var notes []string
	text, all, err := textOf(g)
	switch {
	case err != nil:
		return err
	case !oneLine:
		notes = append(notes, "The grouping key has line breaks, which a form cannot contain: push to it with curl.")
		d.job, d.labels = "", nil
	case len(g.Key.Labels()) > maxLabelRows || g.Bytes > maxPrefilled || len(text) > h.mostComposed():
		notes = append(notes, "The grouping is too large to be edited here, so the text is empty.")
	default:
		d.text = text
	}
	if !all {
		notes = append(notes, "The grouping contains what the text format cannot express, such as native histograms or exemplars. Pushing this text loses it.")
	}
	if !g.Expires.IsZero() {
		notes = append(notes, "The grouping expires. Pushing from here replaces its expiry with the one below.")
	}
	m := h.composePage(c, &d)
	m.Notes = notes
	if d.text != "" {
		account := h.gateway.Account()
		defer account.Close()
		h.fillVerdict(c, &m, &d, h.judge(&d, account))
	}
	return h.web.Page(c, fiber.StatusOK, views.ComposePage(m))
}

// textOf returns the content of a grouping as text that can be pushed to it
// again, without the labels that come from its key; empty for a large one. all
// reports that the text lacks nothing.
func textOf(g *store.Grouping) (text string, all bool, err error) {
	var b bytes.Buffer
	e := exposition.NewEncoder(&b, exposition.Negotiate("text/plain;version=1.0.0;escaping=allow-utf-8"), nil)
	all = true
	for _, f := range g.Families() {
		all = all && f.Proto == nil && f.Type != exposition.GaugeHistogram
		if g.Bytes > maxPrefilled {
			continue
		}
		own := exposition.Chunk{Series: f.Series, UTF8: f.UTF8}
		for l := range exposition.Lines(f.Text) {
			own.Text = appendOwn(own.Text, l, g.Key)
		}
		if err := e.Family(f.Name, f.Type, f.Help, f.Unit, []exposition.Chunk{own}); err != nil {
			return "", false, err
		}
	}
	if err := e.Close(); err != nil {
		return "", false, err
	}
	return b.String(), all, nil
}

// appendOwn appends a line without the labels that a push to the grouping gives
// it anyway.
func appendOwn(dst []byte, l *exposition.Line, k store.GroupingKey) []byte {
	var parts []string
	name := string(l.Name)
	if !model.LegacyValidation.IsValidMetricName(name) {
		parts, name = append(parts, `"`+name+`"`), ""
	}
	for _, label := range l.Labels {
		given := exposition.Label{Name: exposition.Unescape(label.Name), Value: exposition.Unescape(label.Value)}
		if given == (exposition.Label{Name: model.InstanceLabel}) || slices.Contains(k.Labels(), given) {
			continue
		}
		spelled := string(label.Name)
		if !model.LegacyValidation.IsValidLabelName(spelled) {
			spelled = `"` + spelled + `"`
		}
		parts = append(parts, spelled+`="`+string(label.Value)+`"`)
	}
	dst = append(dst, name...)
	if len(parts) > 0 {
		dst = append(dst, "{"+strings.Join(parts, ",")+"}"...)
	}
	return append(append(append(dst, ' '), l.Value...), '\n')
}
