package access

import (
	"slices"
	"time"

	"github.com/tidwall/btree"

	"gatehouse/auth"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/record"
)

// sessions are the sessions of a snapshot.
//
// Their trees are a *sessionTree. Its type is kept out of this one, because every
// package that uses a registry would compile all instances of the B-tree anew.
type sessions struct{ trees any }

type sessionTree struct {
	byKey  *btree.Map[string, session]  // by the key of the record
	ends   *btree.Map[string, string]   // the keys by time, then key
	byUser *btree.Map[string, []string] // the keys of a user's, oldest first; never modified in place
}

func sessionTrees(s sessions) *sessionTree { return s.trees.(*sessionTree) }

func newSessions() sessions {
	return sessions{&sessionTree{&btree.Map[string, session]{}, &btree.Map[string, string]{}, &btree.Map[string, []string]{}}}
}

// copy is cheap, as that of a snapshot.
func (s sessions) copy() sessions {
	t := sessionTrees(s)
	return sessions{&sessionTree{t.byKey.Copy(), t.ends.Copy(), t.byUser.Copy()}}
}

// next returns when the next session ends, and its key.
func (s sessions) next() (at time.Time, key string, ok bool) {
	_, key, ok = sessionTrees(s).ends.Min()
	if !ok {
		return time.Time{}, "", false
	}
	x, _ := sessionTrees(s).byKey.Get(key)
	return time.Unix(0, x.ends), key, true
}

func (s sessions) put(key string, x session) {
	s.remove(key)
	sessionTrees(s).byKey.Set(key, x)
	sessionTrees(s).ends.Set(clock.Key(x.ends, key), key)
	keys, _ := sessionTrees(s).byUser.Get(x.ID)
	i := slices.IndexFunc(keys, func(other string) bool {
		o, _ := sessionTrees(s).byKey.Get(other)
		return o.Created.After(x.Created)
	})
	if i < 0 {
		i = len(keys)
	}
	sessionTrees(s).byUser.Set(x.ID, slices.Insert(slices.Clone(keys), i, key))
}

func (s sessions) remove(key string) {
	x, ok := sessionTrees(s).byKey.Delete(key)
	if !ok {
		return
	}
	sessionTrees(s).ends.Delete(clock.Key(x.ends, key))
	keys, _ := sessionTrees(s).byUser.Get(x.ID)
	if keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == key }); len(keys) > 0 {
		sessionTrees(s).byUser.Set(x.ID, keys)
	} else {
		sessionTrees(s).byUser.Delete(x.ID)
	}
}

// settle gives all sessions their ends on the running time.
func (s sessions) settle(c *clock.Clock) {
	var keys []string
	sessionTrees(s).byKey.Scan(func(key string, _ session) bool {
		keys = append(keys, key)
		return true
	})
	sessionTrees(s).ends.Clear()
	for _, key := range keys {
		x, _ := sessionTrees(s).byKey.Get(key)
		x.ends = x.endOf(c)
		sessionTrees(s).byKey.Set(key, x)
		sessionTrees(s).ends.Set(clock.Key(x.ends, key), key)
	}
}

// endOf is when a session ends, in Unix nanoseconds of the running time.
func (x *session) endOf(c *clock.Clock) int64 {
	if x.Created.IsZero() {
		return c.Reached(x.Expires).UnixNano()
	}
	return c.Place(clock.Nanos(x.Created), x.ran).Add(x.Expires.Sub(x.Created)).UnixNano()
}

// sessionTable is the sessions.
type sessionTable struct {
	commit.Passive
	*Registry
	idleAt time.Time // when to look for unused sessions
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
func (t *sessionTable) Lasts(p *commit.Snapshot) bool {
	return sessionTrees(t.sessionsIn(p)).byKey.Len() > 0
}

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

// idleSessions returns those unused for too long, as other stores on the
// journal would know by now.
func (s *Registry) idleSessions(of sessions, now time.Time) (idle []string) {
	sessionTrees(of).byKey.Scan(func(key string, x session) bool {
		if now.Sub(s.lastUsed(key, &x)) >= s.idle+2*saveUsesEvery {
			idle = append(idle, key)
		}
		return len(idle) < commit.Chunk
	})
	return idle
}

func (x session) encode() []byte {
	return record.Marshal(&record.Session{
		Format: record.Format, Scheme: string(x.Scheme), Id: x.ID, Name: x.Name, Role: x.role,
		Created: clock.Nanos(x.Created), Ran: x.ran, Seen: clock.Nanos(x.LastUsed), Expires: clock.Nanos(x.Expires),
		Credential: x.Credential, Extra: x.Extra, Provider: x.Provider, From: x.From, Agent: x.UserAgent,
	})
}

func decodeSession(b []byte) (session, error) {
	var r record.Session
	err := record.Unmarshal(b, &r)
	x := auth.Session{
		Scheme: auth.Scheme(r.Scheme), ID: r.Id, Name: r.Name, Role: roleOf(r.Role),
		Created: clock.FromNanos(r.Created), LastUsed: clock.FromNanos(r.Seen), Expires: clock.FromNanos(r.Expires),
		Credential: r.Credential, Extra: r.Extra, Provider: r.Provider, From: r.From, UserAgent: r.Agent,
	}
	return session{Session: x, role: r.Role, ran: r.Ran}, err
}

// roleOf is the role of that name. By a name that is not known nothing is granted.
func roleOf(text string) auth.Role {
	r, err := auth.ParseRole(text)
	if err != nil {
		return auth.NoRole
	}
	return r
}
