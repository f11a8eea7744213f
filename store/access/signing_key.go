package access

import (
	"context"
	"crypto/rand"
	"slices"

	"gatehouse/store/commit"
	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// signingKey is the state of the signing key's table.
type signingKey struct{ value []byte } // nil: there is none

// SigningKey returns 32 random bytes that are the same in all stores on the
// journal and after restarts. The first call makes them; errors are those of
// Push. The caller owns the slice.
func (s *Registry) SigningKey(ctx context.Context) ([]byte, error) {
	if key := s.keyIn(s.engine.Snapshot()).value; key != nil {
		return slices.Clone(key), nil
	}
	if _, err := s.submit(ctx, signingKeyOp{}); err != nil {
		return nil, err
	}
	return slices.Clone(s.keyIn(s.engine.Snapshot()).value), nil
}

type signingKeyOp struct{}

func (signingKeyOp) apply(b *batch) error {
	x := b.Change(b.keySlot).(*signingKey)
	if x.value != nil {
		return nil
	}
	x.value = make([]byte, 32)
	_, _ = rand.Read(x.value)                                                                              // never fails: it aborts the program instead
	b.Add(journal.Change{Key: signingKeyKey, Value: encodeSigningKey(x.value), If: new(journal.Revision)}) // another store may make one just now
	return nil
}

func encodeSigningKey(key []byte) []byte {
	return record.Marshal(&record.SigningKey{Format: record.Format, Value: key})
}

func decodeSigningKey(b []byte) ([]byte, error) {
	var r record.SigningKey
	err := record.Unmarshal(b, &r)
	return r.Value, err
}

// signingKeyTable is the signing key that all stores on the journal share.
type signingKeyTable struct {
	commit.Passive
	*Registry
}

// Prefix is part of commit.Table.
func (*signingKeyTable) Prefix() string { return signingKeyKey }

// Copy is part of commit.Table.
func (*signingKeyTable) Copy(state any) any {
	if state == nil {
		return &signingKey{}
	}
	x := *state.(*signingKey)
	return &x
}

// Apply is part of commit.Table.
func (t *signingKeyTable) Apply(tx *commit.Transaction, r commit.Event) error {
	if r.Value == nil {
		return nil
	}
	value, err := decodeSigningKey(r.Value)
	if err != nil {
		return err
	}
	tx.Change(t.keySlot).(*signingKey).value = value
	return nil
}
