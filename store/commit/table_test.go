package commit_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
)

// notes is one more kind of record: texts by name, of which the longest is dropped
// when there are too many.
type notes struct {
	most int
	slot commit.Slot
}

const notePrefix = "note."

func (*notes) Prefix() string { return notePrefix }

func (*notes) Copy(state any) any {
	if state == nil {
		return map[string]string{}
	}
	return maps.Clone(state.(map[string]string))
}

func (n *notes) in(p *commit.Snapshot) map[string]string { return p.State(n.slot).(map[string]string) }

func (n *notes) Apply(x *commit.Transaction, r commit.Event) error {
	if string(r.Value) == "bad" {
		return errors.New("it is bad")
	}
	all := x.Change(n.slot).(map[string]string)
	if all[r.Key] = string(r.Value); r.Value == nil {
		delete(all, r.Key)
	}
	return nil
}

func (n *notes) Due(p *commit.Snapshot) (time.Time, bool) { return time.Time{}, len(n.in(p)) > n.most }

func (n *notes) Tidy(b *commit.Batch) {
	longest := ""
	for name, text := range n.in(b.Snapshot) {
		if len(text) > len(n.in(b.Snapshot)[longest]) {
			longest = name
		}
	}
	if _, due := n.Due(b.Snapshot); due {
		delete(b.Change(n.slot).(map[string]string), longest)
		b.Add(journal.Change{Key: longest})
	}
}

// write is the operation that writes a note.
type write struct {
	*notes
	name, text string
}

func (w write) Apply(b *commit.Batch) error {
	b.Change(w.slot).(map[string]string)[notePrefix+w.name] = w.text
	b.Add(journal.Change{Key: notePrefix + w.name, Value: []byte(w.text)})
	return nil
}

// started is an engine with that table on a disk, and what closes it.
func started(t *testing.T, disk vfs.FS, n *notes) (*commit.Engine, func(), error) {
	t.Helper()
	j, err := pebble.Open(pebble.Options{Path: "data", FS: disk, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	e := commit.New(j, commit.Options{Clock: clock.New(clock.Source{}), Timeout: time.Minute})
	n.slot = e.Add(n)
	err = e.Start(t.Context())
	return e, func() {
		if err == nil {
			e.Close()
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}, err
}

func mustWrite(t *testing.T, e *commit.Engine, n *notes, name, text string) {
	t.Helper()
	if _, err := e.Submit(context.Background(), write{n, name, text}); err != nil {
		t.Fatal(err)
	}
}

func TestAKindOfRecordCostsATable(t *testing.T) {
	disk, n := vfs.NewMem(), &notes{most: 2}
	e, stop, err := started(t, disk, n)
	if err != nil {
		t.Fatal(err)
	}
	empty := e.Snapshot()
	mustWrite(t, e, n, "a", "one")
	mustWrite(t, e, n, "b", "two, and longer")
	before := e.Snapshot()
	mustWrite(t, e, n, "c", "three")
	want := map[string]string{"note.a": "one", "note.c": "three"}
	if got := n.in(e.Snapshot()); !maps.Equal(got, want) {
		t.Errorf("what is too much was not dropped: %v", got)
	}
	if len(n.in(empty)) != 0 || len(n.in(before)) != 2 {
		t.Errorf("earlier snapshots changed: %v, %v", n.in(empty), n.in(before))
	}
	stop()
	e, stop, err = started(t, disk, n)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if got := n.in(e.Snapshot()); !maps.Equal(got, want) {
		t.Errorf("loaded %v", got)
	}
}

func TestARecordThatATableCantReadIsNamed(t *testing.T) {
	disk, n := vfs.NewMem(), &notes{most: 2}
	e, stop, err := started(t, disk, n)
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, e, n, "a", "bad")
	stop()
	_, stop, err = started(t, disk, n)
	defer stop()
	if err == nil || err.Error() != `the store has failed and needs a restart: record "note.a" cannot be read: it is bad` {
		t.Errorf("got %v", err)
	}
}
