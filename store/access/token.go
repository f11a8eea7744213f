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

	"github.com/tidwall/btree"

	"gatehouse/store/audit"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/key"
	"gatehouse/store/record"
)

// maxTokens bounds the API tokens of a store.
const maxTokens = 10_000

// Token is an API token: what a program signs in with. It is immutable.
type Token struct {
	ID        string // names it in addresses; is of no use to whoever wants to have it
	Name      string // for people; no other token has it
	Role      string
	Scope     key.Selectors // groupings must satisfy it; none: all
	Created   time.Time
	CreatedBy string
	// Authenticated: whoever made it had signed in, or was known otherwise. A store
	// that knows such a token is not for strangers.
	Authenticated bool
	// Secrets are those that it is known by, newest first: two while one takes
	// the place of the other.
	Secrets []TokenSecret
}

// TokenSecret is what is kept of a secret.
type TokenSecret struct {
	Digest           [sha256.Size]byte
	Hint             string // its last characters
	Created, Expires time.Time

	ran int64 // the ran time of Created, as of clock; 0: not known
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
	// ErrTokenMaker says that a token was made by somebody who had signed in and is
	// to be changed by somebody who has not, or the other way round.
	ErrTokenMaker = errors.New("a token that was made without sign-in, or is to be rotated without, stays as it is; make another one")
	// ErrTokenName says that a token has that name already.
	ErrTokenName = errors.New("there is a token of that name already")
)

// tokenPrefix tells people, and programs that look for leaked secrets, what they
// have found.
const tokenPrefix = "gatehouse_"

// hintLength is how much of a secret is shown later.
const hintLength = 4

// newSecret makes a secret with more than 128 bits that nobody can guess.
func newSecret() string { return tokenPrefix + strings.ToLower(rand.Text()+rand.Text()) }

func (b *batch) secretOf(plain string, expires time.Time) TokenSecret {
	return TokenSecret{Digest: sha256.Sum256([]byte(plain)), Hint: plain[len(plain)-hintLength:], Created: b.Now, Expires: expires, ran: b.Ran}
}

// NewToken is what a token is to be.
type NewToken struct {
	Name, Role string
	Scope      key.Selectors
	Lifetime   time.Duration // 0: it does not expire
}

// CreateToken makes a token durable, puts that on record, and returns it with
// its secret, which nobody will ever learn again. Errors: ErrTokenName, a
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

// RevokeToken ends a token for good and returns what it was. The store goes on to
// know that there was one, if whoever made it was known. Errors: ErrNoToken and
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
	id, ok := p.byDigest.Get(string(digest[:]))
	if !ok {
		return nil, false
	}
	t, _ := p.byID.Get(id)
	i := slices.IndexFunc(t.Secrets, func(x TokenSecret) bool { return x.Digest == digest })
	return t, !t.Secrets[i].expired(s.clock)
}

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
	t, ok := p.byID.Get(id)
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
		p.byName.Scan(func(_, id string) bool {
			t, _ := p.byID.Get(id)
			return yield(shownToken(p.clock, t))
		})
	}
}

// Known reports whether somebody who was known has ever made a token here,
// also if it was revoked or has expired.
func (p Tokens) Known() bool { return p.known.Len() > 0 }

// Tokens are the API tokens of a snapshot.
type Tokens struct {
	tokens
	clock *clock.Clock
}

// tokens are the API tokens of a snapshot.
type tokens struct {
	byID     *btree.Map[string, *Token]
	byName   *btree.Map[string, string] // to the ID
	byDigest *btree.Map[string, string] // likewise
	// known are the IDs of those that were made by somebody known, with whether
	// they are revoked: of these nothing else is left.
	known *btree.Map[string, bool]
}

func newTokens() tokens {
	return tokens{&btree.Map[string, *Token]{}, &btree.Map[string, string]{}, &btree.Map[string, string]{}, &btree.Map[string, bool]{}}
}

// copy is cheap, as that of a snapshot.
func (x tokens) copy() tokens {
	return tokens{x.byID.Copy(), x.byName.Copy(), x.byDigest.Copy(), x.known.Copy()}
}

