package handlers

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

// answer is how an error is told to a client.
type answer struct {
	status int
	text   string
	retry  int // seconds; 0: no Retry-After
}

// Error texts for what is not the client's business.
const (
	textInternal    = "internal error; the server's log tells more"
	textUnavailable = "the server cannot commit changes at present; try again"
	textBroken      = "the server cannot commit changes any more and has to be restarted"
	textBusy        = "the server is overloaded; try again"
	textMixed       = "line ends are mixed: all must be CRLF"
)

// errBudget says that the bodies of the pushes under way take all the memory
// that they may.
var errBudget = errors.New("too many bytes of pushes are in flight")

// httpError is an error that knows its status. Its text is for the client.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

func badRequest(text string) error { return &httpError{fiber.StatusBadRequest, text} }

// answerTo is the one table of errors and statuses.
func answerTo(err error) answer {
	if known, ok := errors.AsType[*httpError](err); ok {
		return answer{known.status, known.text, 0}
	}
	if denial, ok := errors.AsType[*auth.Refusal](err); ok {
		return answer{denialStatus(denial), denial.Error(), int(math.Ceil(denial.RetryAfter.Seconds()))}
	}
	if refusal, ok := errors.AsType[*store.Refusal](err); ok {
		return answer{fiber.StatusBadRequest, refusal.Message, 0}
	}
	if body, ok := errors.AsType[*exposition.Error](err); ok {
		return answer{fiber.StatusBadRequest, body.Error(), 0}
	}
	if limit, ok := errors.AsType[*store.LimitError](err); ok {
		return answer{fiber.StatusTooManyRequests, limit.Message, 60}
	}
	if broken, ok := errors.AsType[*brokenBody](err); ok {
		if broken.timeout() {
			return answer{fiber.StatusRequestTimeout, "the body did not arrive in time", 0}
		}
		return answer{fiber.StatusBadRequest, "the body ended early or is badly framed", 0}
	}
	if framing, ok := errors.AsType[*fiber.Error](err); ok && framing.Code < 500 {
		return answer{framing.Code, strings.ToLower(framing.Message), 0}
	}
	return answerToKnown(err)
}

// answerToKnown is answerTo for errors that are always the same.
func answerToKnown(err error) answer {
	switch {
	case errors.Is(err, store.ErrNoToken):
		return answer{fiber.StatusNotFound, store.ErrNoToken.Error(), 0}
	case errors.Is(err, store.ErrTokenMaker):
		return answer{fiber.StatusConflict, store.ErrTokenMaker.Error(), 0}
	case errors.Is(err, store.ErrTokenName):
		return answer{fiber.StatusConflict, store.ErrTokenName.Error(), 0}
	case errors.Is(err, errImporting):
		return answer{fiber.StatusServiceUnavailable, errImporting.Error(), 10}
	case errors.Is(err, ErrNoImport):
		return answer{fiber.StatusBadRequest, ErrNoImport.Error(), 0}
	case errors.Is(err, exposition.ErrTooLarge):
		return answer{fiber.StatusRequestEntityTooLarge, "the push is larger than the server allows (--push.max-body-bytes)", 0}
	case errors.Is(err, exposition.ErrEncoding):
		return answer{fiber.StatusUnsupportedMediaType, "unsupported Content-Encoding: gzip, snappy and zstd are understood, one at a time", 0}
	case errors.Is(err, store.ErrBusy), errors.Is(err, errBudget):
		return answer{fiber.StatusServiceUnavailable, textBusy, 1}
	case errors.Is(err, store.ErrBroken):
		return answer{fiber.StatusServiceUnavailable, textBroken, 60}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrClosed), errors.Is(err, context.DeadlineExceeded):
		return answer{fiber.StatusServiceUnavailable, textUnavailable, 5}
	}
	return answer{fiber.StatusInternalServerError, textInternal, 0}
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

// onError answers whatever went wrong: in JSON below the JSON API and to who
// asks for JSON, with a page to people, else in one line.
func (s *site) onError(c *fiber.Ctx, err error) error {
	a := answerTo(err)
	request := s.reportFailure(c, a, err)
	c.Status(a.status)
	if a.retry > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(a.retry))
	}
	c.Set(fiber.HeaderCacheControl, noStore)
	c.Response().Header.Del(fiber.HeaderETag)
	switch {
	case s.known.kindOf(c.Path()) == kindJSON, strings.HasPrefix(c.Get(fiber.HeaderAccept), fiber.MIMEApplicationJSON):
		return c.JSON(failure{"error", errorType(a.status), a.text})
	case s.SignIn != nil && s.SignIn(c, err):
		return nil
	case isPartial(c):
		text := explain(c, a, err)
		if request != "" {
			text += " There this request is " + request + "."
		}
		return s.toast(c, a.status, ui.Toast{Text: text, Problem: true})
	case s.wantsPage(c):
		return s.problem(c, a, err, request)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	return c.SendString(a.text + "\n")
}

// reportFailure logs what the server could not do. Of what nobody can see from
// outside it returns the name by which the log has it; empty: there is nothing.
func (s *site) reportFailure(c *fiber.Ctx, a answer, err error) (request string) {
	if a.status < 500 || errors.As(err, new(*auth.Refusal)) { // what was not let in is the guard's to report
		return ""
	}
	fields := []any{"method", c.Method(), "path", c.Path(), "status", a.status, "err", err}
	if a.status == fiber.StatusInternalServerError {
		request = rand.Text()[:8]
		fields = append(fields, "request", request)
	}
	s.Logger.Error("A request failed", fields...)
	return request
}

// failure is what the JSON API answers when something is wrong.
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
