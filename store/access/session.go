package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/tidwall/btree"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// How many sessions there can be. The ones that are oldest, or of all users
// those that end first, make room for new ones.
const (
	maxSessions        = 10_000
	maxSessionsPerUser = 20
)

// Session is what is known of somebody who has signed in. Its slices must not
// be modified.
type Session struct {
	Scheme string // how the user signed in
	ID     string // tells the user from all others
	Name   string // the user, for people
	Role   string
	// Created, LastUsed and Expires are when the session began, was last used, and
	// ends.
	Created, LastUsed, Expires time.Time
	// Credential ties the session to what the user signed in with. It is kept
	// as it is: it must not tell who reads the disk what that was.
	Credential []byte
	// Extra is for whoever made the session.
	Extra []byte
	// Provider names the session at who signed the user in.
	Provider string
	// From and UserAgent are the address and the program in which it began.
	From, UserAgent string

	ran int64 // the ran time of Created, as of clock; 0: not known
	// ends is when it ends, in Unix nanoseconds of the running time.
	ends int64
}

// ListedSession is a session as its user sees it in a list.
type ListedSession struct {
	Handle string // names it, and is of no use to whoever wants to have it
	Session
}

// CreateSession makes a session durable and known under id, which must be
// impossible to guess: of it only a digest is kept. That somebody has signed in
// comes on record with it. Where the user or the store has too many sessions
// then, old ones end. Errors are those of Push.
func (s *Registry) CreateSession(ctx context.Context, id string, x Session) error {
	_, err := s.submit(ctx, &createSessionOp{sessionKey(id), x})
	return err
}

// Session returns the session of that id unless it has ended. It looks at
// nothing but memory.
func (s *Registry) Session(id string) (Session, bool) {
	key := sessionKey(id)
	x, ok := s.sessionsIn(s.engine.Snapshot()).byKey.Get(key)
	if !ok || !s.lives(key, &x) {
		return Session{}, false
	}
	return x, true
}

// lives reports whether a session has not ended, and takes down when it was last
// used.
func (s *Registry) lives(key string, x *Session) bool {
	now := s.clock.Now()
	seen := s.lastUsed(key, x)
	idle := s.idle > 0 && now.Sub(seen) >= s.idle
	ends := time.Unix(0, x.ends)
	x.LastUsed, x.Created = s.clock.Reckoned(x.LastUsed, seen), s.clock.Shown(x.Created, x.ran)
	x.Expires, x.ends, x.ran = s.clock.Reckoned(x.Expires, ends), 0, 0
	return now.Before(ends) && !idle
}

// lastSeen returns the running time at which a session was last used, and takes
// down the stamp of that.
func (s *Registry) lastUsed(key string, x *Session) time.Time {
	seen := s.clock.Place(clock.Nanos(x.LastUsed), x.ran)
	if stamp, ran, _ := s.uses.stamps(key); stamp != 0 {
		if used := s.clock.Place(stamp, ran); used.After(seen) {
			seen, x.LastUsed = used, clock.FromNanos(stamp)
		}
	}
	return seen
}

// UseSession notes that the session of that id, which is known, is used now from
// an address. It never waits.
func (s *Registry) UseSession(id, from string) { s.noteUse(sessionKey(id), from) }

// SessionsOf lists the sessions of a user that have not ended, oldest first.
func (s *Registry) SessionsOf(user string) []ListedSession {
	p := s.sessionsIn(s.engine.Snapshot())
	keys, _ := p.byUser.Get(user)
	var listed []ListedSession
	for _, key := range keys {
		x, _ := p.byKey.Get(key)
		if s.lives(key, &x) {
			listed = append(listed, ListedSession{Handle: handleOf(key), Session: x})
		}
	}
	return listed
}

// SessionHandle is the Handle of the session of that id.
func SessionHandle(id string) string { return handleOf(sessionKey(id)) }

// handleOf is enough of a key to tell it from others.
func handleOf(key string) string { return key[len(kindSession) : len(kindSession)+16] }

// EndSession ends a session for good, if it is known, and puts that on record.
// Errors are those of Push.
func (s *Registry) EndSession(ctx context.Context, id string, o audit.Origin) error {
	key := sessionKey(id)
	if _, ok := s.sessionsIn(s.engine.Snapshot()).byKey.Get(key); !ok {
		return nil
	}
	_, err := s.submit(ctx, &endSessionsOp{origin: o, keys: func(*batch) []string { return []string{key} }})
	return err
}

// EndSessionsOf ends the sessions of a user, or the one of that handle, puts it on
// record with why, and returns how many there were. Errors are those of Push.
func (s *Registry) EndSessionsOf(ctx context.Context, user, handle string, o audit.Origin, why string) (int, error) {
	op := &endSessionsOp{origin: o, why: why, keys: func(b *batch) []string {
		keys, _ := b.sessions().byUser.Get(user)
		return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return handle != "" && handleOf(key) != handle })
	}}
	_, err := s.submit(ctx, op)
	return op.ended, err
}

