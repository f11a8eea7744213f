package web

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// versionHeader carries the mark of a page, see marked.
const versionHeader = "Gatehouse-Seen"

// Mark is how far this server is with its changes.
type Mark struct {
	Epoch   string // of this process
	Changes uint64
}

// String returns the form that ParseMark parses. It needs no escaping anywhere.
func (m Mark) String() string { return m.Epoch + "." + strconv.FormatUint(m.Changes, 10) }

// ParseMark parses a mark that a client gives back.
func ParseMark(s string) (Mark, bool) {
	epoch, count, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(count, 10, 64)
	m := Mark{epoch, n}
	return m, err == nil && m.String() == s
}

// Mark returns how far the server is now.
func (s *Site) Mark() Mark { return Mark{s.epoch, s.Store.Snapshot().Changes()} }

// newEpoch names this process.
func newEpoch() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// marked says in the answer how far the server was before it was made, so
// that a page knows which changes it shows already.
func (s *Site) marked(do fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(versionHeader, s.Mark().String())
		return do(c)
	}
}
