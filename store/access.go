package store

import (
	"context"

	"gatehouse/store/access"
)

// Sessions and API tokens for callers of a store, see the package access.
type (
	// ListedSession is a session as its user sees it in a list, see
	// access.ListedSession.
	ListedSession = access.ListedSession
	// Token is an API token, see access.Token.
	Token = access.Token
	// TokenSecret describes a secret, see access.TokenSecret.
	TokenSecret = access.TokenSecret
	// NewToken describes a token to create, see access.NewToken.
	NewToken = access.NewToken
)

// Errors about tokens, see the package access.
var (
	ErrNoToken    = access.ErrNoToken
	ErrTokenMaker = access.ErrTokenMaker
	ErrTokenName  = access.ErrTokenName
)

// SessionHandle is the Handle of the session of that id.
func SessionHandle(id string) string { return access.SessionHandle(id) }

// SigningKey returns 32 random bytes that are the same in all stores on the journal
// and after restarts, see access.Registry.
func (s *Store) SigningKey(ctx context.Context) ([]byte, error) { return s.Registry.SigningKey(ctx) }
