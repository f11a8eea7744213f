package app

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// logReader is what a log is written to: gone, or stopped, as long as a test wants.
type logReader struct {
	bytes.Buffer
	gone    bool
	stopped chan struct{} // nil: it reads
}

func (r *logReader) Write(p []byte) (int, error) {
	if r.stopped != nil {
		<-r.stopped
	}
	if r.gone {
		return 0, errors.New("broken pipe")
	}
	return r.Buffer.Write(p)
}

func openLog(t *testing.T, w io.Writer) *Log {
	t.Helper()
	l, err := OpenLog(options(t), w)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTheLogGoesOnWithoutItsReaderAndCountsWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &logReader{}
		l := openLog(t, r)
		l.Info("before")
		synctest.Wait()
		r.gone = true
		l.Info("lost one")
		l.With("a", 1).Error("lost two")
		synctest.Wait()
		if n := l.Lost(); n != 2 {
			t.Errorf("%d lines were lost, want 2", n)
		}
		r.gone = false
		l.Info("after")
		l.Info("last")
		l.Close()
		wrote := r.String()
		if n := l.Lost(); n != 2 || strings.Contains(wrote, "lost one") || strings.Count(wrote, "lines=2") != 1 {
			t.Errorf("lost %d lines and wrote\n%s", n, wrote)
		}
		for _, msg := range []string{"msg=before", "msg=after", "msg=last"} {
			if !strings.Contains(wrote, msg) {
				t.Errorf("%s is missing in\n%s", msg, wrote)
			}
		}
	})
}

func TestNobodyWaitsForALogThatIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &logReader{stopped: make(chan struct{})}
		l := openLog(t, r)
		l.Info("taken by the writer")
		synctest.Wait()
		for range maxWaitingLines + 3 {
			l.Info("more")
		}
		if n := l.Lost(); n != 3 {
			t.Errorf("%d lines were lost, want 3", n)
		}
		l.Close() // gives up
		close(r.stopped)
		synctest.Wait()
		if wrote := r.String(); !strings.Contains(wrote, "lines=3") || strings.Count(wrote, "msg=more") != maxWaitingLines {
			t.Errorf("%d lines were written:\n…%s", strings.Count(wrote, "\n"), wrote[max(0, len(wrote)-300):])
		}
	})
}
