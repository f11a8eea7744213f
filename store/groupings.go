package store

import (
	"gatehouse/store/history"
	"gatehouse/store/metrics"
)

// Groupings for callers of a store, see the package metrics.
type (
	// Mode says what becomes of the families that a push does not bring, see
	// history.Mode.
	Mode = history.Mode
	// PushSummary is one push to a grouping in a few words, see history.Summary.
	PushSummary = history.Summary
	// Push is one push to one grouping, see metrics.Push.
	Push = metrics.Push
	// Rejection is a push that was refused before it came to the store, see
	// metrics.Rejection.
	Rejection = metrics.Rejection
	// Outcome is the effect that a push would have, see metrics.Outcome.
	Outcome = metrics.Outcome
	// Grouping is a grouping as it was at one moment, see metrics.Grouping.
	Grouping = metrics.Grouping
	// GroupingFamily is a metric family as a grouping holds it, see
	// metrics.GroupingFamily.
	GroupingFamily = metrics.GroupingFamily
	// GroupingNotice is something odd about a family of a grouping, see
	// metrics.GroupingNotice.
	GroupingNotice = metrics.GroupingNotice
	// Exposed is a metric family as scrapes show it, see metrics.Exposed.
	Exposed = metrics.Exposed
	// GroupingVersion is a grouping as somebody has seen it, see
	// metrics.GroupingVersion.
	GroupingVersion = metrics.GroupingVersion
	// DeletedGrouping is a grouping that was deleted and is kept for the undo, see
	// metrics.DeletedGrouping.
	DeletedGrouping = metrics.DeletedGrouping
	// Deleted is the result of a delete, see metrics.Deleted.
	Deleted = metrics.Deleted
	// ChangedError says that groupings are not what they were seen as, see
	// metrics.ChangedError.
	ChangedError = metrics.ChangedError
	// Undone is the result of an undo, see metrics.Undone.
	Undone = metrics.Undone
	// Conflicting is a grouping that conflicts with the store's contents, see
	// metrics.Conflicting.
	Conflicting = metrics.Conflicting
	// Arrival is a grouping of another server, see metrics.Arrival.
	Arrival = metrics.Arrival
	// ImportState is the progress of the import at a start, see
	// metrics.ImportState.
	ImportState = metrics.ImportState
)

// Modes of a push: Replace is what PUT means, Merge what POST means.
const (
	Replace = history.Replace
	Merge   = history.Merge
)

// ReasonConflict is the reason for a refusal because another grouping or the
// server holds what was pushed.
const ReasonConflict = metrics.ReasonConflict

// Why groupings are not deleted, restored or imported, see the package metrics.
var (
	ErrOutside     = metrics.ErrOutside
	ErrNoOperation = metrics.ErrNoOperation
	ErrTooLate     = metrics.ErrTooLate
	ErrHeld        = metrics.ErrHeld
	ErrDeleted     = metrics.ErrDeleted
)
