package store

import (
	"context"
	"crypto/rand"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/journal"
)

const secretValue protowire.Number = 2

// Secret returns 32 random bytes that are the same in all stores on the journal
// and after restarts. They are made when they are first asked for; errors are
// those of Push. The caller owns the slice.
func (s *Store) Secret(ctx context.Context) ([]byte, error) {
	if secret := s.Picture().secret; secret != nil {
		return slices.Clone(secret), nil
	}
	if _, err := s.submit(ctx, secretOp{}); err != nil {
		return nil, err
	}
	return slices.Clone(s.Picture().secret), nil
}

type secretOp struct{}

func (secretOp) apply(b *batch) error {
	if b.secret != nil {
		return nil
	}
	b.secret = make([]byte, 32)
	_, _ = rand.Read(b.secret) // never fails: it aborts the program instead
	value := appendString(appendVarint(nil, fieldFormat, recordFormat), secretValue, b.secret)
	b.add("", journal.Change{Key: secretKey, Value: value, If: new(journal.Revision)}) // another store may make one just now
	return nil
}

func takeSecret(e *edit, r journal.Record) error {
	return eachVersionedField(r.Value, func(n protowire.Number, v fieldValue) error {
		if n == secretValue {
			e.secret = slices.Clone(v.bytes)
		}
		return nil
	})
}
