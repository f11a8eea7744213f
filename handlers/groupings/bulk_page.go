package groupings

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/web"
	"gatehouse/store"
	views "gatehouse/views/groupings"
	"gatehouse/views/ui"
)

// bulkRemovalPage asks whether groupings are to be deleted. m holds why it is
// asked again, if it is.
func (h *Remover) bulkRemovalPage(c *fiber.Ctx, status int, s *selection, m views.BulkRemoval) error {
	s.sort = "labels"
	found, missing := h.list.selected(h.store.Snapshot(), s)
	m.Frame, m.InDialog = h.web.Frame(c, "Delete groupings", "groupings"), web.IsPartial(c)
	m.Count, m.Missing, m.Named, m.Everything = len(found), missing, s.named, s.everything()
	m.Active, m.MustType = activeIn(found, s.at), s.mustType(found)
	m.Filter = s.String()
	m.Cancel = m.Path("/")
	if filter := s.filter(); filter != "" && !s.named {
		m.Cancel += "?" + filter
	}
	m.Hidden = s.hiddenFields(found)
	describe(&m, found)
	if len(s.ids) <= maxLinkedIDs {
		h.linkSelection(&m, s)
	}
	m.Command = h.bulkCommand(c, m.Frame, s, found)
	if h.undoWindow > 0 {
		m.Undo = web.InWords(h.undoWindow)
	}
	return h.web.RemovalAnswer(c, status, views.BulkRemovalPage(m))
}

// hiddenFields returns the selection as fields of the form, with the state in which it
// was shown.
func (s *selection) hiddenFields(found []*store.Grouping) []ui.Parameter {
	q := s.values()
	q.Set("at", strconv.FormatInt(s.at.UnixNano(), 10))
	q.Set("expect", strconv.Itoa(len(found)))
	q.Set("version", versionOf(found))
	var fields []ui.Parameter
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, value := range q[name] {
			fields = append(fields, ui.Parameter{Name: name, Value: value})
		}
	}
	return fields
}

// linkSelection puts the ways to the selection without what is active, and to
// all of it as a file, into the page.
func (h *Remover) linkSelection(m *views.BulkRemoval, s *selection) {
	q := s.values()
	q.Set("format", "json")
	m.Download = m.Path("/export?" + q.Encode())
	if m.Active > 0 && m.Active < m.Count {
		idle := *s
		idle.idle = activeWithin
		m.Exclude = m.Path("/groupings/delete?" + idle.values().Encode())
	}
}

// describe puts what the groupings are into the page.
func describe(m *views.BulkRemoval, found []*store.Grouping) {
	jobs := map[string]int{}
	for _, g := range found {
		m.Families += g.FamilyCount()
		m.Series += g.Series
		jobs[g.Key.Job()]++
		pushed := g.Since()
		if !pushed.IsZero() && (m.Oldest.IsZero() || pushed.Before(m.Oldest)) {
			m.Oldest = pushed
		}
		if pushed.After(m.Newest) {
			m.Newest = pushed
		}
	}
	for _, g := range found[:min(len(found), maxFirst)] {
		m.First = append(m.First, ui.Choice{Text: web.Shorten(g.Key.String(), web.MaxReason), URL: m.Path("/groupings/" + g.Key.Digest())})
	}
	names := slices.SortedFunc(maps.Keys(jobs), func(a, b string) int {
		return cmp.Or(cmp.Compare(jobs[b], jobs[a]), strings.Compare(a, b))
	})
	for _, name := range names[:min(len(names), maxJobs)] {
		m.Jobs = append(m.Jobs, views.JobCount{Job: web.Shorten(name, web.MaxValue), Count: jobs[name]})
	}
	m.OtherJobs = len(names) - len(m.Jobs)
}

// bulkCommand does the same from a shell; empty: the API has no words for it.
func (h *Remover) bulkCommand(c *fiber.Ctx, f ui.Frame, s *selection, found []*store.Grouping) string {
	curl := "curl"
	if !f.Open {
		curl += ` -H "Authorization: Bearer $TOKEN"`
	}
	server := h.web.ServerURL(c)
	switch {
	case s.named && len(found) > maxUntyped, !s.named && (s.text != "" || s.state != ""), s.idle > 0:
		return ""
	case s.named:
		var lines []string
		for _, g := range found {
			lines = append(lines, curl+" -X DELETE "+web.QuoteShell(server+g.Key.Path()))
		}
		return strings.Join(lines, "\n")
	}
	selector := `{job!=""}`
	if !s.selectors.All() {
		selector = s.selectors.String()
	}
	return curl + " -G -X DELETE --data-urlencode " + web.QuoteShell("match[]="+selector) + " " + web.QuoteShell(server+"/api/v1/groupings")
}

// answerRemoval names the deleted groupings and offers to restore them: in the
// corner of the open page, or on a page of its own without a script, or if that
// page is the deleted grouping's.
func (h *Remover) answerRemoval(c *fiber.Ctx, d store.Deleted, text string) error {
	page := h.web.PublicPrefix + "/deleted/" + d.Operation
	if len(d.Changed) > 0 { // while it took several commits
		page += "?kept=" + strconv.Itoa(len(d.Changed))
		text += " " + views.CountGroupings(len(d.Changed)) + " pushed in the meantime and kept."
	}
	if !web.IsPartial(c) {
		return c.Redirect(page, fiber.StatusSeeOther)
	}
	if at := web.PathOf(c.Get("HX-Current-URL")); strings.HasPrefix(at, h.web.PublicPrefix+"/groupings/") {
		c.Set("HX-Redirect", page)
		return c.SendStatus(fiber.StatusOK)
	}
	t := ui.Toast{Text: text}
	if _, ok := h.store.Undoable(d.Operation); ok {
		t.Undo = h.web.PublicPrefix + "/undo/" + d.Operation
	}
	c.Set("HX-Trigger", "changed")
	return h.web.Toast(c, fiber.StatusOK, t)
}
