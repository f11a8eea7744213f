package gateway

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
)

// scrape serves everything, or the groupings that match[] selects, within the
// caller's scope.
func (h *Handler) scrape(c *fiber.Ctx) error {
	selectors, err := store.ParseSelectors(web.Queries(c, "match[]"))
	if err != nil {
		return err
	}
	limit, err := h.web.Scope(c)
	if err != nil {
		return err
	}
	p := h.store.Snapshot()
	s := h.NewScrape(c, p, web.GroupingsWithin(p, selectors, limit))
	everything := selectors.All() && limit.All()
	s.own = everything && !h.ExcludeOwn
	if everything {
		s.expected = p.Stats().Groupings
	}
	if !s.own {
		// Own metrics are never the same twice; everything else is until the
		// snapshot changes.
		if h.etags.Fresh(c, "scrape", selectors.String(), limit.String(), s.variant(), strconv.FormatUint(p.Sequence(), 16)) {
			return c.SendStatus(fiber.StatusNotModified)
		}
	}
	return h.Stream(c, s)
}

// scrapeSelf serves the server's own metrics.
func (h *Handler) scrapeSelf(c *fiber.Ctx) error {
	s := h.NewScrape(c, h.store.Snapshot(), func(func(*store.Grouping) bool) {})
	s.own = true
	return h.Stream(c, s)
}

// grouping serves what one grouping holds, or all groupings of a job.
func (h *Handler) grouping(c *fiber.Ctx) error {
	path, err := h.heldPath(c)
	if err != nil {
		return err
	}
	// Some libraries push by GET, and would never learn that nothing was pushed.
	if hasBody(c) {
		return web.BadRequest("a " + c.Method() + " with a body pushes nothing: push with PUT or POST")
	}
	p := h.store.Snapshot()
	if path.JobOnly && !h.ExactJobMatch {
		limit, err := h.web.Scope(c)
		if err != nil {
			return err
		}
		all := web.GroupingsWithin(p, store.JobSelector(path.Key.Job()), limit)
		if !some(all) {
			return web.NewError(fiber.StatusNotFound, "there is no grouping of that job")
		}
		s := h.NewScrape(c, p, all)
		if h.etags.Fresh(c, "job", path.Key.ID(), limit.String(), s.variant(), strconv.FormatUint(p.Sequence(), 16)) {
			return c.SendStatus(fiber.StatusNotModified)
		}
		return h.Stream(c, s)
	}
	if err := h.web.Allow(c, path.Key); err != nil {
		return err
	}
	g, ok := p.Grouping(path.Key)
	if !ok {
		return web.NewError(fiber.StatusNotFound, "there is no such grouping")
	}
	s := h.NewScrape(c, p, slices.Values([]*store.Grouping{g}))
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		return err
	}
	if h.etags.Fresh(c, s.variant(), strconv.FormatUint(xxhash.Sum64(b.Bytes()), 16)) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	s.SetHeaders(c)
	return c.Send(b.Bytes())
}

// hasBody reports whether a request brings a body, or may once it is chunked.
func hasBody(c *fiber.Ctx) bool {
	length := c.Request().Header.ContentLength()
	return length > 0 || length == -1
}

func some[T any](seq iter.Seq[T]) bool {
	for range seq {
		return true
	}
	return false
}

// Scrape is the body of a scrape, made while it is sent.
type Scrape struct {
	h        *Handler
	snapshot *store.Snapshot
	groups   iter.Seq[*store.Grouping]
	expected int  // about how many groupings that will be
	own      bool // with the server's own metrics
	Format   exposition.Format
	Coding   string
}

// NewScrape makes the body of a scrape of groupings, in what the client takes.
func (h *Handler) NewScrape(c *fiber.Ctx, p *store.Snapshot, groups iter.Seq[*store.Grouping]) *Scrape {
	// Also where the answer is that nothing has changed.
	c.Set(fiber.HeaderVary, fiber.HeaderAccept+", "+fiber.HeaderAcceptEncoding)
	return &Scrape{
		h: h, snapshot: p, groups: groups,
		Format: exposition.Negotiate(c.Get(fiber.HeaderAccept)),
		Coding: web.NegotiateCoding(c),
	}
}

// variant names what was negotiated.
func (s *Scrape) variant() string { return s.Format.Variant() + " " + s.Coding }

// SetHeaders sets the headers that say how the body is written.
func (s *Scrape) SetHeaders(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentType, s.Format.ContentType())
	if s.Coding != "" {
		c.Set(fiber.HeaderContentEncoding, s.Coding)
	}
}

// Stream answers with the body, without holding it in memory.
func (h *Handler) Stream(c *fiber.Ctx, s *Scrape) error {
	s.SetHeaders(c)
	return web.Stream(c, s.WriteTo)
}

// WriteTo writes the whole body, and counts it as a scrape.
func (s *Scrape) WriteTo(w io.Writer) (int64, error) {
	began := time.Now()
	n, err := s.Write(w)
	s.h.Metrics.Scraped(time.Since(began), n)
	return n, err
}

func (s *Scrape) Write(w io.Writer) (int64, error) {
	counted := &web.CountingWriter{W: w}
	z := web.Compress(counted, s.Coding)
	err := s.encode(z)
	if closeErr := z.Close(); err == nil {
		err = closeErr
	}
	return counted.N, err
}

func (s *Scrape) encode(w io.Writer) error {
	var own []exposition.Family
	if s.own {
		var err error
		if own, err = s.h.Metrics.Gather(); err != nil {
			s.h.web.Logger.Warn("Could not gather some of the server's own metrics", "err", err)
		}
	}
	e := exposition.NewEncoder(w, s.Format, s.snapshot.IsTaken)
	for f := range s.snapshot.Exposed(s.groups, s.expected) {
		for len(own) > 0 && own[0].Name < f.Name {
			if err := encodeOwn(e, own[0], nil); err != nil {
				return err
			}
			own = own[1:]
		}
		var err error
		if len(own) > 0 && own[0].Name == f.Name {
			err = encodeOwn(e, own[0], f.Chunks)
			own = own[1:]
		} else {
			err = e.Family(f.Name, f.Type, f.Help, f.Unit, f.Chunks)
		}
		if err != nil {
			return err
		}
	}
	for _, f := range own {
		if err := encodeOwn(e, f, nil); err != nil {
			return err
		}
	}
	return e.Close()
}

// encodeOwn writes a family of the server's own, which pushed ones may join.
func encodeOwn(e *exposition.Encoder, f exposition.Family, pushed []exposition.Chunk) error {
	return e.Family(f.Name, f.Type, f.Help, f.Unit, append([]exposition.Chunk{f.Chunk}, pushed...))
}
