package manual

import (
	"context"
	"fmt"
	"slices"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/views/docs"
	views "gatehouse/views/manual"
)

// exampleOf is the example that a request is about, and the grouping that the
// example is about. Nothing of it comes from the client but its name.
func (h *Handler) exampleOf(c *fiber.Ctx) (docs.Example, store.GroupingKey, error) {
	e, ok := docs.FindExample(c.Params("example"))
	if !ok {
		return e, store.GroupingKey{}, web.NewError(fiber.StatusNotFound, "there is no such example")
	}
	path, err := store.ParsePath(e.Path[len("/metrics"):], false)
	return e, path.Key, err
}

// exampleToRun leads to where an example is offered: the page that shows what
// became of it is not kept.
func (h *Handler) exampleToRun(c *fiber.Ctx) error {
	e, _, err := h.exampleOf(c)
	if err != nil {
		return err
	}
	return c.Redirect(h.web.PublicPrefix+"/docs/"+docs.PageOf(e).Slug+"#run-"+e.Name, fiber.StatusSeeOther)
}

// runExample runs an example as if a client had sent it, and shows the client's
// answer.
func (h *Handler) runExample(c *fiber.Ctx) error {
	e, key, err := h.exampleOf(c)
	if err != nil {
		return err
	}
	r := views.DocRun{Frame: h.web.Frame(c, "Result of the example", "docs"), Example: e, Page: docs.PageOf(e)}
	switch e.Method {
	case fiber.MethodDelete:
		r.Status, r.Text, err = h.runDelete(c, key)
	default:
		r.Status, err = h.gateway.PushedStatus(), h.runPush(c, e, key)
	}
	if err != nil {
		a := web.AnswerTo(err)
		r.Status, r.Text = a.Status, a.Text
	}
	if _, ok := h.store.Snapshot().Grouping(key); ok {
		r.Grouping = key.Digest()
	}
	return h.web.Page(c, fiber.StatusOK, views.DocRunPage(r))
}

func (h *Handler) runPush(c *fiber.Ctx, e docs.Example, key store.GroupingKey) error {
	p := store.Push{Key: key, TTL: h.defaultTTL, Size: len(e.Body), Origin: h.web.Origin(c)}
	if e.Method == fiber.MethodPost {
		p.Mode = store.Merge
	}
	var err error
	account := h.gateway.Account()
	defer account.Close()
	p.Families, err = exposition.Decode("", []byte(e.Body), h.gateway.Decoding(key, account))
	return h.gateway.Take(&p, err)
}

func (h *Handler) runDelete(c *fiber.Ctx, key store.GroupingKey) (status int, text string, err error) {
	n, err := h.store.Delete(context.Background(), key, h.web.Origin(c))
	return fiber.StatusAccepted, fmt.Sprintf("%s: %d", gateway.HeaderDeleted, n), err
}

// cleanUp deletes what the examples have left, and nothing else of their job.
func (h *Handler) cleanUp(c *fiber.Ctx) error {
	e, _, err := h.exampleOf(c)
	if err != nil {
		return err
	}
	r := views.DocRun{Frame: h.web.Frame(c, "Cleaning up", "docs"), Example: e, Page: docs.PageOf(e), Cleaned: true}
	if seen := h.leftByExamples(); len(seen) > 0 {
		deleted, err := h.store.DeleteVersions(context.Background(), seen, false, "", h.web.Origin(c))
		if err != nil {
			return err
		}
		r.Deleted, r.Operation = deleted.Groupings, deleted.Operation
	}
	return h.web.Page(c, fiber.StatusOK, views.DocRunPage(r))
}

// leftByExamples are the groupings that examples push to, if they are there.
func (h *Handler) leftByExamples() []store.GroupingVersion {
	var seen []store.GroupingVersion
	p := h.store.Snapshot()
	for _, e := range docs.Examples() {
		path, err := store.ParsePath(e.Path[len("/metrics"):], false)
		if err != nil || slices.ContainsFunc(seen, func(s store.GroupingVersion) bool { return s.Key.ID() == path.Key.ID() }) {
			continue
		}
		if _, ok := p.Grouping(path.Key); ok {
			seen = append(seen, store.GroupingVersion{Key: path.Key})
		}
	}
	return seen
}
