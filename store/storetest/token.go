package storetest

import (
	"testing"

	"gatehouse/store"
)

// Ana is a user who signed in.
var Ana = store.Origin{By: "ana", From: "::1", Via: "session", ID: "user:ana"}

// MustCreateToken has Ana create a token and returns it with its secret.
func MustCreateToken(t testing.TB, s *store.Store, n store.NewToken) (*store.Token, string) {
	t.Helper()
	x, secret, err := s.CreateToken(t.Context(), n, Ana)
	if err != nil {
		t.Fatal(err)
	}
	return x, secret
}

// Lets reports whether a secret is of a token that can be used.
func Lets(s *store.Store, secret string) bool {
	_, ok := s.FindToken(secret)
	return ok
}
