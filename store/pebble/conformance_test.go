package pebble

import (
	"log/slog"
	"testing"

	"gatehouse/store/journal"
	"gatehouse/store/journal/journaltest"
)

func TestTheEngineKeepsThePromisesOfAJournal(t *testing.T) {
	journaltest.Run(t, journaltest.Engine{Open: func(dir string) (journal.Journal, error) {
		j, err := Open(Options{Path: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		return j, nil
	}})
}
