package credential

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gatehouse/auth"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var home = netip.MustParseAddr("192.0.2.1")

// address is a different address for each n.
func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// want checks an outcome; nil: the credential is right.
func want(t *testing.T, what string, err, reason error) {
	t.Helper()
	if reason == nil && err == nil {
		return
	}
	var r *auth.DeniedError
	if !errors.As(err, &r) || !errors.Is(r, reason) || r.Scheme != auth.Basic {
		t.Errorf("%s: %v, want %v", what, err, reason)
		return
	}
	switch {
	case errors.Is(r, auth.ErrThrottled) && (r.RetryAfter <= 0 || r.RetryAfter > time.Minute),
		errors.Is(r, auth.ErrBadCredential) && r.RetryAfter != 0,
		errors.Is(r, auth.ErrUnavailable) && (r.RetryAfter != time.Second || r.Cause == nil):
		t.Errorf("%s: %v, try again after %v because of %v", what, err, r.RetryAfter, r.Cause)
	}
}

func retryAfter(err error) time.Duration {
	var r *auth.DeniedError
	if !errors.As(err, &r) {
		return 0
	}
	return r.RetryAfter
}

// throttled are passwords of the plain user admin:right on a clock.
func throttled() (*Passwords, *clock) {
	c := newClock()
	return NewPasswords(PasswordOptions{User: "admin", Password: "right", Now: c.Now}), c
}

// fail tries n different wrong passwords.
func fail(t *testing.T, p *Passwords, from netip.Addr, n int) {
	t.Helper()
	for i := range n {
		want(t, fmt.Sprintf("failure %d of %v", i, from), p.Check(t.Context(), from, "admin", fmt.Sprint("wrong", i)), auth.ErrBadCredential)
	}
}

func TestTenDifferentFailuresCloseTheWindow(t *testing.T) {
	for _, test := range []struct {
		name           string
		user, password string
	}{
		{"the right one too", "admin", "right"},
		{"a new wrong one", "admin", "another"},
		{"a wrong one that was tried", "admin", "wrong3"},
		{"another name", "other", "right"},
	} {
		p, _ := throttled()
		fail(t, p, home, 9)
		want(t, "the right one before", p.Check(t.Context(), home, "admin", "right"), nil)
		want(t, "the tenth", p.Check(t.Context(), home, "admin", "tenth"), auth.ErrBadCredential)
		for range 3 {
			want(t, test.name, p.Check(t.Context(), home, test.user, test.password), auth.ErrThrottled)
		}
	}
}

func TestWithoutAnAddressFailuresAreCountedByUser(t *testing.T) {
	for _, user := range []string{"nobody", "", "admin"} {
		p, c := throttled()
		var nowhere netip.Addr
		for i := range 10 {
			want(t, "a failure", p.Check(t.Context(), nowhere, user, fmt.Sprint("wrong", i)), auth.ErrBadCredential)
		}
		want(t, "the same user", p.Check(t.Context(), nowhere, user, "right"), auth.ErrThrottled)
		if user != "admin" {
			want(t, "another user", p.Check(t.Context(), nowhere, "admin", "right"), nil)
		}
		want(t, "another one who is unknown", p.Check(t.Context(), nowhere, "other", "right"), auth.ErrBadCredential)
		want(t, "from an address", p.Check(t.Context(), home, "admin", "right"), nil)
		c.pass(time.Minute)
		if user == "admin" {
			want(t, "a minute later", p.Check(t.Context(), nowhere, user, "right"), nil)
		}
	}
}

func TestTheSameWrongPairCountsOnce(t *testing.T) {
	p, c := throttled()
	for range 100 {
		want(t, "a pusher with an old password", p.Check(t.Context(), home, "admin", "old"), auth.ErrBadCredential)
		want(t, "and the admin", p.Check(t.Context(), home, "admin", "right"), nil)
		c.pass(time.Second)
	}
	// A name is part of the pair, and where it ends is, too.
	for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"b", "bc"}, {"a", "b"}, {"a", "c"}, {"a", "d"}, {"a", "e"}} {
		want(t, fmt.Sprint(pair), p.Check(t.Context(), home, pair[0], pair[1]), auth.ErrBadCredential)
	}
	want(t, "the tenth was another", p.Check(t.Context(), home, "admin", "right"), auth.ErrThrottled)
}

func TestTheWindowOpensAMinuteAfterTheFirstFailure(t *testing.T) {
	p, c := throttled()
	for i := range 10 {
		want(t, "failure", p.Check(t.Context(), home, "admin", fmt.Sprint("wrong", i)), auth.ErrBadCredential)
		c.pass(5 * time.Second)
		// Its first time counts.
		if i < 9 {
			want(t, "repeat", p.Check(t.Context(), home, "admin", fmt.Sprint("wrong", i)), auth.ErrBadCredential)
		}
	}
	for _, step := range []struct {
		after    time.Duration
		password string
		reason   error
		retry    time.Duration
	}{
		{0, "right", auth.ErrThrottled, 10 * time.Second},
		{9 * time.Second, "right", auth.ErrThrottled, time.Second},
		{999 * time.Millisecond, "right", auth.ErrThrottled, time.Millisecond},
		{time.Millisecond, "right", nil, 0},
		{0, "wrong0", auth.ErrBadCredential, 0},           // it is new again
		{0, "right", auth.ErrThrottled, 5 * time.Second},  // until the second one ends
		{5 * time.Second, "right", nil, 0},                // nothing of that counted
		{time.Minute, "wrong0", auth.ErrBadCredential, 0}, // all is forgotten
		{59 * time.Second, "wrong1", auth.ErrBadCredential, 0},
		{0, "right", nil, 0},
	} {
		c.pass(step.after)
		err := p.Check(t.Context(), home, "admin", step.password)
		want(t, fmt.Sprint(step), err, step.reason)
		if got := retryAfter(err); got != step.retry {
			t.Errorf("%v: try again after %v", step, got)
		}
	}
}

