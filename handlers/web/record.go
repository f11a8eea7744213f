package web

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/telemetry"
)

const (
	maxUserAgent = 100 // characters of what a client says about itself
	maxSeen      = 200 // characters of everything else that clients may choose
)

// record counts a request and, for pushes, how long it took; it remembers
// scrapers.
func (s *Server) record(c *fiber.Ctx) error {
	began := time.Now()
	err := c.Next()
	if err != nil {
		if err := s.Site.onError(c, err); err != nil {
			return err
		}
	}
	if c.Locals(bodyWanted) != nil && c.Locals(BodyWaits) != nil {
		return nil // it goes on when the body is here
	}
	s.noteScrape(c, began, err)
	e := endpointOf(c)
	if e == nil {
		return nil
	}
	if isScrape(c, e) {
		s.Metrics.ScrapeAsked(began)
	}
	if e.Uncounted {
		return nil
	}
	method := strings.ToLower(c.Method())
	s.Metrics.Answered(c.Response().StatusCode(), e.Name, method)
	if e.Timed && guard.Principal(c).Role.May(auth.Push) {
		s.Metrics.Pushed(method, time.Since(began), c.Request().Header.ContentLength())
	}
	return nil
}

// isScrape reports whether metrics were asked for, all or those of a grouping, and
// whether the answer has them, or says that they have not changed.
func isScrape(c *fiber.Ctx, e *Endpoint) bool {
	status := c.Response().StatusCode()
	return (e.Fetches == telemetry.FetchesAll || e.Fetches == telemetry.FetchesGroupings) && c.Method() == fiber.MethodGet &&
		(status == fiber.StatusOK || status == fiber.StatusNotModified)
}

// noteScrape remembers the client of a scrape route, also if it was denied. An
// answer that is made while it is sent is noted when it has been.
func (s *Server) noteScrape(c *fiber.Ctx, began time.Time, err error) {
	fetches := s.fetched(c)
	if fetches == "" {
		return
	}
	v := telemetry.Visit{
		Client: telemetry.Client{Address: s.Site.ClientAddress(c), UserAgent: Printable(c.Get(fiber.HeaderUserAgent), maxUserAgent), Fetches: fetches},
		By:     Printable(guard.Principal(c).Name, maxSeen), At: began, Status: c.Response().StatusCode(),
		Coding: c.GetRespHeader(fiber.HeaderContentEncoding),
	}
	if selectors := Queries(c, "match[]"); len(selectors) > 0 {
		v.Part = Printable(strings.Join(selectors, " "), maxSeen)
		if fetches == telemetry.FetchesAll {
			v.Fetches = telemetry.FetchesPart
		}
	}
	if err != nil {
		v.Problem = Printable(AnswerTo(err).Text, maxSeen)
	}
	if c.Method() == fiber.MethodGet {
		if body, ok := c.Response().BodyStream().(*streamed); ok {
			body.sent = func(n int64, err error) {
				v.Bytes, v.Cut, v.Took = n, err != nil, time.Since(began)
				s.Scrapers.Note(v)
			}
			return
		}
		if v.Status != fiber.StatusNotModified {
			v.Bytes = int64(len(c.Response().Body()))
		}
	}
	v.Took = time.Since(began)
	s.Scrapers.Note(v)
}

// fetched names what a request fetches from a scrape route; "": it is for
// another one. It uses the path: a denied request never gets to a route.
func (s *Server) fetched(c *fiber.Ctx) string {
	if m := c.Method(); m != fiber.MethodGet && m != fiber.MethodHead {
		return ""
	}
	return s.Site.Known.Fetches(c.Path())
}
