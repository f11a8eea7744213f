package app

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/promslog"

	"gatehouse/app/config"
)

const (
	// maxWaitingLines bounds the lines of the log that wait to be written.
	maxWaitingLines = 4096
	// lastLinesTime bounds how long Close waits for the last ones.
	lastLinesTime = time.Second
)

// Log is the server's log. Its lines are written by a goroutine of their own, so
// that no request waits for a reader that is slow or has stopped. What can't be
// written, or finds no room among what waits, is lost and counted.
type Log struct {
	*slog.Logger
	w      io.Writer
	direct *slog.Logger // writes to w at once; for run only
	lines  chan []byte
	lost   atomic.Uint64
	noted  uint64 // how many of them lines of the log speak of

	closing chan struct{}
	closed  sync.Once
	written chan struct{} // closed when no more is written
}

// OpenLog makes the log that o asks for, written to w. The caller closes it.
func OpenLog(o config.Options, w io.Writer) (*Log, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(o.LogLevel); err != nil {
		return nil, err
	}
	if err := format.Set(o.LogFormat); err != nil {
		return nil, err
	}
	l := &Log{
		w: w, direct: promslog.New(&promslog.Config{Level: level, Format: format, Writer: w}),
		lines: make(chan []byte, maxWaitingLines), closing: make(chan struct{}), written: make(chan struct{}),
	}
	l.Logger = promslog.New(&promslog.Config{Level: level, Format: format, Writer: waitingLines{l}})
	go l.run()
	return l, nil
}

// Lost returns how many lines were lost. It may be called at any time.
func (l *Log) Lost() uint64 { return l.lost.Load() }

// Close writes what waits, for a second at most. Later lines are lost. Closing
// twice is fine.
func (l *Log) Close() {
	l.closed.Do(func() { close(l.closing) })
	select {
	case <-l.written:
	case <-time.After(lastLinesTime):
	}
}

// waitingLines takes lines for a Log. The logger writes each in one piece.
type waitingLines struct{ log *Log }

func (w waitingLines) Write(line []byte) (int, error) {
	select {
	case w.log.lines <- bytes.Clone(line):
	default:
		w.log.lost.Add(1)
	}
	return len(line), nil
}

func (l *Log) run() {
	defer close(l.written)
	for {
		select {
		case line := <-l.lines:
			l.write(line)
		case <-l.closing:
			l.writeRest()
			return
		}
	}
}

func (l *Log) writeRest() {
	for {
		select {
		case line := <-l.lines:
			l.write(line)
		default:
			return
		}
	}
}

// write writes one line, and as soon as that is possible again one about those
// that are missing.
func (l *Log) write(line []byte) {
	if _, err := l.w.Write(line); err != nil {
		l.lost.Add(1)
		return
	}
	if lost := l.lost.Load(); lost > l.noted {
		l.direct.Warn("Lines of the log were lost: its reader was gone or too slow", "lines", lost-l.noted)
		l.noted = lost
	}
}
