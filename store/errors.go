package store

import "gatehouse/store/commit"

// Errors of a store that takes no changes, see the package commit.
var (
	ErrBusy   = commit.ErrBusy
	ErrClosed = commit.ErrClosed
)

// LimitError says that the store holds as much as it may, see commit.LimitError.
type LimitError = commit.LimitError
