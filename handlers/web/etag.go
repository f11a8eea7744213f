package web

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"
)

// ETags makes entity tags. They differ between processes, since the versions in
// them start anew in each.
type ETags struct{ process string }

// NewETags makes entity tags of this process.
func NewETags() ETags {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return ETags{hex.EncodeToString(b[:])}
}

// Fresh sets the ETag of what the parts identify and says whether the client
// has it already. The tag is weak: what a compressor writes may vary.
func (e ETags) Fresh(c *fiber.Ctx, parts ...string) bool {
	sum := xxhash.Sum64String(e.process + "\xff" + strings.Join(parts, "\xff"))
	c.Set(fiber.HeaderETag, `W/"`+strconv.FormatUint(sum, 16)+`"`)
	return c.Get(fiber.HeaderIfNoneMatch) != "" && c.Fresh()
}
