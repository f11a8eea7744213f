package groupings

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/handlers/web"
	"gatehouse/store"
	"gatehouse/store/exposition"
	views "gatehouse/views/groupings"
)

// A pause of overdueAfter times the usual one is too long, except for short
// ones: people who try something out push a few times in a row.
const (
	overdueAfter = 3
	minOverdue   = 2 * time.Minute
)

// isOverdue reports whether a grouping should have been pushed by now, judged by how
// often it was. A push that was refused is one, too: its client is there.
func isOverdue(g *store.Grouping, now time.Time) bool {
	last := g.Since()
	if g.Failed.After(last) {
		last = g.Failed
	}
	return g.PushInterval > 0 && now.Sub(last) > max(overdueAfter*g.PushInterval, minOverdue)
}

// historyWait bounds how long the last pushes are read.
const historyWait = 10 * time.Second

// fillHistory puts the last pushes into the page.
func (h *Handler) fillHistory(m *views.Grouping, p *store.Snapshot, g *store.Grouping) error {
	ctx, cancel := context.WithTimeout(context.Background(), historyWait)
	defer cancel()
	pushes, err := h.store.History(ctx, g.Key)
	if err != nil {
		return err
	}
	for _, x := range pushes {
		push := views.Push{
			At: x.At, Method: "PUT", Effect: "replaced everything", Bytes: x.Bytes, Families: x.Families, Series: x.Series,
			Pusher: web.Client(x.Origin), Refused: x.Refused != "",
		}
		if x.Mode == store.Merge {
			push.Method, push.Effect = "POST", "replaced families"
		}
		if push.Refused {
			push.Effect = "changed nothing"
			push.Why = web.Brief(web.ReasonOfRefusal(m.Frame, p, g.Key.String(), x.Refused))
		}
		m.History = append(m.History, push)
	}
	return nil
}

// maxRaw is how many bytes of a grouping's text its page shows.
const maxRaw = 64 << 10

// fillRaw puts the beginning of what scrapes show of a grouping into the page.
func (h *Handler) fillRaw(c *fiber.Ctx, m *views.Grouping, p *store.Snapshot, g *store.Grouping) error {
	s := h.gateway.NewScrape(c, p, slices.Values([]*store.Grouping{g}))
	s.Format, s.Coding = exposition.Negotiate(lossless), ""
	w := beginning{room: maxRaw}
	if _, err := s.Write(&w); err != nil && !errors.Is(err, errFull) {
		return err
	}
	m.Raw, m.Cut = w.String(), w.full
	return nil
}

// beginning keeps what is written to it up to its room, then ends the writing.
type beginning struct {
	kept []byte
	room int
	full bool
}

var errFull = errors.New("there is no room for more")

func (w *beginning) Write(p []byte) (int, error) {
	n := min(len(p), w.room-len(w.kept))
	w.kept = append(w.kept, p[:n]...)
	if n < len(p) {
		w.full = true
		return n, errFull
	}
	return n, nil
}

// String returns the kept text, in whole lines as far as there are any.
func (w *beginning) String() string {
	kept := w.kept
	if i := bytes.LastIndexByte(kept, '\n'); w.full && i >= 0 {
		kept = kept[:i+1]
	}
	return strings.ToValidUTF8(string(kept), "")
}
