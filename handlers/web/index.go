package web

import (
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Index answers programs with the version and what there is to be found.
func (s *Site) Index(c *fiber.Ctx) error {
	lines := []string{"Gatehouse " + s.Version, ""}
	for _, r := range s.Known.shown {
		lines = append(lines, fmt.Sprintf("%-23s %s", r.Methods(), s.PublicPrefix+r.Shown))
	}
	return c.SendString(strings.Join(append(lines, ""), "\n"))
}
