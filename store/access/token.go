package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"gatehouse/auth"
	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/key"
)

// maxTokens bounds the API tokens of a store.
const maxTokens = 10_000

// Token is an API token with what it may act on and what it is known by. It is
// immutable.
type Token struct {
	auth.Token
	Scope key.Selectors // groupings must satisfy it; none: all
	// Secrets are the valid ones, newest first: two while one replaces the
	// other.
	Secrets []TokenSecret
}

// TokenSecret describes a secret without holding it.
type TokenSecret struct {
	Digest           [sha256.Size]byte
	Hint             string // its last characters
	Created, Expires time.Time

	ran int64 // the ran time of Created, as of clock.Clock; 0: not known
}

// Expires is when the token ends; zero: never.
func (t *Token) Expires() time.Time { return t.Secrets[0].Expires }

// Expired reports whether a secret of a token has ended. The newest one's end is
// the token's.
func (s *Registry) Expired(x *TokenSecret) bool { return x.expired(s.clock) }

// expired reports whether the secret has ended: on its day, as the clock has it,
// and after its time even if the clock was set back since.
func (x *TokenSecret) expired(c *clock.Clock) bool {
	if x.Expires.IsZero() {
		return false
	}
	over := c.Now().Sub(c.Place(clock.Nanos(x.Created), x.ran)) >= x.Expires.Sub(x.Created)
	return over || !c.Stamp().Before(x.Expires)
}

var (
	// ErrNoToken says that there is no such token.
	ErrNoToken = errors.New("there is no such token")
	// ErrTokenMaker says that a token was made by a signed-in user and is to be
	// changed by a caller without sign-in, or the other way round.
	ErrTokenMaker = errors.New("a token made without sign-in can be rotated only without sign-in, and any other only with a credential; create another one")
	// ErrTokenName says that a token has that name already.
	ErrTokenName = errors.New("there is a token of that name already")

	errNoRole = errors.New("the token has no role that is known")
)

// tokenPrefix identifies a secret for people, and for programs that look for
// leaked secrets.
const tokenPrefix = "gatehouse_"

// hintLength is how much of a secret is shown later.
const hintLength = 4

// newSecret makes a secret with more than 128 random bits.
func newSecret() string { return tokenPrefix + strings.ToLower(rand.Text()+rand.Text()) }

func (b *batch) secretOf(plain string, expires time.Time) TokenSecret {
	return TokenSecret{Digest: sha256.Sum256([]byte(plain)), Hint: plain[len(plain)-hintLength:], Created: b.Now, Expires: expires, ran: b.Ran}
}

// NewToken describes a token to create.
type NewToken struct {
	Name     string
	Role     auth.Role
	Scope    key.Selectors
	Lifetime time.Duration // 0: it does not expire
}

// CreateToken makes a token durable, puts that on record, and returns it with
// its secret, which is never returned again. Errors: ErrTokenName, a
// *LimitError, and those of Push.
func (s *Registry) CreateToken(ctx context.Context, n NewToken, o audit.Origin) (*Token, string, error) {
	op := &createTokenOp{NewToken: n, origin: o, plain: newSecret()}
	if _, err := s.submit(ctx, op); err != nil {
		return nil, "", err
	}
	return op.made, op.plain, nil
}

// RotateToken gives a token a new secret and returns it. The new one is good for
// as long as the old one was when it was made; the old one, at the most, for
// overlap from now on. Errors: ErrNoToken, ErrTokenMaker and those of Push.
func (s *Registry) RotateToken(ctx context.Context, id string, overlap time.Duration, o audit.Origin) (*Token, string, error) {
	op := &rotateTokenOp{id: id, overlap: overlap, origin: o, plain: newSecret()}
	if _, err := s.submit(ctx, op); err != nil {
		return nil, "", err
	}
	return op.made, op.plain, nil
}

// RevokeToken ends a token for good and returns it as it was. The store keeps
// the fact that it existed, if its creator was known. Errors: ErrNoToken and
// those of Push.
func (s *Registry) RevokeToken(ctx context.Context, id string, o audit.Origin) (*Token, error) {
	op := &revokeTokenOp{id: id, origin: o}
	_, err := s.submit(ctx, op)
	return op.was, err
}

