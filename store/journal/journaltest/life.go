package journaltest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gatehouse/store/journal"
)

func honoursContexts(t *testing.T, e Engine) {
	tr := begin(t, e)
	r := tr.put("a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tr.journal.Commit(ctx, journal.Change{Key: "a", Value: []byte("2")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit with an ended context: got %v, want the context's error", err)
	}
	if _, err := tr.journal.Read(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("Read with an ended context: got %v, want the context's error", err)
	}
	if _, err := tr.journal.ScanBack(ctx, "", "", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ScanBack: got %v", err)
	}
	if _, err := tr.journal.Scan(ctx, "", "", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Scan with an ended context: got %v, want the context's error", err)
	}
	a := tr.follow(ctx, nil)
	if err := a.waitEnd(); !errors.Is(err, context.Canceled) {
		t.Errorf("Follow with an ended context: got %v, want the context's error", err)
	}
	tr.holds("a", "1", r)
}

func reportsStatus(t *testing.T, e Engine) {
	tr := begin(t, e)
	s := tr.journal.Status()
	name := s.Store
	if s.Engine == "" || s.Path == "" || name == "" || s.Err != nil || !s.Since.IsZero() {
		t.Errorf("Status of a new journal: got %+v", s)
	}
	r := tr.put("a", strings.Repeat("x", 1000))
	s = tr.journal.Status()
	if s.Revision != r || s.Err != nil || s.Bytes < 0 || s.Free < 0 {
		t.Errorf("Status after revision %d: got %+v", r, s)
	}
	tr.reopen()
	if s := tr.journal.Status(); s.Store != name {
		t.Errorf("the store is called %q after reopening, was %q", s.Store, name)
	}
	if s := begin(t, e).journal.Status(); s.Store == name {
		t.Errorf("two stores are called %q", name)
	}
}

func refusesAfterClose(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	a := tr.follow(t.Context(), nil)
	a.waitReady()
	j := tr.journal
	tr.close()
	if _, err := j.Commit(t.Context(), journal.Change{Key: "a", Value: []byte("2")}); !refused(err) {
		t.Errorf("Commit after Close: got %v, want ErrUnavailable or ErrBroken", err)
	}
	if r, err := j.Read(t.Context(), "a"); err == nil {
		t.Errorf("Read after Close: got %s", show(r))
	}
	if r, err := j.ScanBack(t.Context(), "", "", 1); err == nil {
		t.Errorf("ScanBack: got %v", r)
	}
	if r, err := j.Scan(t.Context(), "", "", 1); err == nil {
		t.Errorf("Scan after Close: got %d records", len(r))
	}
	late := &audience{t: t, held: map[string]journal.Record{}, called: make(chan struct{})}
	if err := j.Follow(t.Context(), late); err == nil {
		t.Error("Follow after Close: got no error")
	}
	if s := j.Status(); !refused(s.Err) {
		t.Errorf("Status after Close: got %v, want ErrUnavailable or ErrBroken", s.Err)
	}
	tr.open()
	tr.holds("a", "1", 1)
}

func refused(err error) bool {
	return errors.Is(err, journal.ErrUnavailable) || errors.Is(err, journal.ErrBroken)
}

func closesTwice(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	j := tr.journal
	tr.close()
	if err := j.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func refusesSecond(t *testing.T, e Engine) {
	if e.Shared {
		t.Skip("this engine's journals may share a place")
	}
	tr := begin(t, e)
	r := tr.put("a", "1")
	second, err := e.Open(tr.dir)
	if err == nil {
		second.Close()
		t.Fatalf("a second journal was opened on %s", tr.dir)
	}
	if !strings.Contains(err.Error(), tr.dir) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the refusal is not one line that names %s: %v", tr.dir, err)
	}
	tr.holds("a", "1", r)
	tr.reopen()
	tr.holds("a", "2", tr.put("a", "2"))
}