// revoked are the IDs of tokens of which nothing else is left.
func (x tokens) revoked() (ids []string) {
	x.known.Scan(func(id string, revoked bool) bool {
		if revoked {
			ids = append(ids, id)
		}
		return true
	})
	return ids
}

func (x tokens) put(t *Token) {
	x.remove(t.ID)
	if t.Authenticated {
		x.known.Set(t.ID, t.revoked())
	}
	if t.revoked() {
		return
	}
	x.byID.Set(t.ID, t)
	x.byName.Set(t.Name, t.ID)
	for i := range t.Secrets {
		x.byDigest.Set(string(t.Secrets[i].Digest[:]), t.ID)
	}
}

func (x tokens) remove(id string) {
	x.known.Delete(id)
	t, ok := x.byID.Delete(id)
	if !ok {
		return
	}
	if of, _ := x.byName.Get(t.Name); of == id {
		x.byName.Delete(t.Name)
	}
	for i := range t.Secrets {
		x.byDigest.Delete(string(t.Secrets[i].Digest[:]))
	}
}

type createTokenOp struct {
	NewToken
	origin audit.Origin
	plain  string
	made   *Token
}

func (op *createTokenOp) apply(b *batch) error {
	if _, taken := b.tokens().byName.Get(op.Name); taken {
		return ErrTokenName
	}
	if b.tokens().byID.Len() >= maxTokens {
		return &commit.LimitError{Message: "there are as many tokens as there can be; revoke some"}
	}
	var expires time.Time
	if op.Lifetime > 0 {
		expires = b.Now.Add(op.Lifetime)
	}
	op.made = &Token{
		ID: strings.ToLower(rand.Text()[:12]), Name: op.Name, Role: op.Role, Scope: op.Scope,
		Created: b.Now, CreatedBy: op.origin.By, Authenticated: op.origin.Authenticated(), Secrets: []TokenSecret{b.secretOf(op.plain, expires)},
	}
	b.putToken(op.made, audit.TokenCreate, op.origin)
	return nil
}

func (b *batch) putToken(t *Token, kind audit.Kind, o audit.Origin) {
	b.tokens().put(t)
	b.Add(journal.Change{Key: kindToken + t.ID, Value: t.encode()})
	b.recordToken(t, kind, o)
}

// recordToken puts on record what becomes of a token.
func (b *batch) recordToken(t *Token, kind audit.Kind, o audit.Origin) {
	entry := audit.NewEntry(b.Batch, kind, o)
	entry.What, entry.Message, entry.Count = t.Name+" …"+t.Secrets[0].Hint, "role "+t.Role, 1
	if !t.Scope.All() {
		entry.Message += ", scope " + t.Scope.String()
	}
	if at := t.Expires(); !at.IsZero() && kind != audit.TokenRevoke {
		entry.Message += ", expires " + at.UTC().Format(time.RFC3339)
	}
	entry.Message = audit.Shortened(entry.Message, audit.MaxMessage)
	b.log.Add(b.Batch, entry)
}

type rotateTokenOp struct {
	id      string
	overlap time.Duration
	origin  audit.Origin
	plain   string
	made    *Token
}

func (op *rotateTokenOp) apply(b *batch) error {
	old, ok := b.tokens().byID.Get(op.id)
	if !ok {
		return ErrNoToken
	}
	// Else strangers could have a secret that is good when the server is closed, or
	// what a stranger has made would become so.
	if old.Authenticated != op.origin.Authenticated() {
		return ErrTokenMaker
	}
	was := old.Secrets[0]
	var expires time.Time
	if !was.Expires.IsZero() {
		expires = b.Now.Add(was.Expires.Sub(was.Created))
	}
	t := *old
	t.Secrets = []TokenSecret{b.secretOf(op.plain, expires)}
	if end := b.Now.Add(op.overlap); was.Expires.IsZero() || end.Before(was.Expires) {
		was.Expires = end
	}
	if !was.expired(b.clock) {
		t.Secrets = append(t.Secrets, was)
	}
	op.made = &t
	b.putToken(&t, audit.TokenRotate, op.origin)
	return nil
}

type revokeTokenOp struct {
	id     string
	origin audit.Origin
	was    *Token
}