func TestAClockThatIsSetBackDoesNotBlockForLonger(t *testing.T) {
	p, c := throttled()
	fail(t, p, home, 10)
	c.pass(-time.Hour)
	want(t, "an hour earlier", p.Check(t.Context(), home, "admin", "right"), auth.ErrThrottled)
}

func TestAddressesAreThrottledApart(t *testing.T) {
	for _, test := range []struct {
		name, one, other string
		reason           error
	}{
		{"the same", "192.0.2.1", "192.0.2.1", auth.ErrThrottled},
		{"neighbours", "192.0.2.1", "192.0.2.2", nil},
		{"IPv4 in IPv6", "192.0.2.1", "::ffff:192.0.2.1", auth.ErrThrottled},
		{"neighbours, IPv4 in IPv6", "::ffff:192.0.2.1", "::ffff:192.0.2.2", nil},
		{"a network of IPv6", "2001:db8::1", "2001:db8::ffff:1:2:3", auth.ErrThrottled},
		{"networks of IPv6", "2001:db8::1", "2001:db8:0:1::1", nil},
		{"zones", "fe80::1%eth0", "fe80::2%eth1", auth.ErrThrottled},
		{"unknown addresses", "", "", auth.ErrThrottled},
		{"unknown and known", "", "0.0.0.0", nil},
		{"unknown and unspecified", "", "::", nil},
	} {
		p, _ := throttled()
		one, _ := netip.ParseAddr(test.one)
		other, _ := netip.ParseAddr(test.other)
		fail(t, p, one, 10)
		want(t, test.name, p.Check(t.Context(), other, "admin", "right"), test.reason)
	}
}

func TestOnlyFailuresCount(t *testing.T) {
	p, log := hashed(t, PasswordOptions{Users: someUsers(t, 30)})
	for i := range 30 {
		name := fmt.Sprint("user", i)
		want(t, name, p.Check(t.Context(), home, name, "password of "+name), nil)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	for i := range 30 {
		release := log.hold()
		want(t, "not checked", p.Check(left, home, "user1", fmt.Sprint("wrong", i)), auth.ErrUnavailable)
		release()
	}
	want(t, "at the end", p.Check(t.Context(), home, "user1", "password of user1"), nil)
	if n := p.throttle.origins.Len(); n != 0 {
		t.Errorf("%d addresses are remembered, want none", n)
	}
}

func TestGuessesAtOnceCountLikeGuessesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := hashed(t, PasswordOptions{Users: someUsers(t, 1)})
		release := log.hold()
		outcomes := make(chan error, 100)
		for i := range 100 {
			go func() { outcomes <- p.Check(t.Context(), home, "user0", fmt.Sprint("wrong", i)) }()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		want(t, "one that cannot wait", p.Check(ctx, home, "user0", "password of user0"), auth.ErrUnavailable)
		late := make(chan error, 1)
		go func() { late <- p.Check(t.Context(), home, "user0", "password of user0") }()
		synctest.Wait()
		release()
		count := map[error]int{}
		for range 100 {
			var r *auth.DeniedError
			errors.As(<-outcomes, &r)
			count[r.Reason]++
		}
		if count[auth.ErrBadCredential] != 10 || count[auth.ErrThrottled] != 90 {
			t.Errorf("%v, want 10 failures and 90 throttled", count)
		}
		if n := len(log.calls()); n != 10 {
			t.Errorf("%d hashes were computed, want 10", n)
		}
		want(t, "the right one among them", <-late, auth.ErrThrottled)
	})
}

func TestManyUsersOfOneAddressSignInAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := hashed(t, PasswordOptions{Users: someUsers(t, 30)})
		release := log.hold()
		outcomes := make(chan error, 30)
		for i := range 30 {
			name := fmt.Sprint("user", i)
			go func() { outcomes <- p.Check(t.Context(), home, name, "password of "+name) }()
		}
		synctest.Wait()
		release()
		for range 30 {
			want(t, "one of them", <-outcomes, nil)
		}
	})
}

func TestTheThrottleIsBounded(t *testing.T) {
	p, _ := throttled()
	for i := range maxOrigins + 500 {
		want(t, "failure", p.Check(t.Context(), address(i), "admin", "wrong"), auth.ErrBadCredential)
	}
	fail(t, p, home, 10)
	for range 100 {
		want(t, "throttled", p.Check(t.Context(), home, "admin", "more"), auth.ErrThrottled)
	}
	if n := p.throttle.origins.Len(); n != maxOrigins {
		t.Errorf("%d addresses are remembered, want %d", n, maxOrigins)
	}
	if a, _ := p.throttle.origins.Peek(originOf(home, digest{})); len(a.recent) != maxFailures {
		t.Errorf("%d failures are remembered, want %d", len(a.recent), maxFailures)
	}
}

func TestAnAddressThatWasForgottenMeanwhileLeavesInPeace(t *testing.T) {
	c := newClock()
	th := newThrottle(c.Now)
	leave, err := th.enter(t.Context(), originOf(home, digest{}), digest{1})
	want(t, "the first", err, nil)
	for i := range maxOrigins {
		other, err := th.enter(t.Context(), originOf(address(i), digest{}), digest{1})
		want(t, "another", err, nil)
		other(true)
	}
	again, err := th.enter(t.Context(), originOf(home, digest{}), digest{2})
	want(t, "the second", err, nil)
	again(true)
	leave(false)
	if a, _ := th.origins.Peek(originOf(home, digest{})); a == nil || len(a.recent) != 1 {
		t.Error("the failure since then is forgotten")
	}
}
