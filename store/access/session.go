package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"gatehouse/auth"
	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/journal"
)

// Limits of the number of sessions. A user's oldest ones, or of all users those
// that end first, make room for new ones.
const (
	maxSessions        = 10_000
	maxSessionsPerUser = 20
)

// session is a session with its place on the running time.
type session struct {
	auth.Session

	role string // Role in the words of the record, which may be of another version
	ran  int64  // the ran time of Created, as of clock.Clock; 0: not known
	// ends is when it ends, in Unix nanoseconds of the running time.
	ends int64
}

// ListedSession is a session as its user sees it in a list.
type ListedSession struct {
	Handle string // names it; is no secret
	auth.Session
}

// CreateSession makes a session durable and known under id, which must be
// impossible to guess: only its digest is kept. The sign-in comes on record
// with it. Where the user or the store has too many sessions then, old ones
// end. Errors are those of Push.
func (s *Registry) CreateSession(ctx context.Context, id string, x auth.Session) error {
	_, err := s.submit(ctx, &createSessionOp{sessionKey(id), session{Session: x, role: x.Role.String()}})
	return err
}

// BeginSession is CreateSession of a session that begins now, by the clock that it is
// judged by, and lasts as long as that from x.Created to x.Expires.
func (s *Registry) BeginSession(ctx context.Context, id string, x auth.Session) error {
	now := s.clock.Stamp()
	x.Expires = now.Add(x.Expires.Sub(x.Created))
	x.Created, x.LastUsed = now, now
	return s.CreateSession(ctx, id, x)
}

// Session returns the session of that id unless it has ended. It looks at
// nothing but memory. Its slices must not be modified.
func (s *Registry) Session(id string) (auth.Session, bool) {
	key := sessionKey(id)
	x, ok := sessionTrees(s.sessionsIn(s.engine.Snapshot())).byKey.Get(key)
	if !ok || !s.lives(key, &x) {
		return auth.Session{}, false
	}
	return x.Session, true
}

// lives reports whether a session has not ended, and takes down when it was last
// used.
func (s *Registry) lives(key string, x *session) bool {
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
func (s *Registry) lastUsed(key string, x *session) time.Time {
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
	keys, _ := sessionTrees(p).byUser.Get(user)
	var listed []ListedSession
	for _, key := range keys {
		x, _ := sessionTrees(p).byKey.Get(key)
		if s.lives(key, &x) {
			listed = append(listed, ListedSession{Handle: handleOf(key), Session: x.Session})
		}
	}
	return listed
}

// SessionHandle is the Handle of the session of that id.
func SessionHandle(id string) string { return handleOf(sessionKey(id)) }

// handleOf returns enough of a key to distinguish it from others.
func handleOf(key string) string { return key[len(kindSession) : len(kindSession)+16] }

// SignOut is EndSession by the user of the session, from an address.
func (s *Registry) SignOut(ctx context.Context, id, from string) error {
	o := audit.Origin{From: from, Via: string(auth.SessionCookie)}
	if x, ok := s.Session(id); ok {
		o.By, o.ID = x.Name, x.ID
	}
	return s.EndSession(ctx, id, o)
}

// EndSession ends a session for good, if it is known, and puts that on record.
// Errors are those of Push.
func (s *Registry) EndSession(ctx context.Context, id string, o audit.Origin) error {
	key := sessionKey(id)
	if _, ok := sessionTrees(s.sessionsIn(s.engine.Snapshot())).byKey.Get(key); !ok {
		return nil
	}
	_, err := s.submit(ctx, &endSessionsOp{origin: o, keys: func(*batch) []string { return []string{key} }})
	return err
}

// EndSessionsOf ends the sessions of a user, or the one of that handle, puts it on
// record with why, and returns how many there were. Errors are those of Push.
func (s *Registry) EndSessionsOf(ctx context.Context, user, handle string, o audit.Origin, why string) (int, error) {
	op := &endSessionsOp{origin: o, why: why, keys: func(b *batch) []string {
		keys, _ := sessionTrees(b.sessions()).byUser.Get(user)
		return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return handle != "" && handleOf(key) != handle })
	}}
	_, err := s.submit(ctx, op)
	return op.ended, err
}

// EndSessionsWhere ends the sessions that match, puts it on record with why, and
// returns how many there were. Errors are those of Push.
func (s *Registry) EndSessionsWhere(ctx context.Context, match func(auth.Session) bool, o audit.Origin, why string) (int, error) {
	op := &endSessionsOp{origin: o, why: why, keys: func(b *batch) (keys []string) {
		sessionTrees(b.sessions()).byKey.Scan(func(key string, x session) bool {
			if match(x.Session) {
				keys = append(keys, key)
			}
			return true
		})
		return keys
	}}
	_, err := s.submit(ctx, op)
	return op.ended, err
}

// sessionKey names the record of a session: its readers cannot compute the id.
func sessionKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return kindSession + hex.EncodeToString(sum[:])
}

type createSessionOp struct {
	key     string
	session session
}

func (op *createSessionOp) apply(b *batch) error {
	for {
		keys, _ := sessionTrees(b.sessions()).byUser.Get(op.session.ID)
		if len(keys) < maxSessionsPerUser {
			break
		}
		b.endSession(keys[0])
	}
	for sessionTrees(b.sessions()).byKey.Len() >= maxSessions {
		_, key, _ := b.sessions().next()
		b.endSession(key)
	}
	op.session.begin(b.clock)
	b.sessions().put(op.key, op.session)
	b.Add(journal.Change{Key: op.key, Value: op.session.encode()})
	entry := audit.NewEntry(b.Batch, audit.SignIn, op.session.origin())
	entry.What, entry.Message, entry.Count = op.session.Name, "role "+op.session.role, 1
	b.log.Add(b.Batch, entry)
	return nil
}

// begin gives a session that was made a moment ago its place on the running time.
func (x *session) begin(c *clock.Clock) {
	set := c.Stamp().Sub(c.Now())
	x.ran = c.Ran(x.Created.Add(-set))
	x.ends = x.Expires.Add(-set).UnixNano()
}

// origin is the user of the session.
func (x *session) origin() audit.Origin {
	return audit.Origin{By: x.Name, From: x.From, Via: string(x.Scheme), ID: x.ID}
}

// endSessionsOp ends the sessions of those keys, as far as they exist.
type endSessionsOp struct {
	keys   func(*batch) []string
	origin audit.Origin
	why    string
	ended  int
}

func (op *endSessionsOp) apply(b *batch) error {
	op.ended = 0
	var last session
	for _, key := range op.keys(b) {
		if x, ok := sessionTrees(b.sessions()).byKey.Get(key); ok {
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