func (op *revokeTokenOp) apply(b *batch) error {
	t, ok := b.tokens().byID.Get(op.id)
	if !ok {
		return ErrNoToken
	}
	op.was = shownToken(b.clock, t)
	b.forgetToken(t.ID)
	if t.Authenticated {
		for _, id := range b.tokens().revoked() { // one is enough to know of
			b.forgetToken(id)
		}
		rest := &Token{ID: t.ID, Created: t.Created, Authenticated: true, Secrets: []TokenSecret{{Created: b.Now, Expires: b.Now, ran: b.Ran}}}
		b.tokens().put(rest)
		b.Add(journal.Change{Key: kindToken + t.ID, Value: rest.encode()})
	}
	b.dropUse(kindToken + t.ID)
	b.recordToken(t, audit.TokenRevoke, op.origin)
	return nil
}

func (b *batch) forgetToken(id string) {
	b.tokens().remove(id)
	b.Add(journal.Change{Key: kindToken + id})
}

// revoked reports whether this is what is left of a token: nothing that lets
// anybody in. Programs of an earlier version take it for one that has expired.
func (t *Token) revoked() bool { return t.Name == "" }

// tokenTable is the API tokens.
type tokenTable struct {
	commit.Passive
	*Registry
}

// Prefix is part of commit.Table.
func (*tokenTable) Prefix() string { return kindToken }

// Apply is part of commit.Table.
func (x *tokenTable) Apply(tx *commit.Transaction, r commit.Event) error {
	if r.Value == nil {
		x.changeTokens(tx).remove(strings.TrimPrefix(r.Key, kindToken))
		return nil
	}
	t, err := decodeToken(strings.TrimPrefix(r.Key, kindToken), r.Value)
	if err != nil {
		return err
	}
	for i := range t.Secrets {
		tx.Learn(clock.Nanos(t.Secrets[i].Created), t.Secrets[i].ran)
	}
	x.changeTokens(tx).put(t)
	return nil
}

// Copy is part of commit.Table.
func (*tokenTable) Copy(state any) any {
	if state == nil {
		return newTokens()
	}
	return state.(tokens).copy()
}

// changeTokens returns the tokens of a transaction for modification.
func (s *Registry) changeTokens(tx *commit.Transaction) tokens {
	return tx.Change(s.tokenSlot).(tokens)
}

func (t *Token) encode() []byte {
	r := &record.Token{
		Format: record.Format, Name: t.Name, Role: t.Role, Limit: t.Scope.Texts(),
		Created: clock.Nanos(t.Created), CreatedBy: t.CreatedBy, Maker: record.Maker_MAKER_WITHOUT_SIGN_IN,
	}
	if t.Authenticated {
		r.Maker = record.Maker_MAKER_KNOWN
	}
	for i := range t.Secrets {
		x := &t.Secrets[i]
		r.Secret = append(r.Secret, &record.TokenSecret{
			Digest: x.Digest[:], Hint: x.Hint, Created: clock.Nanos(x.Created), Ran: x.ran, Expires: clock.Nanos(x.Expires),
		})
	}
	return record.Marshal(r)
}

var errNoSecret = errors.New("the token has no secret")

func decodeToken(id string, b []byte) (*Token, error) {
	var r record.Token
	if err := record.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	t := &Token{
		ID: id, Name: r.Name, Role: r.Role, Created: clock.FromNanos(r.Created), CreatedBy: r.CreatedBy,
		// Earlier versions wrote down nothing of strangers but no name.
		Authenticated: r.Maker == record.Maker_MAKER_KNOWN || r.Maker == record.Maker_MAKER_UNKNOWN && r.CreatedBy != "",
	}
	for _, s := range r.Secret {
		x := TokenSecret{Hint: s.Hint, Created: clock.FromNanos(s.Created), ran: s.Ran, Expires: clock.FromNanos(s.Expires)}
		copy(x.Digest[:], s.Digest)
		t.Secrets = append(t.Secrets, x)
	}
	if len(t.Secrets) == 0 {
		return nil, errNoSecret
	}
	var err error
	t.Scope, err = key.ParseSelectors(r.Limit) // a limit that can't be read must not be none
	return t, err
}
