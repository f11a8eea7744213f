package history

import "gatehouse/store/commit"

// table is the histories. Nothing of them is kept in memory: the writer reads and
// writes them.
type table struct {
	commit.Passive
	of    *Writer
	batch *commit.Batch // the one that was noted last
	noted []Noted       // in it
}

// Prefix is part of commit.Table.
func (*table) Prefix() string { return Prefix }

// Unread is part of commit.Unread.
func (*table) Unread() {}

// Note notes a push of a batch for the time when that is durable. It is for the
// committer's goroutine.
func (h *Writer) Note(b *commit.Batch, x Noted) {
	t := &h.table
	if t.batch != b {
		t.batch, t.noted = b, t.noted[:0]
	}
	t.noted = append(t.noted, x)
}

// Run is part of commit.Runner.
func (t *table) Run() { t.of.run() }

// Written is part of commit.Writer.
func (t *table) Written(b *commit.Batch) {
	if t.batch == b {
		t.of.note(t.noted)
	}
	clear(t.noted)
	t.batch, t.noted = nil, t.noted[:0]
}
