package groupings

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	views "gatehouse/views/groupings"
)

func (h *Composer) composeRoutes() []web.Route {
	return []web.Route{
		web.Get(web.Page, "/push", web.Endpoint{Name: "ui/compose", Needs: auth.Push, Do: h.showCompose}),
		{Path: "/ui/push", Kind: web.Page, On: map[string]web.Endpoint{"POST": {Name: "ui/push", Needs: auth.Push, Do: h.pushDraft}}},
		{Path: "/ui/push/check", Kind: web.Page, On: map[string]web.Endpoint{"POST": {Name: "ui/push/check", Needs: auth.Push, Do: h.checkDraft}}},
	}
}

const (
	// maxComposed bounds a text that is pushed from a page: more than anybody
	// writes, and little enough to be checked again and again.
	maxComposed = 1 << 20
	maxMistakes = 20
	// labelRows is how many rows for labels a page has at the least, and how
	// many come with a wish for more.
	labelRows    = 4
	maxLabelRows = 2 * store.MaxGroupingLabels
)

// draft is a push as a person writes it.
type draft struct {
	again  string // the grouping that it was begun from, as in addresses; empty: none
	job    string
	labels []exposition.Label // as they were filled in; some are empty
	mode   store.Mode
	ttl    string
	text   string
}

// mostComposed is how many bytes a draft's text may have.
func (h *Composer) mostComposed() int { return int(min(h.gateway.MaxBodyBytes, maxComposed)) }

// readDraft reads the form. What it keeps in memory is on the account.
func (h *Composer) readDraft(c *fiber.Ctx, a *gateway.Account) (d draft, more bool, err error) {
	most := h.mostComposed()
	// A byte takes up to three in a form and the end of a line six; the key and
	// the rest come on top.
	form, err := web.ReadFields(c, int64(6*most+256<<10), a.Take)
	if err != nil && web.AnswerTo(err).Status == fiber.StatusRequestEntityTooLarge {
		return d, false, h.tooLong()
	}
	if err != nil {
		return d, false, err
	}
	for _, name := range []string{"grouping", "job", "mode", "ttl", "text", "more"} {
		if len(form[name]) > 1 {
			return d, false, web.BadRequest("a field of the form is given twice")
		}
	}
	d = draft{again: form.Get("grouping"), job: form.Get("job"), ttl: strings.TrimSpace(form.Get("ttl"))}
	if form.Get("mode") == "merge" {
		d.mode = store.Merge
	}
	names, values := form["name"], form["value"]
	if len(names) != len(values) || len(names) > maxLabelRows {
		return d, false, web.BadRequest("the labels of the form are no pairs, or too many")
	}
	for i := range names {
		d.labels = append(d.labels, exposition.Label{Name: names[i], Value: values[i]})
	}
	// Browsers end the lines of forms as mail does.
	d.text = strings.ReplaceAll(form.Get("text"), "\r\n", "\n")
	if len(d.text) > most {
		return d, false, h.tooLong()
	}
	// The text is kept while a page is made of it.
	return d, form.Has("more"), a.Take(2 * int64(len(d.text)))
}

func (h *Composer) tooLong() error {
	return web.NewError(fiber.StatusRequestEntityTooLarge, "a push from a page can have at most "+strconv.Itoa(h.mostComposed())+" bytes; use curl for larger bodies")
}

// showCompose shows the form: empty, or filled in with a grouping or with the
// labels of the query.
func (h *Composer) showCompose(c *fiber.Ctx) error {
	if again := c.Query("grouping"); again != "" {
		if !guard.Principal(c).MayRead() {
			return &auth.DeniedError{Reason: auth.ErrNoCredential, Scheme: auth.Anonymous}
		}
		return h.composeAgain(c, again)
	}
	d := draft{job: c.Query("job")}
	for key, value := range c.Context().QueryArgs().All() {
		if name, ok := strings.CutPrefix(string(key), "label."); ok && len(d.labels) < maxLabelRows {
			d.labels = append(d.labels, exposition.Label{Name: name, Value: string(value)})
		}
	}
	m := h.composePage(c, &d)
	m.Pushed = c.Query("pushed") != "" && m.Blind
	if key, mistakes, _ := h.keyOf(&d); len(mistakes) == 0 {
		h.fillAddress(c, &m, &d, key)
	}
	return h.web.Page(c, fiber.StatusOK, views.ComposePage(m))
}

// checkDraft says what would become of a draft. Nothing changes.
func (h *Composer) checkDraft(c *fiber.Ctx) error {
	account := h.gateway.Account()
	defer account.Close()
	d, more, err := h.readDraft(c, account)
	if err != nil {
		return err
	}
	if more {
		d.labels = append(d.labels, make([]exposition.Label, min(labelRows, maxLabelRows-len(d.labels)))...)
	}
	m := h.composePage(c, &d)
	m.Returned = true
	if !more {
		h.fillVerdict(c, &m, &d, h.judge(&d, account))
	}
	return h.web.Page(c, fiber.StatusOK, views.ComposePage(m))
}

