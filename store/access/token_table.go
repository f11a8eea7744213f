package access

import (
	"errors"
	"strings"

	"github.com/tidwall/btree"

	"gatehouse/auth"
	"gatehouse/store/clock"
	"gatehouse/store/commit"
	"gatehouse/store/key"
	"gatehouse/store/record"
)

// tokens are the API tokens of a snapshot.
// Their trees are a *tokenTree, as those of sessions.
type tokens struct{ trees any }

type tokenTree struct {
	byID     *btree.Map[string, *Token]
	byName   *btree.Map[string, string] // to the ID
	byDigest *btree.Map[string, string] // likewise
	// known are the IDs of tokens made by known users, with whether they are
	// revoked: of revoked ones nothing else is left.
	known *btree.Map[string, bool]
}

func tokenTrees(x tokens) *tokenTree { return x.trees.(*tokenTree) }

func newTokens() tokens {
	return tokens{&tokenTree{&btree.Map[string, *Token]{}, &btree.Map[string, string]{}, &btree.Map[string, string]{}, &btree.Map[string, bool]{}}}
}

// copy is cheap, as that of a snapshot.
func (x tokens) copy() tokens {
	t := tokenTrees(x)
	return tokens{&tokenTree{t.byID.Copy(), t.byName.Copy(), t.byDigest.Copy(), t.known.Copy()}}
}

// revoked are the IDs of tokens of which nothing else is left.
func (x tokens) revoked() (ids []string) {
	tokenTrees(x).known.Scan(func(id string, revoked bool) bool {
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
		tokenTrees(x).known.Set(t.ID, t.revoked())
	}
	if t.revoked() {
		return
	}
	tokenTrees(x).byID.Set(t.ID, t)
	tokenTrees(x).byName.Set(t.Name, t.ID)
	for i := range t.Secrets {
		tokenTrees(x).byDigest.Set(string(t.Secrets[i].Digest[:]), t.ID)
	}
}

func (x tokens) remove(id string) {
	tokenTrees(x).known.Delete(id)
	t, ok := tokenTrees(x).byID.Delete(id)
	if !ok {
		return
	}
	if of, _ := tokenTrees(x).byName.Get(t.Name); of == id {
		tokenTrees(x).byName.Delete(t.Name)
	}
	for i := range t.Secrets {
		tokenTrees(x).byDigest.Delete(string(t.Secrets[i].Digest[:]))
	}
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
		Format: record.Format, Name: t.Name, Role: roleText(t.Role), Limit: t.Scope.Texts(),
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
	t := &Token{Token: auth.Token{
		ID: id, Name: r.Name, Role: roleOf(r.Role), Created: clock.FromNanos(r.Created), CreatedBy: r.CreatedBy,
		// Earlier versions wrote down nothing of strangers but no name.
		Authenticated: r.Maker == record.Maker_MAKER_KNOWN || r.Maker == record.Maker_MAKER_UNKNOWN && r.CreatedBy != "",
	}}
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

// roleText is the role of a token as records have it: no word is none.
func roleText(r auth.Role) string {
	if r == auth.NoRole {
		return ""
	}
	return r.String()
}
