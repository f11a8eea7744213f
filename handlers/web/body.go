package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"gatehouse/store/exposition"
)

// maxJSONBytes bounds a body of JSON.
const maxJSONBytes = 8 << 10

// ReadJSON reads a body that is an object of texts under the given names. No body
// is an object without any.
func ReadJSON(c *fiber.Ctx, names ...string) (map[string]string, error) {
	var body []byte
	if stream := c.Context().RequestBodyStream(); stream != nil {
		var err error
		body, err = exposition.ReadBody(stream, "", maxJSONBytes, nil)
		if errors.Is(err, exposition.ErrTooLarge) {
			return nil, &Error{fiber.StatusRequestEntityTooLarge, "the body is larger than " + strconv.Itoa(maxJSONBytes>>10) + " KiB"}
		}
		if err != nil {
			return nil, err
		}
	}
	if len(body) == 0 {
		return nil, nil
	}
	if kind, _, _ := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); kind != fiber.MIMEApplicationJSON {
		return nil, &Error{fiber.StatusUnsupportedMediaType, "the body must be " + fiber.MIMEApplicationJSON}
	}
	return parseTexts(body, names...)
}

var errJSON = BadRequest("the body must be a JSON object")

// parseTexts parses an object of texts under the given names. It takes nothing
// that two readers could understand differently.
func parseTexts(body []byte, names ...string) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') || !utf8.Valid(body) {
		return nil, errJSON
	}
	texts := make(map[string]string, len(names))
	for d.More() {
		key, err := d.Token()
		name, _ := key.(string)
		if err != nil {
			return nil, errJSON
		}
		quoted := strconv.Quote(Shorten(name, MaxValue))
		if !slices.Contains(names, name) {
			return nil, BadRequest("the body has an unknown field: " + quoted)
		}
		if _, twice := texts[name]; twice {
			return nil, BadRequest("the body has a field twice: " + quoted)
		}
		value, err := d.Token()
		if err != nil {
			return nil, errJSON
		}
		text, ok := value.(string)
		if !ok {
			return nil, BadRequest("the field " + quoted + " must be a string")
		}
		texts[name] = text
	}
	if _, err := d.Token(); err != nil { // the end of the object
		return nil, errJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errJSON
	}
	return texts, nil
}

// success is the envelope of the JSON API's answer when all is well.
type success struct {
	Status string `json:"status"`
	Value  any    `json:"data"`
}

// Succeed answers with a value as the JSON API does when all is well.
func Succeed(c *fiber.Ctx, value any) error {
	c.Set(fiber.HeaderCacheControl, NoStore)
	return c.JSON(success{"success", value})
}

// OptionalTime is a time in UTC; nil: never.
func OptionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// Coding is that of the body; several headers are one list.
func Coding(c *fiber.Ctx) string {
	return string(bytes.Join(c.Request().Header.PeekAll(fiber.HeaderContentEncoding), []byte(",")))
}
