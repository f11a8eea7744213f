package gateway

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/common/model"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// HeaderDeleted is how many groupings a delete found.
const HeaderDeleted = "X-Groupings-Deleted"

// maxTTL bounds what a client may ask for; far more than anybody needs.
const maxTTL = 100 * 365 * 24 * time.Hour

// headerTTL is where clients may give a TTL that can't change the query.
const headerTTL = "X-Push-TTL"

// begun is the key under which a request carries the push that it is.
const begun = "push"

// pushing is how a grouping's path is pushed to.
func (h *Handler) pushing(mode store.Mode) web.Endpoint {
	return web.Endpoint{Name: "push", Needs: auth.Push, Do: h.push, Limited: true, Timed: true, Query: []string{web.QueryTTL}, Head: h.beginPush(mode)}
}

// beginPush checks all of a push but its body.
func (h *Handler) beginPush(mode store.Mode) func(*fiber.Ctx, error) error {
	return func(c *fiber.Ctx, wrong error) error {
		path, err := h.path(c)
		if err != nil {
			return h.Refused(err)
		}
		if err := h.web.Allow(c, path.Key); err != nil {
			return err
		}
		p := &store.Push{Key: path.Key, Mode: mode, Origin: h.web.Origin(c)}
		if wrong == nil {
			p.TTL, wrong = h.ttl(c)
		}
		if wrong == nil && int64(c.Request().Header.ContentLength()) > h.MaxBodyBytes {
			wrong = exposition.ErrTooLarge
		}
		if wrong == nil && c.Locals(web.BodyWaits) != nil {
			wrong = knownCoding(web.Coding(c))
		}
		if wrong != nil {
			return h.Take(p, wrong)
		}
		c.Locals(begun, p)
		return nil
	}
}

// push answers a push client, after beginPush.
func (h *Handler) push(c *fiber.Ctx) error {
	p := c.Locals(begun).(*store.Push)
	account := h.Account()
	defer account.Close() // once it is stored
	var err error
	p.Families, p.Size, err = h.decode(c, p.Key, account)
	if err = h.Take(p, err); err != nil {
		return h.web.Discreet(c, err)
	}
	c.Status(h.PushedStatus())
	return nil
}

// Take makes a push durable, unless something was wrong with it from the start.
func (h *Handler) Take(p *store.Push, wrong error) error {
	if wrong != nil {
		h.NoteRefusal(p, wrong)
		return h.Refused(wrong)
	}
	if _, err := h.store.Push(context.Background(), *p); err != nil {
		return h.Refused(err)
	}
	h.Metrics.Accepted()
	h.Metrics.Noticed(p.Families)
	return nil
}

// PushedStatus is that of a push that was taken.
func (h *Handler) PushedStatus() int {
	if h.CheckConsistency {
		return fiber.StatusOK
	}
	return fiber.StatusAccepted
}

// path parses the grouping that a push is about.
func (h *Handler) path(c *fiber.Ctx) (store.Path, error) { return h.parsePath(c, h.UTF8Names) }

// heldPath parses the grouping that is read or deleted. One that is held may have
// any name, even if no push may have it any more.
func (h *Handler) heldPath(c *fiber.Ctx) (store.Path, error) {
	if h.UTF8Names {
		return h.path(c)
	}
	for _, utf8Names := range []bool{false, true} {
		path, err := h.parsePath(c, utf8Names)
		if _, held := h.store.Snapshot().Grouping(path.Key); err == nil && held {
			return path, nil
		}
	}
	return h.path(c)
}

func (h *Handler) parsePath(c *fiber.Ctx, utf8Names bool) (store.Path, error) {
	raw, _, _ := strings.Cut(c.OriginalURL(), "?")
	raw = strings.TrimPrefix(raw, h.web.RoutePrefix+"/metrics")
	first, _, _ := strings.Cut(strings.TrimPrefix(raw, "/"), "/")
	if name, err := url.PathUnescape(first); err == nil && name != "job" && name != "job@base64" {
		return store.Path{}, fiber.ErrNotFound
	}
	return store.ParsePath(raw, utf8Names)
}

// ttl is how long the client, or else the configuration, wants the grouping to
// live after this push; 0: for ever.
func (h *Handler) ttl(c *fiber.Ctx) (time.Duration, error) {
	asked := c.Request().Header.PeekAll(headerTTL)
	if query := c.Context().QueryArgs(); query.Has(web.QueryTTL) {
		asked = append(slices.Clone(asked), query.Peek(web.QueryTTL))
	}
	switch {
	case len(asked) > 1:
		return 0, web.BadRequest("the TTL is given twice: by the parameter ttl or the header " + headerTTL)
	case len(asked) == 0:
		return h.DefaultTTL, nil
	case len(asked[0]) == 0:
		return 0, badTTL("")
	}
	return h.ParseTTL(string(asked[0]))
}

// ParseTTL parses a TTL that a client asks for; empty: what is configured.
func (h *Handler) ParseTTL(asked string) (time.Duration, error) {
	if asked == "" {
		return h.DefaultTTL, nil
	}
	ttl, err := model.ParseDuration(asked)
	if err != nil || time.Duration(ttl) > maxTTL {
		return 0, badTTL(asked)
	}
	return time.Duration(ttl), nil
}

