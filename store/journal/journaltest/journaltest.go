// Package journaltest checks that an engine keeps what journal.Journal promises.
package journaltest

import (
	"testing"

	"gatehouse/store/journal"
)

// Engine is the engine that Run tests.
type Engine struct {
	// Open opens the journal that is kept in dir, which is empty at first.
	// After Close it may be opened again.
	Open func(dir string) (journal.Journal, error)
	// Shared says that several journals may be open on one dir at a time.
	Shared bool
	// MaxValue is the size in bytes of the largest value that is tried; 0
	// means 16 MiB.
	MaxValue int
}

// Run runs the suite.
func Run(t *testing.T, e Engine) {
	if e.MaxValue == 0 {
		e.MaxValue = 16 << 20
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, Engine)
	}{
		{"a committed record is read back", readsBack},
		{"a commit is all or nothing", isAtomic},
		{"a commit of nothing changes nothing", commitsNothing},
		{"a commit cannot change a key twice", refusesTwice},
		{"revisions are consecutive in and between commits", countsRevisions},
		{"revisions go on after reopening", countsOn},
		{"a condition holds or nothing is written", checksConditions},
		{"a removed record is gone", removes},
		{"an empty value is a record and not a removal", keepsEmptyValues},
		{"small and large values are kept", keepsValues},
		{"keys of any bytes are kept apart", keepsKeys},
		{"the caller's memory is not kept", copiesValues},
		{"everything is there after reopening", isDurable},
		{"a scan is in order, behind a key, limited and by prefix", scans},
		{"a scan back is in reverse order, before a key, limited and by prefix", scansBack},
		{"increments from many goroutines lose nothing", increments},
		{"an ended context commits and reads nothing", honoursContexts},
		{"status reports revision, place and size", reportsStatus},
		{"after close everything is refused", refusesAfterClose},
		{"closing twice is fine", closesTwice},
		{"a second journal on the directory is refused", refusesSecond},
		{"a follower gets all keys in order, then ready, then changes in order", follows},
		{"a follower of an empty journal is ready at once", followsNothing},
		{"a follower gets removals", followsRemovals},
		{"a follower gets only written changes", followsNoConflict},
		{"several followers get the same", followsSeveral},
		{"a follower that joins during commits misses nothing", followsJoining},
		{"a follower that is slow holds up nobody and sees the end", followsSlowly},
		{"following ends with its context and at close", endsFollow},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, e) })
	}
}
