package credential

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"gatehouse/auth"
)

const (
	throttleWindow  = time.Minute
	maxFailures     = 10     // of different credentials within the window
	maxOrigins      = 10_000 // that are remembered; the least recent go first
	sharedIPv6Bits  = 64     // one address of such a network usually means all of them
	exactIPv4Bits   = 32
	unavailableWait = time.Second // before trying again what could not be checked
)

// throttle bounds how many different credentials an origin can try. What is
// under way takes a place as if it had failed already, so that trying many at
// once gains nothing.
type throttle struct {
	now func() time.Time

	mu      sync.Mutex // guards all below
	origins *simplelru.LRU[origin, *attempts]
}

// origin is what attempts are counted by: the address they come from, or, on
// connections without an address, the name of the user. Otherwise all clients
// of a Unix socket could lock each other out.
type origin struct {
	network netip.Prefix
	user    digest
}

// originOf is that of a try. user is a digest of the user's name.
func originOf(from netip.Addr, user digest) origin {
	if !from.IsValid() {
		return origin{user: user}
	}
	return origin{network: network(from)}
}

// attempts are the different credentials that an origin has tried.
type attempts struct {
	recent []attempt     // at most maxFailures
	ended  chan struct{} // closed when a check under way ends; nil: nobody waits for that
}

type attempt struct {
	credential digest
	checks     int       // under way
	failed     time.Time // the first time; zero: not yet
}

func newThrottle(now func() time.Time) *throttle {
	// The only error is about a size that is not positive.
	lru, _ := simplelru.NewLRU[origin, *attempts](maxOrigins, nil)
	return &throttle{now: now, origins: lru}
}

// network returns the range that counts as one address.
func network(from netip.Addr) netip.Prefix {
	from = from.Unmap()
	bits := sharedIPv6Bits
	if from.Is4() {
		bits = exactIPv4Bits
	}
	p, _ := from.Prefix(bits) // fails for bits out of range only
	return p
}

// enter asks whether a credential may be tried from an origin. A caller that
// gets no error must call leave, once, with the outcome. While the last places
// are taken by checks whose outcome is open, it waits for that. Errors are
// *DeniedError.
func (t *throttle) enter(ctx context.Context, at origin, credential digest) (leave func(failed bool), err error) {
	for {
		leave, wait, retry := t.tryEnter(at, credential)
		switch {
		case leave != nil:
			return leave, nil
		case retry > 0:
			return nil, &auth.DeniedError{Reason: auth.ErrThrottled, Scheme: auth.Basic, RetryAfter: retry}
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, unavailable(context.Cause(ctx))
		}
	}
}

// tryEnter returns one of its results: leave, or what to wait for before the
// next try, or the time until the window opens.
func (t *throttle) tryEnter(at origin, credential digest) (leave func(failed bool), wait <-chan struct{}, retry time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, known := t.origins.Get(at)
	if !known {
		a = &attempts{}
		t.origins.Add(at, a)
	}
	now := t.now()
	a.forget(now)
	if retry := a.blocked(now); retry > 0 {
		return nil, nil, retry
	}
	i := a.index(credential)
	switch {
	case i >= 0:
		a.recent[i].checks++
	case len(a.recent) < maxFailures:
		a.recent = append(a.recent, attempt{credential: credential, checks: 1})
	default:
		if a.ended == nil {
			a.ended = make(chan struct{})
		}
		return nil, a.ended, 0
	}
	return func(failed bool) { t.leave(at, a, credential, failed) }, nil, 0
}

func (t *throttle) leave(at origin, a *attempts, credential digest, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	one := &a.recent[a.index(credential)] // running checks are never forgotten
	one.checks--
	if failed && one.failed.IsZero() {
		one.failed = now
	}
	a.forget(now)
	if a.ended != nil {
		close(a.ended)
		a.ended = nil
	}
	// Too many others may have come in between.
	if current, _ := t.origins.Peek(at); current == a && len(a.recent) == 0 {
		t.origins.Remove(at)
	}
}

func (a *attempts) index(credential digest) int {
	return slices.IndexFunc(a.recent, func(one attempt) bool { return one.credential == credential })
}

// forget drops the failures that are older than the window.
func (a *attempts) forget(now time.Time) {
	a.recent = slices.DeleteFunc(a.recent, func(one attempt) bool {
		return one.checks == 0 && !one.failedRecently(now)
	})
	for i := range a.recent {
		if !a.recent[i].failedRecently(now) {
			a.recent[i].failed = time.Time{}
		}
	}
}

func (one attempt) failedRecently(now time.Time) bool {
	return !one.failed.IsZero() && now.Sub(one.failed) < throttleWindow
}

// blocked returns how long it takes until the window opens; 0: it is open.
func (a *attempts) blocked(now time.Time) time.Duration {
	failures := 0
	opens := throttleWindow // a clock set back must not block for longer
	for _, one := range a.recent {
		if one.failedRecently(now) {
			failures++
			opens = min(opens, throttleWindow-now.Sub(one.failed))
		}
	}
	if failures < maxFailures {
		return 0
	}
	return opens
}

// unavailable is the denial of what cannot be checked at present.
func unavailable(cause error) *auth.DeniedError {
	return &auth.DeniedError{Reason: auth.ErrUnavailable, Scheme: auth.Basic, RetryAfter: unavailableWait, Cause: cause}
}