func badTTL(asked string) error {
	return web.BadRequest("the TTL must be a duration such as 90m, not " + strconv.Quote(web.Clipped(asked)))
}

// decode reads the body under all limits, decodes it, and returns its size.
func (h *Handler) decode(c *fiber.Ctx, k store.GroupingKey, account *Account) ([]exposition.Family, int, error) {
	var body []byte
	if stream := c.Context().RequestBodyStream(); stream != nil {
		var err error
		if body, err = exposition.ReadBody(stream, web.Coding(c), h.MaxBodyBytes, account.Take); err != nil {
			return nil, 0, err
		}
	}
	families, err := exposition.Decode(c.Get(fiber.HeaderContentType), body, h.Decoding(k, account))
	return families, len(body), err
}

// knownCoding returns exposition.ErrEncoding for a coding that no body may have.
func knownCoding(coding string) error {
	if _, err := exposition.ReadBody(strings.NewReader(""), coding, 1, nil); errors.Is(err, exposition.ErrEncoding) {
		return err
	}
	return nil
}

// Decoding returns how a push to a grouping is decoded; its memory is on the account.
func (h *Handler) Decoding(k store.GroupingKey, a *Account) exposition.Options {
	return exposition.Options{Grouping: k.Labels(), UTF8Names: h.UTF8Names, MaxSeries: h.MaxSeriesPerPush, Take: a.Take}
}

// NoteRefusal shows the operator that pushes to a grouping fail for a reason
// that lies in what is pushed.
func (h *Handler) NoteRefusal(p *store.Push, err error) {
	if a := web.AnswerTo(err); a.Status == fiber.StatusBadRequest {
		h.store.Reject(context.Background(), store.Rejection{
			Key: p.Key, Mode: p.Mode, Reason: reasonOf(err), Message: a.Text, Size: p.Size, Origin: p.Origin,
		})
	}
}

// Refused counts a refusal by its reason.
func (h *Handler) Refused(err error) error {
	if a := web.AnswerTo(err); a.Status != fiber.StatusNotFound {
		h.Metrics.Refused(reasonOf(err))
	}
	return err
}

func reasonOf(err error) exposition.Reason {
	var refusal *store.Refusal
	var body *exposition.Error
	switch {
	case errors.As(err, &refusal):
		return refusal.Reason
	case errors.As(err, &body):
		return body.Reason
	}
	switch web.AnswerTo(err).Status {
	case fiber.StatusRequestEntityTooLarge:
		return "size"
	case fiber.StatusUnsupportedMediaType:
		return "encoding"
	case fiber.StatusTooManyRequests:
		return exposition.ReasonLimit
	case fiber.StatusServiceUnavailable:
		return "unavailable"
	}
	return exposition.ReasonSyntax
}

// delete answers a client that deletes by path. A path with nothing but a job
// means all groupings of the job.
func (h *Handler) delete(c *fiber.Ctx) error {
	path, err := h.heldPath(c)
	if err != nil {
		return err
	}
	limit, err := h.web.Scope(c)
	if err != nil {
		return err
	}
	var n int
	if path.JobOnly && !h.ExactJobMatch {
		n, err = h.store.DeleteMatching(context.Background(), store.JobSelector(path.Key.Job()), limit, h.web.Origin(c))
	} else if err = h.web.Allow(c, path.Key); err == nil {
		n, err = h.store.Delete(context.Background(), path.Key, h.web.Origin(c))
	}
	if err != nil {
		return web.OutsideScope(c, err)
	}
	if path.JobOnly && n > 1 {
		h.web.Logger.Warn("A delete of a whole job removed several groupings", "job", path.Key.Job(), "groupings", n, "by", guard.Principal(c).Name, "from", h.web.ClientAddress(c))
	}
	c.Set(HeaderDeleted, strconv.Itoa(n))
	return c.Status(fiber.StatusAccepted).Send(nil)
}

// Account is a request's share of what bodies may take. It has to be closed.
func (h *Handler) Account() *Account { return &Account{budget: &h.budget} }

// InFlight is how many bytes the pushes that are being read take.
func (h *Handler) InFlight() int64 { return h.budget.taken.Load() }

// budget bounds the bytes of all bodies in memory at once.
type budget struct {
	limit int64 // 0: no bound
	taken atomic.Int64
}

// smallBody is how many bytes every push may hold outside of the budget, so that a few
// large ones that never end don't keep all the others out.
const smallBody = 64 << 10

// Account is one request's share of a budget. It is for one goroutine.
type Account struct {
	budget *budget
	free   int64 // of smallBody that was used
	taken  int64
}

// Take asks for room for n more bytes. The error is web.ErrBudget if there is none.
func (a *Account) Take(n int64) error {
	free := min(n, smallBody-a.free)
	a.free += free
	if n -= free; n == 0 {
		return nil
	}
	if total := a.budget.taken.Add(n); a.budget.limit > 0 && total > a.budget.limit {
		a.budget.taken.Add(-n)
		return web.ErrBudget
	}
	a.taken += n
	return nil
}

// Close gives back what was taken.
func (a *Account) Close() { a.budget.taken.Add(-a.taken) }
