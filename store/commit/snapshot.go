package commit

import (
	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// Snapshot is everything that the tables have in memory, as it was at one moment.
// It is immutable: reading it neither blocks nor is disturbed by any change.
type Snapshot struct {
	clock    *clock.Clock
	sequence uint64
	changes  uint64
	resets   uint64           // how often the journal had started over
	applied  journal.Revision // the last change it shows
	states   [maxTables]any   // by the slots of the tables
}

// State returns the state of a table. It must not be modified.
func (p *Snapshot) State(s Slot) any { return p.states[s] }

// Sequence is another one with every change that was touched, see
// Transaction.Touch. It is new in every process.
func (p *Snapshot) Sequence() uint64 {
	if second, ahead := p.clock.Read().Ahead(); ahead {
		// Times that are ahead are shown as they are once the clock has reached them.
		return p.sequence<<32 ^ uint64(second)
	}
	return p.sequence
}

// Changes counts how often changes were touched in this process. It is the same of
// two snapshots only if no change between them was.
func (p *Snapshot) Changes() uint64 { return p.changes }

// Transaction is a snapshot in the making. It is for one goroutine.
type Transaction struct {
	*Snapshot
	// ID is above 0 and another one for each transaction: it marks what this one may
	// modify in place.
	ID      uint64
	c       *committer
	owned   uint16 // the slots of the states that are its own to change, as bits
	touched bool   // something that readers see has changed
}

// maxTables bounds the tables of an engine.
const maxTables = 16

// newTransaction begins with a snapshot. Both share all states until one changes.
func (c *committer) newTransaction(from *Snapshot) Transaction {
	c.transactions++
	p := *from
	return Transaction{Snapshot: &p, ID: c.transactions, c: c}
}

// newEmpty begins with a snapshot of a store without records.
func (c *committer) newEmpty() Transaction {
	p := &Snapshot{clock: c.clock}
	for i, table := range c.all {
		p.states[i] = table.Copy(nil)
	}
	c.transactions++
	return Transaction{Snapshot: p, ID: c.transactions, c: c, owned: ^uint16(0)}
}

// Change returns the state of a table for modification.
func (x *Transaction) Change(s Slot) any {
	if bit := uint16(1) << s; x.owned&bit == 0 {
		x.states[s] = x.c.all[s].Copy(x.states[s])
		x.owned |= bit
	}
	return x.states[s]
}

// Touch notes that something changes that readers look out for.
func (x *Transaction) Touch() {
	x.touched = true
	x.changes++
}

// Learn reads the stamp of a record and its ran time, or 0. Only records that
// the store had when it was opened say anything about the clock.
func (x *Transaction) Learn(stamp, ran int64) { x.c.learn(stamp, ran) }

// LearnRank takes in the rank of a change that was made earlier.
func (x *Transaction) LearnRank(rank int64) { x.c.rank = max(x.c.rank, rank) }
