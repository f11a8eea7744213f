package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/tidwall/btree"
	"google.golang.org/protobuf/encoding/protowire"
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
	Name   string // the user, together with Scheme
	Role   string
	// Created, Seen and Expires are when the session began, was last taken
	// note of, and ends.
	Created, Seen, Expires time.Time
	// Credential ties the session to what the user signed in with. It is kept
	// as it is: it must not tell who reads the disk what that was.
	Credential []byte
	// Extra is for whoever made the session.
	Extra []byte
}

// CreateSession makes a session durable and known under id, which must be
// impossible to guess: of it only a digest is kept. Where the user or the store
// has too many sessions then, old ones end. Errors are those of Push.
func (s *Store) CreateSession(ctx context.Context, id string, x Session) error {
	_, err := s.submit(ctx, &createSessionOp{sessionKey(id), x})
	return err
}

// Session returns the session of that id unless it has ended. It looks at
// nothing but memory.
func (s *Store) Session(id string) (Session, bool) {
	x, ok := s.Picture().sessions.byKey.Get(sessionKey(id))
	if !ok || !s.o.Now().Before(x.Expires) {
		return Session{}, false
	}
	return x, true
}

// EndSession ends a session for good, if it is known. Errors are those of Push.
func (s *Store) EndSession(ctx context.Context, id string) error {
	key := sessionKey(id)
	if _, ok := s.Picture().sessions.byKey.Get(key); !ok {
		return nil
	}
	_, err := s.submit(ctx, &endSessionsOp{keys: func(*batch) []string { return []string{key} }})
	return err
}

// EndSessionsOf ends all sessions of a user of a scheme and returns how many
// there were. Errors are those of Push.
func (s *Store) EndSessionsOf(ctx context.Context, scheme, name string) (int, error) {
	op := &endSessionsOp{keys: func(b *batch) []string {
		keys, _ := b.sessions.byUser.Get(userKey(scheme, name))
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

// userKey is different for different users: no scheme has a zero byte.
func userKey(scheme, name string) string { return scheme + "\x00" + name }

// sessions are the sessions of a picture.
type sessions struct {
	byKey  *btree.Map[string, Session]  // by the key of the record
	ends   *btree.Map[string, string]   // the keys by time, then key
	byUser *btree.Map[string, []string] // the keys of a user's, oldest first; never modified in place
}

func newSessions() sessions {
	return sessions{&btree.Map[string, Session]{}, &btree.Map[string, string]{}, &btree.Map[string, []string]{}}
}

// copy is cheap, as that of a picture.
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
	return x.Expires, key, true
}

func (s sessions) put(key string, x Session) {
	s.remove(key)
	s.byKey.Set(key, x)
	s.ends.Set(timeKey(x.Expires.UnixNano(), key), key)
	user := userKey(x.Scheme, x.Name)
	keys, _ := s.byUser.Get(user)
	i := slices.IndexFunc(keys, func(other string) bool {
		o, _ := s.byKey.Get(other)
		return o.Created.After(x.Created)
	})
	if i < 0 {
		i = len(keys)
	}
	s.byUser.Set(user, slices.Insert(slices.Clone(keys), i, key))
}

func (s sessions) remove(key string) {
	x, ok := s.byKey.Delete(key)
	if !ok {
		return
	}
	s.ends.Delete(timeKey(x.Expires.UnixNano(), key))
	user := userKey(x.Scheme, x.Name)
	keys, _ := s.byUser.Get(user)
	if keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == key }); len(keys) > 0 {
		s.byUser.Set(user, keys)
	} else {
		s.byUser.Delete(user)
	}
}

type createSessionOp struct {
	key     string
	session Session
}

func (op *createSessionOp) apply(b *batch) error {
	user := userKey(op.session.Scheme, op.session.Name)
	for {
		keys, _ := b.sessions.byUser.Get(user)
		if len(keys) < maxSessionsPerUser {
			break
		}
		b.endSession(keys[0])
	}
	for b.sessions.byKey.Len() >= maxSessions {
		_, key, _ := b.sessions.next()
		b.endSession(key)
	}
	b.sessions.put(op.key, op.session)
	b.add("", Change{Key: op.key, Value: op.session.encode()})
	return nil
}

// endSessionsOp ends the sessions of those keys that there are.
type endSessionsOp struct {
	keys  func(*batch) []string
	ended int
}

func (op *endSessionsOp) apply(b *batch) error {
	op.ended = 0
	for _, key := range op.keys(b) {
		if _, ok := b.sessions.byKey.Get(key); ok {
			b.endSession(key)
			op.ended++
		}
	}
	return nil
}

func (b *batch) endSession(key string) {
	b.sessions.remove(key)
	b.add("", Change{Key: key})
}

// sweepSessions forgets the sessions whose time is over.
func (c *committer) sweepSessions(b *batch) {
	for range deleteChunk {
		at, key, ok := b.sessions.next()
		if !ok || at.After(c.o.Now()) {
			return
		}
		b.endSession(key)
	}
}

func takeSession(e *edit, r Record) error {
	if r.Value == nil {
		e.sessions.remove(r.Key)
		return nil
	}
	x, err := decodeSession(r.Value)
	if err != nil {
		return err
	}
	e.sessions.put(r.Key, x)
	return nil
}

// Field numbers. They are part of the format on disk: never reuse one.
const (
	sessionScheme     protowire.Number = 2
	sessionName       protowire.Number = 3
	sessionRole       protowire.Number = 4
	sessionCreated    protowire.Number = 5
	sessionSeen       protowire.Number = 6
	sessionExpires    protowire.Number = 7
	sessionCredential protowire.Number = 8
	sessionExtra      protowire.Number = 9
)

func (x Session) encode() []byte {
	b := appendVarint(nil, fieldFormat, recordFormat)
	b = appendString(b, sessionScheme, x.Scheme)
	b = appendString(b, sessionName, x.Name)
	b = appendString(b, sessionRole, x.Role)
	b = appendUnix(b, sessionCreated, x.Created)
	b = appendUnix(b, sessionSeen, x.Seen)
	b = appendUnix(b, sessionExpires, x.Expires)
	b = appendString(b, sessionCredential, x.Credential)
	return appendString(b, sessionExtra, x.Extra)
}

func appendUnix(b []byte, n protowire.Number, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendVarint(b, n, uint64(t.UnixNano()))
}

// decodeSession copies all that it keeps.
func decodeSession(b []byte) (x Session, err error) {
	err = eachVersionedField(b, func(n protowire.Number, v fieldValue) error {
		switch n {
		case sessionScheme:
			x.Scheme = string(v.bytes)
		case sessionName:
			x.Name = string(v.bytes)
		case sessionRole:
			x.Role = string(v.bytes)
		case sessionCreated:
			x.Created = unixNano(int64(v.number))
		case sessionSeen:
			x.Seen = unixNano(int64(v.number))
		case sessionExpires:
			x.Expires = unixNano(int64(v.number))
		case sessionCredential:
			x.Credential = slices.Clone(v.bytes)
		case sessionExtra:
			x.Extra = slices.Clone(v.bytes)
		}
		return nil
	})
	return x, err
}
