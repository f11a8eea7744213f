package store

import (
	"iter"

	"gatehouse/store/access"
	"gatehouse/store/commit"
	"gatehouse/store/metrics"
)

// Snapshot is everything the store holds, as it was at one moment. It is
// immutable: reading it neither blocks nor is disturbed by any change.
type Snapshot struct {
	*metrics.State
	of     *access.Registry
	commit *commit.Snapshot
}

// Stats counts what a snapshot holds.
type Stats struct {
	Groupings int
	Families  int   // names of families that a grouping holds
	Series    int   // without the two push times of each grouping
	Bytes     int64 // of the text of those series
	Shadowed  int   // series left out of scrapes because of a conflict
	Deleted   int   // deleted groupings that can still be restored
	// DeletedBytes is what these count towards Undo.UndoMaxBytes.
	DeletedBytes int64
	Sessions     int
	Tokens       int // the expired ones too
}

// Sequence is another one with every change of what the snapshot shows of groupings.
// It is new in every process.
func (p *Snapshot) Sequence() uint64 { return p.commit.Sequence() }

// Changes counts how often groupings have changed in this process: pushes,
// refusals noted, deletes, expiries, undos. It is the same of two snapshots only
// if their groupings are.
func (p *Snapshot) Changes() uint64 { return p.commit.Changes() }

// Stats counts what the snapshot holds.
func (p *Snapshot) Stats() Stats {
	s := p.State.Stats()
	sessions, tokens := p.of.CountIn(p.commit)
	return Stats{
		Groupings: s.Groupings, Families: s.Families, Series: s.Series, Bytes: s.Bytes,
		Shadowed: s.Shadowed, Deleted: s.Deleted, DeletedBytes: s.DeletedBytes, Sessions: sessions, Tokens: tokens,
	}
}

// Token returns the token of that ID.
func (p *Snapshot) Token(id string) (*Token, bool) { return p.of.TokensIn(p.commit).Token(id) }

// Tokens yields all tokens by their names, the expired ones too.
func (p *Snapshot) Tokens() iter.Seq[*Token] { return p.of.TokensIn(p.commit).All() }

// KnowsTokens reports whether a known user has ever made a token here, also if
// it was revoked or has expired.
func (p *Snapshot) KnowsTokens() bool { return p.of.TokensIn(p.commit).Known() }
