package store

import (
	"context"
	"crypto/rand"
	"slices"

	"gatehouse/store/journal"
	"gatehouse/store/record"
)

// SigningKey returns 32 random bytes that are the same in all stores on the journal
// and after restarts. They are made when they are first asked for; errors are
// those of Push. The caller owns the slice.
func (s *Store) SigningKey(ctx context.Context) ([]byte, error) {
	if secret := s.Snapshot().signingKey; secret != nil {
		return slices.Clone(secret), nil
	}
	if _, err := s.submit(ctx, signingKeyOp{}); err != nil {
		return nil, err
	}
	return slices.Clone(s.Snapshot().signingKey), nil
}

type signingKeyOp struct{}

func (signingKeyOp) apply(b *batch) error {
	if b.signingKey != nil {
		return nil
	}
	b.signingKey = make([]byte, 32)
	_, _ = rand.Read(b.signingKey)                                                                                  // never fails: it aborts the program instead
	b.add("", journal.Change{Key: signingKeyKey, Value: encodeSigningKey(b.signingKey), If: new(journal.Revision)}) // another store may make one just now
	return nil
}

func encodeSigningKey(secret []byte) []byte {
	return record.Marshal(&record.SigningKey{Format: record.Format, Value: secret})
}

// secretTable is the secret that all stores on the journal share.
type signingKeyTable struct{ passive }

func (signingKeyTable) prefix() string { return signingKeyKey }

func (signingKeyTable) apply(e *transaction, t event) error {
	r := t.record
	if r.Value == nil {
		return nil
	}
	var x record.SigningKey
	if err := record.Unmarshal(r.Value, &x); err != nil {
		return err
	}
	e.signingKey = x.Value
	return nil
}
