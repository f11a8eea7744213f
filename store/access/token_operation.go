package access

import (
	"crypto/rand"
	"strings"
	"time"

	"gatehouse/auth"
	"gatehouse/store/audit"
	"gatehouse/store/commit"
	"gatehouse/store/journal"
)

type createTokenOp struct {
	NewToken
	origin audit.Origin
	plain  string
	made   *Token
}

func (op *createTokenOp) apply(b *batch) error {
	if _, taken := tokenTrees(b.tokens()).byName.Get(op.Name); taken {
		return ErrTokenName
	}
	if tokenTrees(b.tokens()).byID.Len() >= maxTokens {
		return &commit.LimitError{Message: "there are as many tokens as there can be; revoke some"}
	}
	var expires time.Time
	if op.Lifetime > 0 {
		expires = b.Now.Add(op.Lifetime)
	}
	op.made = &Token{
		Token: auth.Token{
			ID: strings.ToLower(rand.Text()[:12]), Name: op.Name, Role: op.Role,
			Created: b.Now, CreatedBy: op.origin.By, Authenticated: op.origin.Authenticated(),
		},
		Scope: op.Scope, Secrets: []TokenSecret{b.secretOf(op.plain, expires)},
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
	entry.What, entry.Message, entry.Count = t.Name+" …"+t.Secrets[0].Hint, "role "+t.Role.String(), 1
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
	old, ok := tokenTrees(b.tokens()).byID.Get(op.id)
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
	t, ok := tokenTrees(b.tokens()).byID.Get(op.id)
	if !ok {
		return ErrNoToken
	}
	op.was = shownToken(b.clock, t)
	b.forgetToken(t.ID)
	if t.Authenticated {
		for _, id := range b.tokens().revoked() { // one is enough to know of
			b.forgetToken(id)
		}
		rest := &Token{
			Token:   auth.Token{ID: t.ID, Created: t.Created, Authenticated: true},
			Secrets: []TokenSecret{{Created: b.Now, Expires: b.Now, ran: b.Ran}},
		}
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
