package handlers

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
)

const (
	maxUserAgent = 100 // characters of what a client says about itself
	maxSeen      = 200 // characters of everything else that clients may choose
)

// record counts a request and, for pushes, how long it took; of scrapes it
// remembers who asked.
func (h *api) record(c *fiber.Ctx) error {
	began := time.Now()
	err := c.Next()
	if err != nil {
		if err := h.onError(c, err); err != nil {
			return err
		}
	}
	if c.Locals(bodyWanted) != nil && c.Locals(bodyWaits) != nil {
		return nil // it goes on when the body is here
	}
	h.noteScrape(c, began, err)
	e := endpointOf(c)
	if e == nil {
		return nil
	}
	if isScrape(c, e) {
		h.Metrics.scrapeAsked(began)
	}
	if e.uncounted {
		return nil
	}
	method := strings.ToLower(c.Method())
	h.Metrics.answered(c.Response().StatusCode(), e.name, method)
	if e.timed && guard.Principal(c).Role.May(auth.Push) {
		h.Metrics.pushed(method, time.Since(began), c.Request().Header.ContentLength())
	}
	return nil
}

// isScrape tells that metrics were asked for, all or those of a grouping, and
// that the answer tells them, or that they have not changed.
func isScrape(c *fiber.Ctx, e *endpoint) bool {
	status := c.Response().StatusCode()
	return (e.fetches == fetchesAll || e.fetches == fetchesGroupings) && c.Method() == fiber.MethodGet &&
		(status == fiber.StatusOK || status == fiber.StatusNotModified)
}

// noteScrape remembers who asked for a scrape route, also if in vain. An answer
// that is made while it is sent is noted when it has been.
func (h *api) noteScrape(c *fiber.Ctx, began time.Time, err error) {
	fetches := h.fetched(c)
	if fetches == "" {
		return
	}
	v := visit{
		scrapeClient: scrapeClient{address: h.clientAddress(c), userAgent: plain(c.Get(fiber.HeaderUserAgent), maxUserAgent), fetches: fetches},
		by:           plain(guard.Principal(c).Name, maxSeen), at: began, status: c.Response().StatusCode(),
		coding: c.GetRespHeader(fiber.HeaderContentEncoding),
	}
	if selectors := queries(c, "match[]"); len(selectors) > 0 {
		v.part = plain(strings.Join(selectors, " "), maxSeen)
		if fetches == fetchesAll {
			v.fetches = fetchesPart
		}
	}
	if err != nil {
		v.problem = plain(answerTo(err).text, maxSeen)
	}
	if c.Method() == fiber.MethodGet {
		if body, ok := c.Response().BodyStream().(*streamed); ok {
			body.sent = func(n int64, err error) {
				v.bytes, v.cut, v.took = n, err != nil, time.Since(began)
				h.Scrapers.note(v)
			}
			return
		}
		if v.status != fiber.StatusNotModified {
			v.bytes = int64(len(c.Response().Body()))
		}
	}
	v.took = time.Since(began)
	h.Scrapers.note(v)
}

// fetched names what a request fetches from a scrape route; "": it is for
// another one. It goes by the path: who is refused never gets to a route.
func (h *api) fetched(c *fiber.Ctx) string {
	if m := c.Method(); m != fiber.MethodGet && m != fiber.MethodHead {
		return ""
	}
	return h.known.fetches(c.Path())
}
