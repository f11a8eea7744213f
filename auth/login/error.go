package login

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"gatehouse/auth/issuer"
)

// Reasons why a sign-in or sign-out failed. Their texts are public.
var (
	ErrUnavailable = errors.New("the sign-in provider cannot be asked at present; try again")
	ErrState       = errors.New("this sign-in is over, or did not begin in this browser; try again")
	ErrExchange    = errors.New("the sign-in provider did not finish the sign-in; try again")
	ErrToken       = errors.New("what the sign-in provider says of you is not acceptable")
	ErrDeclined    = errors.New("the sign-in provider declined the sign-in")
	ErrLogoutToken = errors.New("the logout token is not valid")
)

// Error says why a sign-in or sign-out failed. The cause holds no secret, no
// token and no code, and of the provider's answer at most its error code.
type Error struct {
	Reason error // one of the above
	Cause  error // for the log only; nil: nothing to add
}

// Error is the reason, without the cause.
func (e *Error) Error() string { return e.Reason.Error() }

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Reason }

// refused is the cause of an exchange that failed. The library's own errors may
// repeat all or part of the answer.
func refused(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if r.ErrorCode != "" {
			return fmt.Errorf("the token endpoint: status %d, %s", r.Response.StatusCode, errorCode(r.ErrorCode))
		}
		return fmt.Errorf("the token endpoint: status %d", r.Response.StatusCode)
	}
	if _, ok := errors.AsType[*url.Error](err); ok { // there was no answer
		return fmt.Errorf("the token endpoint: %w", issuer.Cause(err))
	}
	return errors.New("the token endpoint: its answer is not that of one")
}

// maxErrorCode is longer than all that the standards have.
const maxErrorCode = 64

// errorCode is the code of an OAuth error if it looks like one of the standards'.
func errorCode(code string) string {
	odd := strings.ContainsFunc(code, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	if odd || len(code) > maxErrorCode {
		return "an error that is none of the standard"
	}
	return code
}
