package live

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/guard"
	"gatehouse/handlers/web"
)

const (
	pollEvery = time.Second      // how often a stream looks for changes, so also how often it reports them at most
	beatEvery = 15 * time.Second // so that nobody on the way takes the stream for dead
	// streamLife is after how long a client has to come again, and to be let in
	// again.
	streamLife = 10 * time.Minute
	// tellTime is how long a client may take to read an event.
	tellTime = 10 * time.Second

	maxStreams         = 1024
	maxStreamsOfClient = 64
)

// Routes returns the route of the streams.
func (h *Handler) Routes() []web.Route {
	return []web.Route{web.Get(web.Page, "/events", web.Endpoint{Name: "events", Needs: auth.Read, Do: h.events, Cache: web.NoStore})}
}

// events reports changes as they happen, as server-sent events. A client that
// says what it has seen last learns at once whether there is more.
func (h *Handler) events(c *fiber.Ctx) error {
	p := guard.Principal(c)
	leave, err := h.streams.enter(viewer{p.Scheme, p.Name, h.web.ClientAddress(c)})
	if err != nil {
		c.Set(fiber.HeaderRetryAfter, "10")
		return err
	}
	left := h.metrics.Viewing()
	s := newEventStream(c.Context().Conn(), h.web.Mark, h.web.Guard.Lasting(c), h.ending, func() {
		leave()
		left()
	})
	last := c.Get("Last-Event-ID")
	if last == "" {
		last = c.Query("seen")
	}
	s.resume(last)
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")
	// Nothing else comes over a connection whose deadlines were moved.
	c.Context().Response.SetConnectionClose()
	c.Context().Response.SetBodyStream(s, -1)
	return nil
}

// viewer identifies the client that streams are counted for.
type viewer struct {
	scheme        auth.Scheme
	name, address string
}

// streams counts the streams that are open.
type streams struct {
	mu   sync.Mutex
	open map[viewer]int
	all  int
}

// enter counts a stream until leave is called, which must be once.
func (s *streams) enter(v viewer) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[v] >= maxStreamsOfClient {
		return nil, web.NewError(fiber.StatusTooManyRequests, "too many pages of this client follow the changes")
	}
	if s.all >= maxStreams {
		return nil, web.NewError(fiber.StatusServiceUnavailable, "too many pages follow the changes")
	}
	s.open[v]++
	s.all++
	return func() { s.leave(v) }, nil
}

func (s *streams) leave(v viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.open[v]--; s.open[v] == 0 {
		delete(s.open, v)
	}
}

// eventStream is a body that goes on: each Read waits for what there is to send
// next. It is read by one goroutine, which closes it once.
type eventStream struct {
	conn   net.Conn
	now    func() web.Mark
	lasts  func() bool     // reports whether the client is still let in
	ending <-chan struct{} // closed when the server stops; nil: never
	leave  func()

	sent web.Mark
	rest []byte // what no Read had room for so far

	gone             chan struct{} // closed when the client has left; nil before the first Read
	poll, beat, life *time.Ticker
}

func newEventStream(conn net.Conn, now func() web.Mark, lasts func() bool, ending <-chan struct{}, leave func()) *eventStream {
	return &eventStream{conn: conn, now: now, lasts: lasts, ending: ending, leave: leave, sent: now()}
}

// resume begins where a client that says which event it got last has left off.
func (s *eventStream) resume(last string) {
	if last == "" {
		return
	}
	m, ok := web.ParseMark(last)
	if !ok || m.Changes > s.sent.Changes {
		m = web.Mark{} // nothing that was sent here, so what was missed can't be counted
	}
	s.sent = m
}

// Read waits until there is something to send. What it returns is to be sent
// within tellTime.
func (s *eventStream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		text, err := s.next()
		s.rest = []byte(text)
		if err != nil {
			_ = s.conn.SetWriteDeadline(time.Now().Add(tellTime)) // for the mark of the end
			return 0, err
		}
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(tellTime)); err != nil {
		return 0, err
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Close ends what Read has started.
func (s *eventStream) Close() error {
	defer s.leave()
	if s.gone == nil {
		return nil
	}
	for _, t := range []*time.Ticker{s.poll, s.beat, s.life} {
		t.Stop()
	}
	err := s.conn.SetReadDeadline(time.Unix(1, 0))
	<-s.gone
	return err
}

// next returns the next event to send; io.EOF ends the stream.
func (s *eventStream) next() (string, error) {
	if s.gone == nil {
		return s.begin(), nil
	}
	for {
		select {
		case <-s.ending:
			return "", io.EOF
		case <-s.gone:
			return "", net.ErrClosed
		case <-s.life.C:
			return "", io.EOF
		case <-s.beat.C:
			return ":\n\n", nil
		case <-s.poll.C:
			if !s.lasts() {
				return "", io.EOF
			}
			if text := s.changed(); text != "" {
				return text, nil
			}
		}
	}
}

// begin is sent at once, so that everybody on the way sees that something
// comes.
func (s *eventStream) begin() string {
	s.gone = make(chan struct{})
	s.poll, s.beat, s.life = time.NewTicker(pollEvery), time.NewTicker(beatEvery), time.NewTicker(streamLife)
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		close(s.gone)
	} else {
		go s.watch()
	}
	return fmt.Sprintf(": changes of what is held\nretry: 1000\nid: %s\n\n", s.now()) + s.changed()
}

// watch waits for the client to leave. Writing would fail only long afterwards.
// No client has anything to send.
func (s *eventStream) watch() {
	defer close(s.gone)
	_, _ = s.conn.Read(make([]byte, 1))
}

// changed is an event with the number of changes since the last one, 0 if that
// is not known; "" if there are none.
func (s *eventStream) changed() string {
	now := s.now()
	if now == s.sent {
		return ""
	}
	count := uint64(0)
	if s.sent.Epoch == now.Epoch {
		count = now.Changes - s.sent.Changes
	}
	s.sent = now
	return fmt.Sprintf("event: changed\nid: %s\ndata: %d\n\n", now, count)
}
