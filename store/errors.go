package store

import (
	"errors"
	"fmt"

	"gatehouse/store/exposition"
)

// The reasons for a refusal that lie outside of a push's body.
const (
	ReasonPath     exposition.Reason = "path"     // the grouping key is invalid
	ReasonConflict exposition.Reason = "conflict" // another grouping or the server holds it
	ReasonSelector exposition.Reason = "selector" // a selector is invalid
)

// Refusal is an error that lies with the client: doing the same again fails
// again. Its text is one line made for the client.
type Refusal struct {
	Reason  exposition.Reason
	Message string
	// Other is the grouping that the message names beside the client's own, and
	// Discreet the message for those who may not know of it; empty: it names none.
	Other    GroupingKey
	Discreet string
}

func (r *Refusal) Error() string { return r.Message }

func refuse(reason exposition.Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// refuseBeside refuses a push for what another grouping holds. The format has one
// verb more than there are arguments, the first, for the other one.
func refuseBeside(other GroupingKey, format string, args ...any) *Refusal {
	with := func(who string) string { return fmt.Sprintf(format, append([]any{who}, args...)...) }
	return &Refusal{Reason: ReasonConflict, Message: with("grouping " + other.String()), Other: other, Discreet: with("another grouping")}
}

// LimitError says that the store holds as much as it may. Its text is made for
// the client.
type LimitError struct{ Message string }

func (e *LimitError) Error() string { return e.Message }

var (
	// ErrBusy says that more changes are waiting than the store takes on.
	ErrBusy = errors.New("too many changes are waiting to be committed")
	// ErrClosed says that the store takes no changes any more.
	ErrClosed = errors.New("the store is closed")
)
