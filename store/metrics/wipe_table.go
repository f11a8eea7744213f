package metrics

import "gatehouse/store/commit"

// wipeTable is the last wipe.
type wipeTable struct {
	commit.Passive
	*Groupings
}

// Prefix is part of commit.Table.
func (*wipeTable) Prefix() string { return wipeKey }

// Apply is part of commit.Table.
func (w *wipeTable) Apply(tx *commit.Transaction, r commit.Event) error {
	if r.Value == nil {
		return nil
	}
	t, earlier, err := decodeControl(r.Value)
	if err != nil {
		return err
	}
	tx.Learn(t.stamp, t.ran)
	e := w.change(tx)
	e.wipes = earlier
	e.wipe(wipe{tombstone: t, revision: r.Revision}, w.o.Own)
	return nil
}
