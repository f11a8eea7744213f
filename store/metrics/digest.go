package metrics

import (
	"time"

	"github.com/tidwall/btree"

	"gatehouse/store/key"
)

// ByDigest returns the grouping that a digest names. Anything else than what
// Digest returned names none.
func (p *State) ByDigest(digest string) (*Grouping, bool) {
	id, ok := p.identityOf(digest)
	if !ok {
		return nil, false
	}
	return p.shown(treesOf(p).groupings.Get(id))
}

// DeletedGrouping is a grouping that was deleted and is kept for the undo.
type DeletedGrouping struct {
	Key key.GroupingKey
	At  time.Time
	// Operation is what deleted it. It is empty while an expiry is not on
	// record yet, and where nothing can be undone any more.
	Operation string
}

// DeletedByDigest returns the deleted grouping that a digest names, unless it was
// pushed anew or is forgotten already.
func (p *State) DeletedByDigest(digest string) (DeletedGrouping, bool) {
	id, ok := p.identityOf(digest)
	if !ok {
		return DeletedGrouping{}, false
	}
	x, ok := treesOf(p).deleted.Get(id)
	return DeletedGrouping{Key: x.key, At: p.clock.Shown(time.Unix(0, x.stamp), x.ran), Operation: x.operation}, ok
}

// identityOf returns the identity of the grouping, held or deleted, that a
// digest names.
func (p *State) identityOf(digest string) (string, bool) {
	d, ok := key.ParseDigest(digest)
	if !ok {
		return "", false
	}
	x, ok := treesOf(p).digests.Get(digested{Digest: d})
	return x.id, ok
}

// digested is an identity by its digest.
type digested struct {
	key.Digest
	id string
}

func digestOf(id string) digested { return digested{key.DigestOf(id), id} }

func newDigests() *btree.BTreeG[digested] {
	return btree.NewBTreeGOptions(func(a, b digested) bool { return a.Less(b.Digest) }, btree.Options{NoLocks: true})
}
