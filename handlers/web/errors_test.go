package web

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/gofiber/fiber/v2"

	"gatehouse/store"
	"gatehouse/store/exposition"
)

func TestEveryErrorHasAnAnswer(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
		text   string
		retry  bool
		typ    string
	}{
		{"a refusal", &store.Refusal{Reason: store.ReasonPath, Message: "a message"}, 400, "a message", false, "bad_data"},
		{"a body in the wrong", &exposition.Error{Line: 3, Detail: "a detail"}, 400, "line 3: a detail", false, "bad_data"},
		{"a large body", exposition.ErrTooLarge, 413, "the push is larger than the server allows (--push.max-body-bytes)", false, "bad_data"},
		{"an unknown coding", exposition.ErrEncoding, 415, "unsupported Content-Encoding: gzip, snappy and zstd are understood, one at a time", false, "bad_data"},
		{"a body that breaks off", &brokenBody{errors.New("cause")}, 400, "the body ended early or is badly framed", false, "bad_data"},
		{"a body that does not come", &brokenBody{os.ErrDeadlineExceeded}, 408, "the body did not arrive in time", false, "bad_data"},
		{"a limit", &store.LimitError{Message: "full"}, 429, "full", true, "unavailable"},
		{"a queue that is full", store.ErrBusy, 503, TextBusy, true, "unavailable"},
		{"bodies that take all memory", ErrBudget, 503, TextBusy, true, "unavailable"},
		{"a full disk", fmt.Errorf("%w: /secret", store.ErrUnavailable), 503, TextUnavailable, true, "unavailable"},
		{"a broken disk", fmt.Errorf("%w: /secret", store.ErrBroken), 503, TextBroken, true, "unavailable"},
		{"a closed store", store.ErrClosed, 503, TextUnavailable, true, "unavailable"},
		{"a commit that takes too long", context.DeadlineExceeded, 503, TextUnavailable, true, "unavailable"},
		{"what a handler says", &Error{404, "nothing"}, 404, "nothing", false, "not_found"},
		{"what the framework says", fiber.ErrMethodNotAllowed, 405, "method not allowed", false, "bad_data"},
		{"what the framework says of itself", fiber.NewError(502, "secret"), 500, TextInternal, false, "internal"},
		{"a wrapped one", fmt.Errorf("secret: %w", &store.Refusal{Message: "a message"}), 400, "a message", false, "bad_data"},
		{"an unknown one", errors.New("/secret/path"), 500, TextInternal, false, "internal"},
	}
	for _, test := range tests {
		a := AnswerTo(test.err)
		if a.Status != test.status || a.Text != test.text || (a.Retry > 0) != test.retry || errorType(a.Status) != test.typ {
			t.Errorf("%s: got %+v %s, want %d %q %s", test.name, a, errorType(a.Status), test.status, test.text, test.typ)
		}
	}
}
