package metrics

import (
	"fmt"

	"gatehouse/store/exposition"
	"gatehouse/store/key"
)

// ReasonConflict is the reason for a refusal because another grouping or the
// server holds what was pushed.
const ReasonConflict exposition.Reason = "conflict"

func refuse(reason exposition.Reason, format string, args ...any) *key.Refusal {
	return &key.Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// refuseBeside refuses a push for what another grouping holds. The format has one
// verb more than there are arguments, the first, for the other one.
func refuseBeside(other key.GroupingKey, format string, args ...any) *key.Refusal {
	with := func(who string) string { return fmt.Sprintf(format, append([]any{who}, args...)...) }
	return &key.Refusal{Reason: ReasonConflict, Message: with("grouping " + other.String()), Other: other, Discreet: with("another grouping")}
}