// EndSessionsWhere ends the sessions that match, puts it on record with why, and
// returns how many there were. Errors are those of Push.
func (s *Registry) EndSessionsWhere(ctx context.Context, match func(Session) bool, o audit.Origin, why string) (int, error) {
	op := &endSessionsOp{origin: o, why: why, keys: func(b *batch) (keys []string) {
		b.sessions().byKey.Scan(func(key string, x Session) bool {
			if match(x) {
				keys = append(keys, key)
			}
			return true
		})
		return keys
	}}
	_, err := s.submit(ctx, op)
	return op.ended, err
}

// sessionKey names the record of a session: who reads it cannot tell the id.
func sessionKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return kindSession + hex.EncodeToString(sum[:])
}

// sessions are the sessions of a snapshot.
type sessions struct {
	byKey  *btree.Map[string, Session]  // by the key of the record
	ends   *btree.Map[string, string]   // the keys by time, then key
	byUser *btree.Map[string, []string] // the keys of a user's, oldest first; never modified in place
}

func newSessions() sessions {
	return sessions{&btree.Map[string, Session]{}, &btree.Map[string, string]{}, &btree.Map[string, []string]{}}
}

// copy is cheap, as that of a snapshot.
func (s sessions) copy() sessions {
	return sessions{s.byKey.Copy(), s.ends.Copy(), s.byUser.Copy()}
}

// next returns when the next session ends, and its key.
func (s sessions) next() (at time.Time, key string, ok bool) {
	_, key, ok = s.ends.Min()
	if !ok {
		return time.Time{}, "", false
	}
	x, _ := s.byKey.Get(key)
	return time.Unix(0, x.ends), key, true
}

func (s sessions) put(key string, x Session) {
	s.remove(key)
	s.byKey.Set(key, x)
	s.ends.Set(clock.Key(x.ends, key), key)
	keys, _ := s.byUser.Get(x.ID)
	i := slices.IndexFunc(keys, func(other string) bool {
		o, _ := s.byKey.Get(other)
		return o.Created.After(x.Created)
	})
	if i < 0 {
		i = len(keys)
	}
	s.byUser.Set(x.ID, slices.Insert(slices.Clone(keys), i, key))
}

func (s sessions) remove(key string) {
	x, ok := s.byKey.Delete(key)
	if !ok {
		return
	}
	s.ends.Delete(clock.Key(x.ends, key))
	keys, _ := s.byUser.Get(x.ID)
	if keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == key }); len(keys) > 0 {
		s.byUser.Set(x.ID, keys)
	} else {
		s.byUser.Delete(x.ID)
	}
}

// settle gives all sessions their ends on the running time.
func (s sessions) settle(c *clock.Clock) {
	var keys []string
	s.byKey.Scan(func(key string, _ Session) bool {
		keys = append(keys, key)
		return true
	})
	s.ends.Clear()
	for _, key := range keys {
		x, _ := s.byKey.Get(key)
		x.ends = x.endOf(c)
		s.byKey.Set(key, x)
		s.ends.Set(clock.Key(x.ends, key), key)
	}
}

// endOf is when a session ends, in Unix nanoseconds of the running time.
func (x *Session) endOf(c *clock.Clock) int64 {
	if x.Created.IsZero() {
		return c.Reached(x.Expires).UnixNano()
	}
	return c.Place(clock.Nanos(x.Created), x.ran).Add(x.Expires.Sub(x.Created)).UnixNano()
}

type createSessionOp struct {
	key     string
	session Session
}

func (op *createSessionOp) apply(b *batch) error {
	for {
		keys, _ := b.sessions().byUser.Get(op.session.ID)
		if len(keys) < maxSessionsPerUser {
			break
		}
		b.endSession(keys[0])
	}
	for b.sessions().byKey.Len() >= maxSessions {
		_, key, _ := b.sessions().next()
		b.endSession(key)
	}
	op.session.begin(b.clock)
	b.sessions().put(op.key, op.session)
	b.Add(journal.Change{Key: op.key, Value: op.session.encode()})
	entry := audit.NewEntry(b.Batch, audit.SignIn, op.session.origin())
	entry.What, entry.Message, entry.Count = op.session.Name, "role "+op.session.Role, 1
	b.log.Add(b.Batch, entry)
	return nil
}

// begin gives a session that was made a moment ago its place on the running time.
func (x *Session) begin(c *clock.Clock) {
	set := c.Stamp().Sub(c.Now())
	x.ran = c.Ran(x.Created.Add(-set))
	x.ends = x.Expires.Add(-set).UnixNano()
}

