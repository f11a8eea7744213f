package web

import (
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/store/exposition"
)

// MaxFormBytes bounds the forms that hold no more than a few words.
const MaxFormBytes = 8 << 10

// ReadForm reads a form in which no field comes twice.
func ReadForm(c *fiber.Ctx) (url.Values, error) {
	form, err := ReadFields(c, MaxFormBytes, nil)
	for _, values := range form {
		if len(values) > 1 {
			return nil, BadRequest("a field of the form is given twice")
		}
	}
	return form, err
}

// ReadFields reads a form of at most max bytes. Before it takes memory it asks
// grow, as exposition.ReadBody does.
func ReadFields(c *fiber.Ctx, max int64, grow func(n int64) error) (url.Values, error) {
	if kind, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); kind != fiber.MIMEApplicationForm {
		return nil, &Error{fiber.StatusUnsupportedMediaType, "a form is expected (" + fiber.MIMEApplicationForm + ")"}
	}
	var body []byte
	if stream := c.Context().RequestBodyStream(); stream != nil {
		var err error
		body, err = exposition.ReadBody(stream, "", max, grow)
		if errors.Is(err, exposition.ErrTooLarge) {
			return nil, &Error{fiber.StatusRequestEntityTooLarge, fmt.Sprintf("the form is larger than %d KiB", max>>10)}
		}
		if err != nil {
			return nil, err
		}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, BadRequest("the form is malformed")
	}
	return form, nil
}

// MaxQuery bounds a search, in bytes.
const MaxQuery = 1 << 10

// Words splits a text into what is looked for.
func Words(text string) ([]string, error) {
	if len(text) > MaxQuery {
		return nil, BadRequest("q is too long")
	}
	return strings.Fields(strings.ToLower(text)), nil
}

// FromOf is where in a list the page begins; what makes no sense is its start.
func FromOf(c *fiber.Ctx) int {
	n, err := strconv.Atoi(c.Query("from"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Queries returns all values of a query parameter.
func Queries(c *fiber.Ctx, name string) []string {
	var values []string
	for _, v := range c.Context().QueryArgs().PeekMulti(name) {
		values = append(values, string(v))
	}
	return values
}

// DryRun reports whether a change is only to be counted.
func DryRun(c *fiber.Ctx) (bool, error) {
	if !c.Context().QueryArgs().Has(QueryDryRun) {
		return false, nil
	}
	switch c.Query(QueryDryRun) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, BadRequest("dry_run must be true or false")
}
