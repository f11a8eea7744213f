package key

import (
	"fmt"
	"strconv"

	"gatehouse/store/exposition"
)

// Why keys and selectors are refused.
const (
	ReasonPath     exposition.Reason = "path"     // the grouping key is invalid
	ReasonSelector exposition.Reason = "selector" // a selector is invalid
)

// Refusal is an error that lies with the client: doing the same again fails
// again. Its text is one line made for the client.
type Refusal struct {
	Reason  exposition.Reason
	Message string
	// Other is the grouping that the message names beside the client's own, and
	// Discreet the message for clients that may not know of it; empty: it names
	// none.
	Other    GroupingKey
	Discreet string
}

func (r *Refusal) Error() string { return r.Message }

func refuse(reason exposition.Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// maxQuoted bounds what an error message repeats of a client's input.
const maxQuoted = 120

// Quote quotes what a client sent, shortened, so that a message stays one line.
func Quote(s string) string {
	if len(s) <= maxQuoted {
		return strconv.Quote(s)
	}
	return fmt.Sprintf("%s… (%d bytes)", strconv.Quote(s[:maxQuoted]), len(s))
}
