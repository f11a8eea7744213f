// Package journal says what the store wants of an engine: to keep the newest
// record of every key, durable and in order, and to report what becomes of it.
package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Revision numbers the changes of a journal in the order in which they became
// durable. The first change has a revision above 0.
type Revision uint64

// Change is one record to be written or removed.
type Change struct {
	Key string
	// Value is the record's new content; nil removes the record.
	Value []byte
	// If is the condition: nil always writes, else the newest record of Key
	// must have that revision (0: there must be no record).
	If *Revision
}

// Record is the newest content of a key. A nil Value means that the key was
// removed.
type Record struct {
	Key      string
	Value    []byte
	Revision Revision
}

// Unreadable says of a record that it cannot be read, and why.
func Unreadable(r Record, err error) error {
	return fmt.Errorf("record %q cannot be read: %w", r.Key, err)
}

var (
	// ErrConflict says that a change's condition did not hold; nothing of its
	// commit was written.
	ErrConflict = errors.New("the record was changed meanwhile")
	// ErrNoRecord says that a key has no record.
	ErrNoRecord = errors.New("no such record")
	// ErrUnavailable says that nothing can be committed at present, for
	// example because the disk is full; it is worth trying again.
	ErrUnavailable = errors.New("the store cannot commit at present")
	// ErrBroken says that nothing can be committed until the program is
	// restarted.
	ErrBroken = errors.New("the store has failed and needs a restart")
)

// Follower receives what a journal holds and every change of it. Its methods
// are called from one goroutine; values must not be modified or kept unless
// copied.
type Follower interface {
	// Reset says that all earlier reports are void: everything is reported
	// anew.
	Reset()
	// Record reports the newest record of a key, or its removal.
	Record(Record)
	// Ready says that every key has been reported once.
	Ready(Revision)
}

// Journal keeps the newest record of every key. It is safe for concurrent use.
// A nil error of Commit means that the changes are on disk. Every call honours
// its context; after a timeout of Commit the outcome is unknown.
type Journal interface {
	// Commit writes all changes or none. The changes get consecutive revisions
	// in their order; the last one is returned, also where there is no change. No
	// two changes of a commit may have the same key. Errors: ErrConflict,
	// ErrUnavailable, ErrBroken, the context's.
	Commit(ctx context.Context, changes ...Change) (Revision, error)
	// Follow reports the newest record of every key in the order of the keys,
	// then Ready, then every later change in the order of the revisions, until
	// ctx ends. After a gap it resets and starts over. An error before Ready
	// says that the journal cannot be read.
	Follow(ctx context.Context, f Follower) error
	// Read returns the newest record of key, or ErrNoRecord.
	Read(ctx context.Context, key string) (Record, error)
	// Scan returns up to limit records whose keys begin with prefix and come
	// behind after, in the order of the keys.
	Scan(ctx context.Context, prefix, after string, limit int) ([]Record, error)
	// ScanBack returns up to limit records whose keys begin with prefix and come
	// before the key before, the last key first; an empty before is no bound.
	ScanBack(ctx context.Context, prefix, before string, limit int) ([]Record, error)
	// Status never blocks.
	Status() Status
	// Close ends Follow and refuses what comes after it with ErrUnavailable. It
	// may be called twice.
	Close() error
}

// Status is the state of a journal.
type Status struct {
	Engine string // "pebble"
	Path   string // directory or address
	// Store identifies the contents: it was chosen at random when the store
	// began, and is the same in all journals on it.
	Store    string
	Revision Revision // of the last durable change
	// Err is why nothing can be committed at present: it wraps ErrUnavailable
	// or ErrBroken. nil: commits are taken.
	Err error
	// Bytes is the journal's size on disk; Free the space left there.
	Bytes, Free int64
	Since       time.Time // of Err
}
