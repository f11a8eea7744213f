package storetest

import (
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store"
)

// NewSession returns a session of alice.
func NewSession(began time.Time, change ...func(*auth.Session)) auth.Session {
	x := auth.Session{
		Scheme: "basic", ID: "user:alice", Name: "alice", Role: auth.Admin,
		Created: began, LastUsed: began, Expires: began.Add(time.Hour),
		Credential: []byte{0, 1, 255}, Extra: []byte("more"), Provider: "sid", From: "::1", UserAgent: "Firefox",
	}
	for _, f := range change {
		f(&x)
	}
	return x
}

// MustCreateSession stores a session.
func MustCreateSession(t testing.TB, s *store.Store, id string, x auth.Session) {
	t.Helper()
	if err := s.CreateSession(t.Context(), id, x); err != nil {
		t.Fatalf("session %s: %v", id, err)
	}
}

// KnownSessions returns the ids whose sessions exist.
func KnownSessions(s *store.Store, ids ...string) string {
	var found []string
	for _, id := range ids {
		if _, ok := s.Session(id); ok {
			found = append(found, id)
		}
	}
	return strings.Join(found, " ")
}
