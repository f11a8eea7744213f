package handlertest

import (
	"context"
	"sync/atomic"

	"gatehouse/store"
)

// Journal is a journal that fails on request.
type Journal struct {
	store.Journal
	failure atomic.Pointer[error]
	refused atomic.Pointer[error] // of commits only
	misread atomic.Pointer[error] // of what is on record
}

// FailRead fails every read of what is on record from now on.
func (j *Journal) FailRead(err error) { j.misread.Store(&err) }

// ScanBack implements store.Journal.
func (j *Journal) ScanBack(ctx context.Context, prefix, before string, limit int) ([]store.Record, error) {
	if err := j.misread.Load(); err != nil {
		return nil, *err
	}
	return j.Journal.ScanBack(ctx, prefix, before, limit)
}

// Fail fails every commit from now on; a nil error ends that.
func (j *Journal) Fail(err error) { j.failure.Store(&err) }

func (j *Journal) err() error {
	if err := j.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// FailCommits fails every commit from now on without being in the status; a nil error
// ends that.
func (j *Journal) FailCommits(err error) { j.refused.Store(&err) }

// Commit implements store.Journal.
func (j *Journal) Commit(ctx context.Context, changes ...store.Change) (store.Revision, error) {
	if err := j.err(); err != nil {
		return 0, err
	}
	if err := j.refused.Load(); err != nil && *err != nil {
		return 0, *err
	}
	return j.Journal.Commit(ctx, changes...)
}

// Status implements store.Journal.
func (j *Journal) Status() store.JournalStatus {
	st := j.Journal.Status()
	st.Err = j.err()
	return st
}
