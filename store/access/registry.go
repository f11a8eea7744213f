// Package access is the sessions and API tokens of a store, when they were last used,
// and its signing key.
package access

import (
	"context"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/journal"
)

// The kinds of records, as prefixes of their keys.
const (
	kindSession = "s."
	kindToken   = "t."
	kindUse     = "u." // when a session or a token was last used; the rest is its key

	signingKeyKey = "c.secret"
)

// Registry is the sessions and API tokens of a store, when they were last used, and
// its signing key. It is safe for concurrent use.
type Registry struct {
	engine *commit.Engine
	clock  *clock.Clock
	log    *audit.Log
	idle   time.Duration // sessions that are not used for so long end; 0: none
	uses   *uses

	sessionSlot, tokenSlot, keySlot commit.Slot
}

// New returns the registry of an engine, whose sessions end when they are
// not used for as long as idle; 0: they don't. Its tables have to be added.
func New(e *commit.Engine, log *audit.Log, idle time.Duration) *Registry {
	return &Registry{engine: e, clock: e.Clock(), log: log, idle: idle, uses: newUses(e.Wanted())}
}

// AddTables adds the tables of the registry to the engine. The uses of a session go
// with the session.
func (s *Registry) AddTables() {
	s.sessionSlot = s.engine.Add(&sessionTable{Registry: s})
	s.tokenSlot = s.engine.Add(&tokenTable{Registry: s})
	s.engine.Add(&useTable{Registry: s})
	s.keySlot = s.engine.Add(&signingKeyTable{Registry: s})
}

func (s *Registry) sessionsIn(p *commit.Snapshot) sessions { return p.State(s.sessionSlot).(sessions) }

func (s *Registry) tokensIn(p *commit.Snapshot) tokens { return p.State(s.tokenSlot).(tokens) }

func (s *Registry) keyIn(p *commit.Snapshot) *signingKey { return p.State(s.keySlot).(*signingKey) }

// TokensIn returns the API tokens of a snapshot.
func (s *Registry) TokensIn(p *commit.Snapshot) Tokens { return Tokens{s.tokensIn(p), s.clock} }

// CountIn returns how many sessions and API tokens there are in a snapshot, the
// expired ones too.
func (s *Registry) CountIn(p *commit.Snapshot) (sessions, tokens int) {
	return sessionTrees(s.sessionsIn(p)).byKey.Len(), tokenTrees(s.tokensIn(p)).byID.Len()
}

// operation changes what is registered. An error leaves it untouched.
type operation interface {
	apply(b *batch) error
}

// submit has an operation carried out and waits until it is durable.
func (s *Registry) submit(ctx context.Context, op operation) (journal.Revision, error) {
	return s.engine.Submit(ctx, submitted{s, op})
}

// submitted is an operation as the engine carries it out.
type submitted struct {
	of *Registry
	operation
}

// Apply is part of commit.Operation.
func (x submitted) Apply(b *commit.Batch) error { return x.apply(x.of.in(b)) }

// batch has the changes of a batch in the making.
type batch struct {
	*commit.Batch
	*Registry
}

// in returns what is registered in a batch.
func (s *Registry) in(b *commit.Batch) *batch { return &batch{b, s} }

// sessions returns the sessions for modification.
func (b *batch) sessions() sessions { return b.change(&b.Transaction) }

// tokens returns the API tokens for modification.
func (b *batch) tokens() tokens { return b.changeTokens(&b.Transaction) }
