package web

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/login"
	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/views/ui"
)

// Answer is an error as a client gets it.
type Answer struct {
	Status int
	Text   string
	Retry  int // seconds; 0: no Retry-After
}

// Error texts for what is not the client's business.
const (
	TextInternal    = "internal error; see the server's log"
	TextUnavailable = "the server cannot commit changes at present; try again"
	TextBroken      = "the server cannot commit changes any more and has to be restarted"
	TextBusy        = "the server is overloaded; try again"
	TextMixed       = "line ends are mixed: all must be CRLF"
)

// ErrBudget says that the bodies of the pushes under way take all the memory
// that they may.
var ErrBudget = errors.New("too many bytes of pushes are in flight")

// ErrNoImport says that a body is not what a Pushgateway writes.
var ErrNoImport = errors.New("the body is no persistence file of a Pushgateway, or is damaged")

// ErrImporting says that one import at a time is made.
var ErrImporting = errors.New("another import is under way; try again when it has ended")

// Error is an error that knows its status. Its text is for the client.
type Error struct {
	Status int
	Text   string
}

// NewError makes an error with a status and a text for the client.
func NewError(status int, text string) *Error { return &Error{status, text} }

func (e *Error) Error() string { return e.Text }

// BadRequest makes an error of a request that makes no sense.
func BadRequest(text string) error { return &Error{fiber.StatusBadRequest, text} }

// AnswerTo is the one table of errors and statuses.
func AnswerTo(err error) Answer {
	if known, ok := errors.AsType[*Error](err); ok {
		return Answer{known.Status, known.Text, 0}
	}
	if denial, ok := errors.AsType[*auth.DeniedError](err); ok {
		return Answer{denialStatus(denial), denial.Error(), int(math.Ceil(denial.RetryAfter.Seconds()))}
	}
	if refusal, ok := errors.AsType[*store.Refusal](err); ok {
		return Answer{fiber.StatusBadRequest, refusal.Message, 0}
	}
	if body, ok := errors.AsType[*exposition.Error](err); ok {
		return Answer{fiber.StatusBadRequest, body.Error(), 0}
	}
	if limit, ok := errors.AsType[*store.LimitError](err); ok {
		return Answer{fiber.StatusTooManyRequests, limit.Message, 60}
	}
	if broken, ok := errors.AsType[*brokenBody](err); ok {
		if broken.timeout() {
			return Answer{fiber.StatusRequestTimeout, "the body did not arrive in time", 0}
		}
		return Answer{fiber.StatusBadRequest, "the body ended early or is badly framed", 0}
	}
	if framing, ok := errors.AsType[*fiber.Error](err); ok && framing.Code < 500 {
		return Answer{framing.Code, strings.ToLower(framing.Message), 0}
	}
	return answerToKnown(err)
}

// answerToKnown is AnswerTo for errors that are always the same.
func answerToKnown(err error) Answer {
	switch {
	case errors.Is(err, store.ErrNoToken):
		return Answer{fiber.StatusNotFound, store.ErrNoToken.Error(), 0}
	case errors.Is(err, store.ErrTokenMaker):
		return Answer{fiber.StatusConflict, store.ErrTokenMaker.Error(), 0}
	case errors.Is(err, store.ErrTokenName):
		return Answer{fiber.StatusConflict, store.ErrTokenName.Error(), 0}
	case errors.Is(err, ErrImporting):
		return Answer{fiber.StatusServiceUnavailable, ErrImporting.Error(), 10}
	case errors.Is(err, ErrNoImport):
		return Answer{fiber.StatusBadRequest, ErrNoImport.Error(), 0}
	case errors.Is(err, exposition.ErrTooLarge):
		return Answer{fiber.StatusRequestEntityTooLarge, "the push is larger than the server allows (--push.max-body-bytes)", 0}
	case errors.Is(err, exposition.ErrEncoding):
		return Answer{fiber.StatusUnsupportedMediaType, "unsupported Content-Encoding: gzip, snappy and zstd are understood, one at a time", 0}
	case errors.Is(err, store.ErrBusy), errors.Is(err, ErrBudget):
		return Answer{fiber.StatusServiceUnavailable, TextBusy, 1}
	case errors.Is(err, store.ErrBroken):
		return Answer{fiber.StatusServiceUnavailable, TextBroken, 60}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		return Answer{fiber.StatusServiceUnavailable, TextUnavailable, 5}
	}
	return Answer{fiber.StatusInternalServerError, TextInternal, 0}
}

// denialStatus is the status for a request that was not let in.
func denialStatus(err error) int {
	switch {
	case errors.Is(err, auth.ErrNoCredential), errors.Is(err, auth.ErrBadCredential):
		return fiber.StatusUnauthorized
	case errors.Is(err, auth.ErrAmbiguous), errors.Is(err, login.ErrState), errors.Is(err, login.ErrLogoutToken):
		return fiber.StatusBadRequest
	case errors.Is(err, auth.ErrThrottled):
		return fiber.StatusTooManyRequests
	case errors.Is(err, auth.ErrUnavailable), errors.Is(err, login.ErrUnavailable):
		return fiber.StatusServiceUnavailable
	case errors.Is(err, login.ErrExchange):
		return fiber.StatusBadGateway
	}
	return fiber.StatusForbidden
}

// onError answers with an error: in JSON below the JSON API and to clients that
// ask for JSON, with a page to people, else in one line.
func (s *Site) onError(c *fiber.Ctx, err error) error {
	a := AnswerTo(err)
	request := s.reportFailure(c, a, err)
	c.Status(a.Status)
	if a.Retry > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(a.Retry))
	}
	c.Set(fiber.HeaderCacheControl, NoStore)
	c.Response().Header.Del(fiber.HeaderETag)
	switch {
	case s.Known.KindOf(c.Path()) == JSON, strings.HasPrefix(c.Get(fiber.HeaderAccept), fiber.MIMEApplicationJSON):
		return c.JSON(failure{"error", errorType(a.Status), a.Text})
	case s.SignIn != nil && s.SignIn(c, err):
		return nil
	case IsPartial(c):
		text := explain(c, a, err)
		if request != "" {
			text += " Request ID: " + request + "."
		}
		return s.Toast(c, a.Status, ui.Toast{Text: text, Problem: true})
	case s.WantsPage(c):
		return s.problem(c, a, err, request)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString(a.Text + "\n")
}

// reportFailure logs what the server could not do. Of what nobody can see from
// outside it returns the name by which the log has it; empty: there is nothing.
func (s *Site) reportFailure(c *fiber.Ctx, a Answer, err error) (request string) {
	if a.Status < 500 || errors.As(err, new(*auth.DeniedError)) { // what was not let in is the guard's to report
		return ""
	}
	fields := []any{"method", c.Method(), "path", c.Path(), "status", a.Status, "err", err}
	if a.Status == fiber.StatusInternalServerError {
		request = rand.Text()[:8]
		fields = append(fields, "request", request)
	}
	s.Logger.Error("A request failed", fields...)
	return request
}

// failure is the envelope of the JSON API's answer when something is wrong.
type failure struct {
	Status string `json:"status"`
	Type   string `json:"errorType"`
	Error  string `json:"error"`
}

func errorType(status int) string {
	switch status {
	case fiber.StatusUnauthorized:
		return "unauthorized"
	case fiber.StatusForbidden:
		return "forbidden"
	case fiber.StatusNotFound:
		return "not_found"
	case fiber.StatusServiceUnavailable, fiber.StatusTooManyRequests:
		return "unavailable"
	case fiber.StatusInternalServerError:
		return "internal"
	}
	return "bad_data"
}
