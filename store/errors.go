package store

import (
	"fmt"

	"gatehouse/store/commit"
	"gatehouse/store/exposition"
)

// ReasonConflict is the reason for a refusal because another grouping or the
// server holds what was pushed.
const ReasonConflict exposition.Reason = "conflict"

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

// What a store answers when it takes no changes, see the package commit.
var (
	ErrBusy   = commit.ErrBusy
	ErrClosed = commit.ErrClosed
)
