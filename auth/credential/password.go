// Package credential compares what requests bring with what is configured: passwords,
// API tokens and other secrets. It knows them by their digests, and bounds how many
// passwords an address can try.
package credential

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/singleflight"

	"gatehouse/auth"
)

// MaxPasswordBytes is the maximum length of a name and of a password. Longer
// ones are wrong, also if they are configured.
const MaxPasswordBytes = 1 << 10

const (
	maxWaitingHashes = 64 // different credentials whose hash is computed or waits for it
	maxResults       = 10_000
	resultLifetime   = time.Hour
)

// errCrowded is for the log.
var errCrowded = errors.New("too many different passwords wait to be checked")

// Passwords checks names and passwords: of one fixed user, and of a list of
// users that can be replaced at any time. Plaintexts are not kept. It is safe
// for concurrent use. A program has one: only then hashing takes no more than a
// single core.
type Passwords struct {
	now      func() time.Time
	throttle *throttle
	key      [sha256.Size]byte // of all keyed digests

	first, firstHash string // name of the first user; the hash, if the password is one
	user, password   Secret // the first user, if the password is plain

	accounts   atomic.Pointer[accounts]
	configured atomic.Bool
	listed     atomic.Bool

	compare      func(hash, password []byte) error // bcrypt; tests watch it
	checks       singleflight.Group
	waiting      chan struct{} // a place in it for each hash that is waited for
	hashing      chan struct{} // its only place is for the one that hashes
	right, wrong *lru.Cache[digest, time.Time]
}

// PasswordOptions configure NewPasswords.
type PasswordOptions struct {
	// User and Password are the first user. It hides one of Users with the same
	// name. Password can be a bcrypt hash ($2a$, $2b$, $2y$) instead of plain. Both
	// empty: there is no first user.
	User, Password string
	Users          map[string]string // bcrypt hashes by name; nil: there is no list of users
	Now            func() time.Time  // nil: time.Now
}

// NewPasswords makes a checker that keeps nothing of the plaintext password.
func NewPasswords(o PasswordOptions) *Passwords {
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Passwords{
		now: o.Now, throttle: newThrottle(o.Now),
		first:   o.User,
		compare: bcrypt.CompareHashAndPassword,
		waiting: make(chan struct{}, maxWaitingHashes), hashing: make(chan struct{}, 1),
	}
	// Neither fails: the one aborts the program instead, the other needs a size.
	_, _ = rand.Read(p.key[:])
	p.right, _ = lru.New[digest, time.Time](maxResults)
	p.wrong, _ = lru.New[digest, time.Time](maxResults)
	switch {
	case o.User != "" && isHash(o.Password):
		p.firstHash = o.Password
	case o.User != "" || o.Password != "":
		p.user, p.password = NewSecret(o.User), NewSecret(o.Password)
		p.configured.Store(true)
	}
	p.SetUsers(o.Users)
	return p
}

// isHash distinguishes bcrypt hashes from plain passwords.
func isHash(password string) bool {
	if _, err := bcrypt.Cost([]byte(password)); err != nil {
		return false
	}
	switch password[:4] {
	case "$2a$", "$2b$", "$2y$":
		return true
	}
	return false
}

// SetUsers exchanges all users but the first for the given ones, bcrypt hashes
// by name. It forgets the results of checks; those under way are checked against
// the new users. A user with a damaged hash exists, but no password is right. nil:
// there is no list of users any more.
func (p *Passwords) SetUsers(users map[string]string) {
	if users != nil {
		p.listed.Store(true)
	}
	all := make(map[string]string, len(users)+1)
	maps.Copy(all, users)
	if p.first != "" {
		delete(all, p.first)
	}
	if p.firstHash != "" {
		all[p.first] = p.firstHash
	}
	if len(all) > 0 {
		p.configured.Store(true)
	}
	p.accounts.Store(newAccounts(all))
	p.right.Purge()
	p.wrong.Purge()
}

// Configured reports whether there is, or ever was, a user: the last one's end
// must not open a server to everybody.
func (p *Passwords) Configured() bool { return p.configured.Load() }

// Listed reports whether there is, or ever was, a list of users, even without any.
func (p *Passwords) Listed() bool { return p.listed.Load() }

// Users returns the number of users.
func (p *Passwords) Users() int {
	n := p.accounts.Load().count
	if p.user.IsSet() || p.password.IsSet() {
		n++
	}
	return n
}

