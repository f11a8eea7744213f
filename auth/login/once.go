package login

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxOnce is the number of ids that are remembered. An attacker who makes more,
// so that one is forgotten too early, gains little: each id is bound to one
// browser, or signed by the provider, and is over soon.
const maxOnce = 10_000

// once remembers ids that may be used but once, until their time is over. It is
// safe for concurrent use.
type once struct {
	mu   sync.Mutex
	used *simplelru.LRU[[sha256.Size]byte, time.Time]
}

func newOnce() *once {
	used, err := simplelru.NewLRU[[sha256.Size]byte, time.Time](maxOnce, nil)
	if err != nil {
		panic(err) // never: the size is positive
	}
	return &once{used: used}
}

// use reports whether an id, which is good until then, is used for the first time.
func (o *once) use(id string, now, until time.Time) bool {
	digest := sha256.Sum256([]byte(id)) // ids may be long
	o.mu.Lock()
	defer o.mu.Unlock()
	if before, ok := o.used.Get(digest); ok && !now.After(before) {
		return false
	}
	o.used.Add(digest, until)
	return true
}