// origin is the user of the session.
func (x *Session) origin() audit.Origin {
	return audit.Origin{By: x.Name, From: x.From, Via: x.Scheme, ID: x.ID}
}

// endSessionsOp ends the sessions of those keys that there are.
type endSessionsOp struct {
	keys   func(*batch) []string
	origin audit.Origin
	why    string
	ended  int
}

func (op *endSessionsOp) apply(b *batch) error {
	op.ended = 0
	var last Session
	for _, key := range op.keys(b) {
		if x, ok := b.sessions().byKey.Get(key); ok {
			b.endSession(key)
			op.ended++
			last = x
		}
	}
	if op.ended > 0 {
		entry := audit.NewEntry(b.Batch, audit.SignOut, op.origin)
		entry.What, entry.Message, entry.Count = last.Name, op.why, op.ended
		b.log.Add(b.Batch, entry)
	}
	return nil
}

func (b *batch) endSession(key string) {
	b.sessions().remove(key)
	b.Add(journal.Change{Key: key})
	b.dropUse(key)
}

// sessionTable is the sessions.
type sessionTable struct {
	commit.Passive
	*Registry
	idleAt time.Time // when to look for sessions that nobody uses
}

// Prefix is part of commit.Table.
func (*sessionTable) Prefix() string { return kindSession }

// Apply is part of commit.Table.
func (t *sessionTable) Apply(tx *commit.Transaction, r commit.Event) error {
	if r.Value == nil {
		t.change(tx).remove(r.Key)
		return nil
	}
	x, err := decodeSession(r.Value)
	if err != nil {
		return err
	}
	tx.Learn(clock.Nanos(x.Created), x.ran)
	x.ends = x.endOf(t.clock)
	t.change(tx).put(r.Key, x)
	return nil
}

// Copy is part of commit.Table.
func (*sessionTable) Copy(state any) any {
	if state == nil {
		return newSessions()
	}
	return state.(sessions).copy()
}

// change returns the sessions of a transaction for modification.
func (s *Registry) change(tx *commit.Transaction) sessions {
	return tx.Change(s.sessionSlot).(sessions)
}

// Settle is part of commit.Settler.
func (t *sessionTable) Settle(tx *commit.Transaction) { t.change(tx).settle(t.clock) }

// Lasts is part of commit.Settler.
func (t *sessionTable) Lasts(p *commit.Snapshot) bool { return t.sessionsIn(p).byKey.Len() > 0 }

// Due is part of commit.Table.
func (t *sessionTable) Due(durable *commit.Snapshot) (at time.Time, ok bool) {
	at, _, ok = t.sessionsIn(durable).next()
	return at, ok
}

// Tidy forgets the sessions whose time is over.
func (t *sessionTable) Tidy(b *commit.Batch) {
	if t.clock.Holding() {
		return
	}
	now := t.clock.Now()
	for range commit.Chunk {
		at, key, ok := t.sessionsIn(b.Snapshot).next()
		if !ok || at.After(now) {
			break
		}
		t.in(b).endSession(key)
	}
	if t.idle <= 0 || now.Before(t.idleAt) {
		return
	}
	t.idleAt = now.Add(saveUsesEvery)
	for _, key := range t.idleSessions(t.sessionsIn(b.Snapshot), now) {
		t.in(b).endSession(key)
	}
}

// idleSessions are those that nobody has used for too long, as other stores on
// the journal would know by now.
func (s *Registry) idleSessions(of sessions, now time.Time) (idle []string) {
	of.byKey.Scan(func(key string, x Session) bool {
		if now.Sub(s.lastUsed(key, &x)) >= s.idle+2*saveUsesEvery {
			idle = append(idle, key)
		}
		return len(idle) < commit.Chunk
	})
	return idle
}

func (x Session) encode() []byte {
	return record.Marshal(&record.Session{
		Format: record.Format, Scheme: x.Scheme, Id: x.ID, Name: x.Name, Role: x.Role,
		Created: clock.Nanos(x.Created), Ran: x.ran, Seen: clock.Nanos(x.LastUsed), Expires: clock.Nanos(x.Expires),
		Credential: x.Credential, Extra: x.Extra, Provider: x.Provider, From: x.From, Agent: x.UserAgent,
	})
}

func decodeSession(b []byte) (Session, error) {
	var r record.Session
	err := record.Unmarshal(b, &r)
	return Session{
		Scheme: r.Scheme, ID: r.Id, Name: r.Name, Role: r.Role,
		Created: clock.FromNanos(r.Created), ran: r.Ran, LastUsed: clock.FromNanos(r.Seen), Expires: clock.FromNanos(r.Expires),
		Credential: r.Credential, Extra: r.Extra, Provider: r.Provider, From: r.From, UserAgent: r.Agent,
	}, err
}
