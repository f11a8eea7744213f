package store_test

import (
	"slices"
	"strings"
	"testing"

	"gatehouse/store/audit"
	"gatehouse/store/commit"
	"gatehouse/store/history"
	"gatehouse/store/record/recordtest"
)

// The parts of the store try those of their own.
func TestEveryKindOfRecordIsTried(t *testing.T) {
	kinds := []string{audit.Prefix, history.Prefix, commit.ClockKey, "g.", "r.", "s.", "t.", "u.", "c.wipe", "c.import", "c.secret"}
	for _, r := range recordtest.EarlierRecords(t, "testdata/earlier/store") {
		if !slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasPrefix(r.Key, kind) }) {
			t.Errorf("no test knows %s", r.Key)
		}
	}
}