// FindToken returns the token that has that secret and has not expired. It looks
// at nothing but memory, and its time says nothing about other secrets.
func (s *Registry) FindToken(secret string) (*Token, bool) {
	digest := sha256.Sum256([]byte(secret))
	p := s.tokensIn(s.engine.Snapshot())
	id, ok := tokenTrees(p).byDigest.Get(string(digest[:]))
	if !ok {
		return nil, false
	}
	t, _ := tokenTrees(p).byID.Get(id)
	i := slices.IndexFunc(t.Secrets, func(x TokenSecret) bool { return x.Digest == digest })
	return t, !t.Secrets[i].expired(s.clock)
}

// TokenPrincipal returns the principal of requests with that secret, and notes
// that they came from that address. The error says for the log why it is
// denied.
func (s *Registry) TokenPrincipal(secret, from string) (auth.Principal, error) {
	t, ok := s.FindToken(secret)
	switch {
	case !ok:
		return auth.Principal{}, auth.ErrUnknownToken
	case !t.Authenticated: // while all is open, tokens made without sign-in are denied
		return auth.Principal{}, auth.ErrUnsignedToken
	case t.Role == auth.NoRole:
		return auth.Principal{}, errNoRole
	}
	s.UseToken(t.ID, from)
	return t.Principal(t.Scope.String()), nil
}

// HasToken reports whether a token of that secret lets clients in. It is no use of it.
func (s *Registry) HasToken(secret string) bool {
	t, ok := s.FindToken(secret)
	return ok && t.Authenticated && t.Role != auth.NoRole
}

// UsableTokens returns how many tokens let somebody in. It looks at all of them.
func (s *Registry) UsableTokens() int {
	n := 0
	for t := range s.TokensIn(s.engine.Snapshot()).All() {
		if t.Authenticated && !s.Expired(&t.Secrets[0]) {
			n++
		}
	}
	return n
}

// KnowsTokens reports whether a known user has ever made a token here, also if
// it was revoked or has expired.
func (s *Registry) KnowsTokens() bool { return s.TokensIn(s.engine.Snapshot()).Known() }

// UseToken notes that a token, which there is, is used now from an address. It
// never waits.
func (s *Registry) UseToken(id, from string) { s.noteUse(kindToken+id, from) }

// TokenUsed returns when a token was last used, and from where; zero: never. What
// happened in other processes is known a minute later.
func (s *Registry) TokenUsed(id string) (at time.Time, from string) {
	stamp, ran, from := s.uses.stamps(kindToken + id)
	return s.clock.Shown(clock.FromNanos(stamp), ran), from
}

// Token returns the token of that ID.
func (p Tokens) Token(id string) (*Token, bool) {
	t, ok := tokenTrees(p.tokens).byID.Get(id)
	return shownToken(p.clock, t), ok
}

// shownToken is a token with the time of its making as that is to be shown.
func shownToken(c *clock.Clock, t *Token) *Token {
	if t == nil {
		return nil
	}
	made := c.Shown(t.Created, t.Secrets[len(t.Secrets)-1].ran)
	if made.Equal(t.Created) {
		return t
	}
	x := *t
	x.Created = made
	return &x
}

// All yields all tokens by their names, the expired ones too.
func (p Tokens) All() iter.Seq[*Token] {
	return func(yield func(*Token) bool) {
		tokenTrees(p.tokens).byName.Scan(func(_, id string) bool {
			t, _ := tokenTrees(p.tokens).byID.Get(id)
			return yield(shownToken(p.clock, t))
		})
	}
}

// Known reports whether a known user has ever made a token here, also if it was
// revoked or has expired.
func (p Tokens) Known() bool { return tokenTrees(p.tokens).known.Len() > 0 }

// Tokens are the API tokens of a snapshot.
type Tokens struct {
	tokens
	clock *clock.Clock
}
