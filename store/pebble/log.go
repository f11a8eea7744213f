package pebble

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// listener hears what the engine has to say.
type listener struct {
	log     *slog.Logger
	health  *health
	live    atomic.Bool // the engine is open and not about to be closed
	opening atomic.Bool
}

func (l *listener) Infof(format string, args ...any) {
	l.log.Debug("pebble: " + oneLine(fmt.Sprintf(format, args...)))
}

func (l *listener) Errorf(format string, args ...any) {
	l.log.Warn("pebble: " + oneLine(fmt.Sprintf(format, args...)))
}

// Fatalf is where the engine ends the process. While it opens, an error is
// returned as well. Later, going on would make things worse: what called waits
// for ever, and the journal counts as failed.
func (l *listener) Fatalf(format string, args ...any) {
	message := oneLine(fmt.Sprintf(format, args...))
	if l.opening.Load() {
		l.log.Debug("pebble: " + message)
		return
	}
	l.fail(errors.New(message))
	select {}
}

// background takes errors of work that nobody waits for. It is called while
// the engine holds locks.
func (l *listener) background(cause error) {
	if l.live.Load() {
		l.fail(cause)
	}
}

func (l *listener) fail(cause error) {
	if l.health.fail(cause) {
		l.log.Error("the store has failed: nothing can be stored until a restart", "error", cause)
	}
}

func (l *listener) events() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if errors.Is(err, errRewrite) || errors.Is(err, pebble.ErrCancelledCompaction) {
				l.log.Debug("pebble: " + oneLine(err.Error()))
				return
			}
			l.background(fmt.Errorf("background work: %s", oneLine(err.Error())))
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			l.background(fmt.Errorf("%s is damaged: %s", i.Path, oneLine(i.Details.Error())))
		},
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) { l.log.Debug("pebble: writes wait", "reason", i.Reason) },
		WriteStallEnd:   func() { l.log.Debug("pebble: writes go on") },
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