// pushDraft pushes, and leads to the grouping.
func (h *Composer) pushDraft(c *fiber.Ctx) error {
	account := h.gateway.Account()
	defer account.Close()
	d, _, err := h.readDraft(c, account)
	if err != nil {
		return h.gateway.Refused(err)
	}
	j := h.judge(&d, account)
	j.push.Origin = h.web.Origin(c)
	if j.err != nil {
		if j.keyed {
			h.gateway.NoteRefusal(&j.push, j.err)
		}
		return h.draftRefused(c, &d, j, h.gateway.Refused(j.err))
	}
	if err := h.gateway.Take(&j.push, nil); err != nil {
		return h.draftRefused(c, &d, j, err)
	}
	if !guard.Principal(c).MayRead() {
		return c.Redirect(h.web.PublicPrefix+"/push?pushed=1", fiber.StatusSeeOther)
	}
	return c.Redirect(h.web.PublicPrefix+"/groupings/"+j.push.Key.Digest(), fiber.StatusSeeOther)
}

// draftRefused shows the form again as it was filled in, with what went wrong.
func (h *Composer) draftRefused(c *fiber.Ctx, d *draft, j judged, err error) error {
	err = h.web.Discreet(c, err)
	a := web.AnswerTo(err)
	if a.Status >= fiber.StatusInternalServerError {
		h.web.Logger.Error("A push from a page failed", "grouping", j.push.Key, "status", a.Status, "err", err)
	}
	if a.Retry > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(a.Retry))
	}
	if a.Status == fiber.StatusBadRequest {
		a.Status = fiber.StatusUnprocessableEntity
	}
	m := h.composePage(c, d)
	h.fillVerdict(c, &m, d, j)
	m.Returned, m.Failure = true, web.Sentence(a.Text)
	m.Unsure = a.Status >= fiber.StatusInternalServerError
	return h.web.Page(c, a.Status, views.ComposePage(m))
}

// judged is a draft after parsing and checks.
type judged struct {
	push     store.Push
	keyed    bool // the push has a key
	mistakes []views.Mistake
	err      error // the first thing that is wrong; nil: it can be pushed
}

// judge finds everything that is wrong with a draft by itself. What it keeps in memory
// is on the account.
func (h *Composer) judge(d *draft, account *gateway.Account) judged {
	j := judged{push: store.Push{Mode: d.mode, Size: len(d.text)}}
	j.push.Key, j.mistakes, j.err = h.keyOf(d)
	j.keyed = j.err == nil
	var err error
	if j.push.TTL, err = h.gateway.ParseTTL(d.ttl); err != nil {
		j.mistakes = append(j.mistakes, views.Mistake{Field: "ttl", Place: "Expires after", Text: err.Error()})
		j.err = firstOf(j.err, err)
	}
	options := h.gateway.Decoding(j.push.Key, account)
	if j.push.Families, err = exposition.DecodeText([]byte(d.text), options); err != nil {
		j.err = firstOf(j.err, err)
		if !errors.As(err, new(*exposition.Error)) {
			return j // it is not the text that is wrong
		}
		options.Take = nil
		for _, e := range exposition.Mistakes([]byte(d.text), options, maxMistakes) {
			j.mistakes = append(j.mistakes, views.Mistake{Line: e.Line, Field: "text", Place: "Metrics", Text: e.Detail})
		}
	}
	return j
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// keyOf makes the key of a draft by the rules of paths. Of the mistakes the
// first one is the error.
func (h *Composer) keyOf(d *draft) (key store.GroupingKey, mistakes []views.Mistake, err error) {
	wrong := func(field, place string, why error) {
		mistakes = append(mistakes, views.Mistake{Field: field, Place: place, Text: why.Error()})
		err = firstOf(err, why)
	}
	path := segmentsOf(model.JobLabel, d.job)
	parsed, why := store.ParsePath(path, h.gateway.UTF8Names)
	if why != nil {
		wrong("job", "Job", why)
		path = segmentsOf(model.JobLabel, "any") // so that the labels can be looked at
	}
	for i, l := range d.labels {
		if l.Name == "" && l.Value == "" {
			continue
		}
		field, place := "label-"+strconv.Itoa(i+1), "Label "+strconv.Itoa(i+1)
		if l.Name == "" {
			wrong(field, place, web.BadRequest("the label has a value, but no name"))
			continue
		}
		with := path + segmentsOf(l.Name, l.Value)
		next, why := store.ParsePath(with, h.gateway.UTF8Names)
		if why != nil {
			wrong(field, place, why)
			continue
		}
		path, parsed = with, next
	}
	if err != nil {
		return store.GroupingKey{}, mistakes, err
	}
	return parsed.Key, nil, nil
}

// segmentsOf returns a label as segments of a path, encoded if need be.
func segmentsOf(name, value string) string {
	encoded := "="
	if value != "" {
		encoded = base64.RawURLEncoding.EncodeToString([]byte(value))
	}
	return "/" + url.PathEscape(name) + "@base64/" + encoded
}
