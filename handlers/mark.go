package handlers

import (
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// seenHeader carries the mark of a page, see marked.
const seenHeader = "Gatehouse-Seen"

// mark is how far this server is with its changes.
type mark struct {
	epoch   string // of this process
	changes uint64
}

// String is what parseMark parses. It needs no escaping anywhere.
func (m mark) String() string { return m.epoch + "." + strconv.FormatUint(m.changes, 10) }

// parseMark parses a mark that a client gives back.
func parseMark(s string) (mark, bool) {
	epoch, count, _ := strings.Cut(s, ".")
	n, err := strconv.ParseUint(count, 10, 64)
	m := mark{epoch, n}
	return m, err == nil && m.String() == s
}

func (s *site) mark() mark { return mark{s.epoch, s.Store.Picture().Changes()} }

// newEpoch names this process.
func newEpoch() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// marked tells with the answer how far the server was before it was made, so
// that a page knows which changes it shows already.
func (s *site) marked(do fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(seenHeader, s.mark().String())
		return do(c)
	}
}
