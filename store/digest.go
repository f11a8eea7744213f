package store

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/tidwall/btree"
)

// digestBytes is how much of the SHA-256 of an identity names the grouping:
// enough that nobody finds two groupings of one name.
const digestBytes = 16

// Digest names the grouping in URLs: 22 characters that need no escaping, the
// same on every server and for ever. They don't tell the labels.
func (k GroupingKey) Digest() string {
	sum := sha256.Sum256([]byte(k.id))
	return base64.RawURLEncoding.EncodeToString(sum[:digestBytes])
}

// ByDigest returns the grouping that a digest names. Anything else than what
// Digest returned names none.
func (p *Picture) ByDigest(digest string) (*Group, bool) {
	id, ok := p.identityOf(digest)
	if !ok {
		return nil, false
	}
	return p.shown(p.groups.Get(id))
}

// Gone is a grouping that was deleted and is kept for the undo.
type Gone struct {
	Key GroupingKey
	At  time.Time
	// Operation is what deleted it. It is empty while an expiry is not on
	// record yet, and where nothing can be undone any more.
	Operation string
}

// GoneByDigest returns the deleted grouping that a digest names, unless it was
// pushed anew or is forgotten already.
func (p *Picture) GoneByDigest(digest string) (Gone, bool) {
	id, ok := p.identityOf(digest)
	if !ok {
		return Gone{}, false
	}
	x, ok := p.gone.Get(id)
	return Gone{Key: x.key, At: p.clock.shown(time.Unix(0, x.stamp), x.ran), Operation: x.operation}, ok
}

// identityOf returns the identity of the grouping, held or deleted, that a
// digest names.
func (p *Picture) identityOf(digest string) (string, bool) {
	// The decoder skips line breaks.
	if len(digest) != base64.RawURLEncoding.EncodedLen(digestBytes) {
		return "", false
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(digest)
	if err != nil || len(sum) != digestBytes {
		return "", false
	}
	d, ok := p.digests.Get(digested{hi: binary.BigEndian.Uint64(sum), lo: binary.BigEndian.Uint64(sum[8:])})
	return d.id, ok
}

// digested is an identity by its digest.
type digested struct {
	hi, lo uint64
	id     string
}

func digestOf(id string) digested {
	sum := sha256.Sum256([]byte(id))
	return digested{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:]), id}
}

func newDigests() *btree.BTreeG[digested] {
	return btree.NewBTreeGOptions(func(a, b digested) bool {
		return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo
	}, btree.Options{NoLocks: true})
}
