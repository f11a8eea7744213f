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
	if secret := s.Snapshot().secret; secret != nil {
		return slices.Clone(secret), nil
	}
	if _, err := s.submit(ctx, secretOp{}); err != nil {
		return nil, err
	}
	return slices.Clone(s.Snapshot().secret), nil
}

type secretOp struct{}

func (secretOp) apply(b *batch) error {
	if b.secret != nil {
		return nil
	}
	b.secret = make([]byte, 32)
	_, _ = rand.Read(b.secret)                                                                          // never fails: it aborts the program instead
	b.add("", journal.Change{Key: secretKey, Value: encodeSecret(b.secret), If: new(journal.Revision)}) // another store may make one just now
	return nil
}

func encodeSecret(secret []byte) []byte {
	return record.Marshal(&record.SigningKey{Format: record.Format, Value: secret})
}

// secretTable is the secret that all stores on the journal share.
type secretTable struct{ passive }

func (secretTable) prefix() string { return secretKey }

func (secretTable) take(e *edit, t told) error {
	r := t.record
	if r.Value == nil {
		return nil
	}
	var x record.SigningKey
	if err := record.Unmarshal(r.Value, &x); err != nil {
		return err
	}
	e.secret = x.Value
	return nil
}
