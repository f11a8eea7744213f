package pebble

import (
	"log/slog"
	"testing"

	"gatehouse/store"
	"gatehouse/store/storetest"
)

func TestTheEngineKeepsThePromisesOfAJournal(t *testing.T) {
	storetest.Run(t, storetest.Engine{Open: func(dir string) (store.Journal, error) {
		j, err := Open(Options{Path: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		return j, nil
	}})
}