// Check reports whether a name and a password that came from an address are
// right. Errors are *DeniedError: ErrBadCredential; ErrThrottled, with the time until
// the address may try again, at most a minute, after ten different failures in
// a minute, whatever the password; or ErrUnavailable if too many others are to be
// checked first or ctx ends. From where there is no valid address failures are
// counted by user. It keeps nothing that points into its arguments.
//
// A hash is computed once for a credential, and one at a time, while what is
// known already is answered at once. Only while the outcome of ten different
// credentials of one address is open all others from there wait for it.
func (p *Passwords) Check(ctx context.Context, from netip.Addr, name, password string) error {
	leave, err := p.throttle.enter(ctx, originOf(from, p.digest(name)), p.digest(name, password))
	if err != nil {
		return err
	}
	failed := false
	defer func() { leave(failed) }()
	right, err := p.matches(ctx, name, password)
	switch {
	case err != nil:
		return unavailable(err)
	case !right:
		failed = true
		return &auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.Basic}
	}
	return nil
}

// digest is different for different parts, however they are cut. Without the
// key it cannot be computed.
func (p *Passwords) digest(parts ...string) (d digest) {
	mac := hmac.New(sha256.New, p.key[:])
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	mac.Sum(d[:0])
	return d
}

func (p *Passwords) matches(ctx context.Context, name, password string) (bool, error) {
	if len(name) > MaxPasswordBytes || len(password) > MaxPasswordBytes {
		return false, nil
	}
	nameRight, passwordRight := p.user.Equals(name), p.password.Equals(password)
	if nameRight && passwordRight {
		return true, nil
	}
	for {
		a := p.accounts.Load()
		right, err := p.matchesHash(ctx, a, name, password)
		if err != nil || p.accounts.Load() == a {
			return right, err
		}
	}
}

// matchesHash takes the same time for all that is wrong, if there is any user
// with a hash: also for unknown names and for the user with the plain password.
func (p *Passwords) matchesHash(ctx context.Context, a *accounts, name, password string) (bool, error) {
	if a.cost == 0 {
		return false, nil
	}
	hash, known := a.hashes[name]
	if !known {
		hash = decoy(a.cost)
	}
	key := p.digest(name, password, hash)
	if right, found := p.result(key); found {
		return right, nil
	}
	// The check goes on without its callers, so it needs a copy; a caller that
	// comes back later finds the result.
	plain := []byte(password)
	done := p.checks.DoChan(string(key[:]), func() (any, error) {
		return p.check(a, key, hash, known, plain)
	})
	select {
	case r := <-done:
		right, _ := r.Val.(bool)
		return right, r.Err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// check waits for its turn and computes a hash.
func (p *Passwords) check(a *accounts, key digest, hash string, known bool, password []byte) (bool, error) {
	select {
	case p.waiting <- struct{}{}:
	default:
		return false, errCrowded
	}
	defer func() { <-p.waiting }()
	p.hashing <- struct{}{}
	defer func() { <-p.hashing }()
	// Another check may have ended after the caller had looked.
	if right, found := p.result(key); found {
		return right, nil
	}
	right := p.compare([]byte(hash), password) == nil && known
	if right {
		p.right.Add(key, p.now())
		return true, nil
	}
	// The rest of the work that an unknown name costs: 2^c + … + 2^(max-1) is
	// what 2^c lacks to 2^max.
	for cost, _ := bcrypt.Cost([]byte(hash)); cost < a.cost; cost++ {
		_ = p.compare([]byte(decoy(cost)), password)
	}
	p.wrong.Add(key, p.now())
	return false, nil
}

// result finds what is known from an earlier check. Right and wrong ones are
// apart so that guesses can't push out the right ones.
func (p *Passwords) result(key digest) (right, found bool) {
	if since, ok := p.right.Get(key); ok && p.now().Sub(since) < resultLifetime {
		return true, true
	}
	since, ok := p.wrong.Get(key)
	return false, ok && p.now().Sub(since) < resultLifetime
}

// accounts are users with hashes. They don't change.
type accounts struct {
	hashes map[string]string // by name; only those that can be computed
	cost   int               // the highest of them; 0: there are none
	count  int               // of users, also of those with a damaged hash
}

func newAccounts(users map[string]string) *accounts {
	a := &accounts{hashes: make(map[string]string, len(users)), count: len(users)}
	for name, hash := range users {
		if cost, ok := hashCost(hash); ok {
			a.hashes[name] = hash
			a.cost = max(a.cost, cost)
		}
	}
	return a
}

// wholeHash matches a hash whose salt and sum can be decoded.
var wholeHash = regexp.MustCompile(`^\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}$`)

// hashCost is the cost of a hash. One that is not ok would fail at once, instead
// of after the work.
func hashCost(hash string) (cost int, ok bool) {
	cost, err := bcrypt.Cost([]byte(hash))
	return cost, err == nil && wholeHash.MatchString(hash)
}

// decoy is a hash that costs what a real one does, but that no password has.
func decoy(cost int) string {
	return fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat(".", 53))
}
