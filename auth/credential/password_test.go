package credential

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gatehouse/auth"
)

// comparisons watches bcrypt.
type comparisons struct {
	mu            sync.Mutex
	gate          chan struct{} // closed: nobody is held
	hashes        []string
	running, most int
}

func (c *comparisons) compare(hash, password []byte) error {
	c.mu.Lock()
	c.hashes = append(c.hashes, string(hash))
	c.running++
	c.most = max(c.most, c.running)
	gate := c.gate
	c.mu.Unlock()
	<-gate
	err := bcrypt.CompareHashAndPassword(hash, password)
	c.mu.Lock()
	c.running--
	c.mu.Unlock()
	return err
}

// hold lets no comparison end until release is called.
func (c *comparisons) hold() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gate := make(chan struct{})
	c.gate = gate
	return func() { close(gate) }
}

// calls are the hashes that were computed since the last time.
func (c *comparisons) calls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.hashes
	c.hashes = nil
	return h
}

// work is how many rounds the calls take.
func work(calls []string) (rounds int) {
	for _, h := range calls {
		cost, _ := bcrypt.Cost([]byte(h))
		rounds += 1 << cost
	}
	return rounds
}

func hashed(t testing.TB, o PasswordOptions) (*Passwords, *comparisons) {
	t.Helper()
	p, c := NewPasswords(o), &comparisons{}
	c.hold()()
	p.compare = c.compare
	return p, c
}

func hashOf(t testing.TB, password string, cost int) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

// someUsers are n users; the password of user0 is "password of user0".
func someUsers(t testing.TB, n int) map[string]string {
	t.Helper()
	users := map[string]string{}
	for i := range n {
		name := fmt.Sprint("user", i)
		users[name] = hashOf(t, "password of "+name, bcrypt.MinCost)
	}
	return users
}

func TestOnlyTheRightPasswordIsRight(t *testing.T) {
	ann, bob := hashOf(t, "ann's", 4), hashOf(t, "bob's", 5)
	long := strings.Repeat("0123456789", 8)
	longHash := hashOf(t, long[:72], 4)
	version := func(v string) string { return "$2" + v + ann[3:] }
	plain := PasswordOptions{User: "admin", Password: "s3cret:with:colons ü"}
	both := PasswordOptions{User: "admin", Password: "plain", Users: map[string]string{"ann": ann, "bob": bob, "admin": bob, "damaged": ann[:40], "worse": strings.Replace(ann, ann[10:12], "!$", 1), "long": longHash}}
	for _, test := range []struct {
		rule           string
		o              PasswordOptions
		name, password string
		right          bool
	}{
		{"the plain user", plain, "admin", "s3cret:with:colons ü", true},
		{"a wrong password", plain, "admin", "s3cret", false},
		{"another case of the name", plain, "Admin", "s3cret:with:colons ü", false},
		{"another case of the password", plain, "admin", "S3cret:with:colons ü", false},
		{"no password", plain, "admin", "", false},
		{"no name", plain, "", "s3cret:with:colons ü", false},
		{"nothing", plain, "", "", false},
		{"name and password exchanged", plain, "s3cret:with:colons ü", "admin", false},
		{"name and password cut elsewhere", plain, "admins", "3cret:with:colons ü", false},
		{"a name too long", PasswordOptions{User: strings.Repeat("n", 1025), Password: "p"}, strings.Repeat("n", 1025), "p", false},
		{"the longest name", PasswordOptions{User: strings.Repeat("n", 1024), Password: "p"}, strings.Repeat("n", 1024), "p", true},
		{"a password too long", PasswordOptions{User: "n", Password: strings.Repeat("p", 1025)}, "n", strings.Repeat("p", 1025), false},
		{"the longest password", PasswordOptions{User: "n", Password: strings.Repeat("p", 1024)}, "n", strings.Repeat("p", 1024), true},

		{"the plain user beside others", both, "admin", "plain", true},
		{"the plain user hides one of the same name", both, "admin", "bob's", false},
		{"a user with a hash", both, "ann", "ann's", true},
		{"another one", both, "bob", "bob's", true},
		{"the password of another", both, "ann", "bob's", false},
		{"the password of the plain user", both, "ann", "plain", false},
		{"the hash as a password", both, "ann", ann, false},
		{"no password for a hash", both, "ann", "", false},
		{"an unknown user", both, "eve", "ann's", false},
		{"an unknown user without a name", both, "", "ann's", false},
		{"a damaged hash", both, "damaged", "ann's", false},
		{"a damaged hash as a password", both, "damaged", ann[:40], false},
		{"a salt that is none", both, "worse", "ann's", false},
		{"72 bytes of a long password", both, "long", long[:72], true},
		{"more bytes, which bcrypt leaves out", both, "long", long, true},
		{"71 bytes", both, "long", long[:71], false},
		{"many other bytes", both, "long", "x" + long, false},

		{"a hash of version a", PasswordOptions{User: "ann", Password: version("a")}, "ann", "ann's", true},
		{"a hash of version b", PasswordOptions{User: "ann", Password: version("b")}, "ann", "ann's", true},
		{"a hash of version y", PasswordOptions{User: "ann", Password: version("y")}, "ann", "ann's", true},
		{"a hash is not a plain password", PasswordOptions{User: "ann", Password: ann}, "ann", ann, false},
		{"what looks like a hash is plain", PasswordOptions{User: "ann", Password: "$2y$10$short"}, "ann", "$2y$10$short", true},
		{"other hashes are plain", PasswordOptions{User: "ann", Password: "$1$" + ann[4:]}, "ann", "$1$" + ann[4:], true},
		{"a wrong password for a first user with a hash", PasswordOptions{User: "ann", Password: ann}, "ann", "bob's", false},
		{"the first user with a hash hides one of the same name", PasswordOptions{User: "ann", Password: ann, Users: map[string]string{"ann": bob}}, "ann", "bob's", false},
		{"and counts", PasswordOptions{User: "ann", Password: ann, Users: map[string]string{"ann": bob}}, "ann", "ann's", true},

		{"nobody", PasswordOptions{}, "", "", false},
		{"nobody with a name", PasswordOptions{}, "a", "b", false},
		{"a user without a password", PasswordOptions{User: "admin"}, "admin", "", false},
		{"a password without a user", PasswordOptions{Password: "x"}, "", "x", false},
		{"a hash without a user", PasswordOptions{Password: ann}, "", "ann's", false},
		{"a user without a hash", PasswordOptions{Users: map[string]string{"ann": ""}}, "ann", "", false},
	} {
		p := NewPasswords(test.o)
		reason := auth.ErrBadCredential
		if test.right {
			reason = nil
		}
		for _, when := range []string{"", ", again"} {
			want(t, test.rule+when, p.Check(t.Context(), home, test.name, test.password), reason)
		}
	}
}

func TestAllThatIsWrongCostsTheSame(t *testing.T) {
	o := PasswordOptions{User: "admin", Password: "plain", Users: map[string]string{
		"low": hashOf(t, "low's", 4), "middle": hashOf(t, "middle's", 5), "high": hashOf(t, "high's", 7), "damaged": "$2a$09$damaged",
	}}
	long := strings.Repeat("long", 100)
	for _, test := range []struct {
		name, password string
		rounds         int
	}{
		{"low", "wrong", 1 << 7},
		{"middle", "wrong", 1 << 7},
		{"high", "wrong", 1 << 7},
		{"damaged", "wrong", 1 << 7},
		{"unknown", "wrong", 1 << 7},
		{"", "", 1 << 7},
		{"admin", "wrong", 1 << 7},
		{"unknown", "plain", 1 << 7},
		{"high", long, 1 << 7},
		{"unknown", long, 1 << 7},
		{"admin", long, 1 << 7},
		{"admin", "plain", 0},
		{"low", "low's", 1 << 4},
		{"high", "high's", 1 << 7},
	} {
		p, log := hashed(t, o)
		err := p.Check(t.Context(), home, test.name, test.password)
		if got := work(log.calls()); got != test.rounds {
			t.Errorf("%s:%s: %v after %d rounds, want %d", test.name, test.password, err, got, test.rounds)
		}
	}
	p, log := hashed(t, PasswordOptions{User: "admin", Password: "plain"})
	want(t, "without hashes", p.Check(t.Context(), home, "admin", "wrong"), auth.ErrBadCredential)
	if n := len(log.calls()); n != 0 {
		t.Errorf("%d comparisons without hashes", n)
	}
}

func TestAllWrongCredentialsGetTheSameAnswer(t *testing.T) {
	p := NewPasswords(PasswordOptions{User: "admin", Password: "plain", Users: someUsers(t, 1)})
	for _, c := range [][2]string{{"admin", "x"}, {"user0", "x"}, {"unknown", "x"}, {"", ""}, {strings.Repeat("x", 2000), "x"}, {"user0", strings.Repeat("x", 2000)}} {
		var r *auth.DeniedError
		if err := p.Check(t.Context(), home, c[0], c[1]); !errors.As(err, &r) || *r != (auth.DeniedError{Reason: auth.ErrBadCredential, Scheme: auth.Basic}) {
			t.Errorf("%.10s: %#v", c, err)
		}
	}
}

func TestAnUnknownNameIsNeverRight(t *testing.T) {
	p := NewPasswords(PasswordOptions{User: "admin", Password: "plain", Users: someUsers(t, 1)})
	p.compare = func(_, _ []byte) error { return nil } // as if somebody knew the decoy's password
	want(t, "unknown", p.Check(t.Context(), home, "unknown", "x"), auth.ErrBadCredential)
	want(t, "the plain user", p.Check(t.Context(), home, "admin", "x"), auth.ErrBadCredential)
	want(t, "known", p.Check(t.Context(), home, "user0", "x"), nil)
}

func TestADecoyIsComputedToItsEnd(t *testing.T) {
	for _, password := range []string{"", "x", strings.Repeat("x", 72), strings.Repeat("x", 500)} {
		// Only a comparison that did all the work ends like this.
		if err := bcrypt.CompareHashAndPassword([]byte(decoy(4)), []byte(password)); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
	for cost := bcrypt.MinCost; cost <= bcrypt.MaxCost; cost++ {
		if got, ok := hashCost(decoy(cost)); got != cost || !ok {
			t.Errorf("cost %d: got %d, %v", cost, got, ok)
		}
	}
}

func TestAHashIsComputedOnceForACredential(t *testing.T) {
	c := newClock()
	p, log := hashed(t, PasswordOptions{Now: c.Now, Users: map[string]string{"a": hashOf(t, "bc", 4), "ab": hashOf(t, "x", 4)}})
	for _, test := range []struct {
		name, password string
		reason         error
		computed       int
	}{
		{"a", "bc", nil, 1},
		{"a", "bc", nil, 0},
		{"ab", "c", auth.ErrBadCredential, 1}, // the same letters
		{"ab", "c", auth.ErrBadCredential, 0},
		{"", "abc", auth.ErrBadCredential, 1},
		{"", "abc", auth.ErrBadCredential, 0},
		{"abc", "", auth.ErrBadCredential, 1},
		{"a\x00", "bc", auth.ErrBadCredential, 1},
		{"a", "bc", nil, 0},
		{"b", "bc", auth.ErrBadCredential, 1},
	} {
		want(t, test.name+":"+test.password, p.Check(t.Context(), home, test.name, test.password), test.reason)
		if got := len(log.calls()); got != test.computed {
			t.Errorf("%q:%q: computed %d times, want %d", test.name, test.password, got, test.computed)
		}
	}
	c.pass(resultLifetime)
	want(t, "right", p.Check(t.Context(), home, "a", "bc"), nil)
	want(t, "wrong", p.Check(t.Context(), home, "ab", "c"), auth.ErrBadCredential)
	if got := len(log.calls()); got != 2 {
		t.Errorf("computed %d times after an hour, want 2", got)
	}
}

func TestTheSameCredentialIsComputedOnceAtATime(t *testing.T) {
	for password, reason := range map[string]error{"password of user0": nil, "wrong": auth.ErrBadCredential} {
		synctest.Test(t, func(t *testing.T) {
			p, log := hashed(t, PasswordOptions{Users: someUsers(t, 1)})
			release := log.hold()
			outcomes := make(chan error)
			for i := range 200 { // more than may wait, were they different
				go func() { outcomes <- p.Check(t.Context(), address(i), "user0", password) }()
			}
			synctest.Wait()
			release()
			for range 200 {
				want(t, password, <-outcomes, reason)
			}
			if n := len(log.calls()); n != 1 {
				t.Errorf("computed %d times, want once", n)
			}
		})
	}
}

func TestACheckThatStartsLateFindsTheResult(t *testing.T) {
	users := someUsers(t, 1)
	p, log := hashed(t, PasswordOptions{Users: users})
	for password, right := range map[string]bool{"password of user0": true, "wrong": false} {
		key := p.digest("user0", password, users["user0"])
		for range 2 {
			if got, err := p.check(p.accounts.Load(), key, users["user0"], true, []byte(password)); got != right || err != nil {
				t.Errorf("%s: %v, %v, want %v", password, got, err, right)
			}
		}
		if n := len(log.calls()); n != 1 {
			t.Errorf("%s: computed %d times, want once", password, n)
		}
	}
}

func TestOneHashIsComputedAtATimeAndKnownOnesNeverWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := hashed(t, PasswordOptions{User: "admin", Password: "plain", Users: someUsers(t, 2)})
		want(t, "right", p.Check(t.Context(), home, "user0", "password of user0"), nil)
		want(t, "wrong", p.Check(t.Context(), home, "user0", "wrong"), auth.ErrBadCredential)
		log.calls()
		release := log.hold()
		outcomes := make(chan error, 20)
		for i := range 20 {
			go func() { outcomes <- p.Check(t.Context(), address(i), "user1", fmt.Sprint("wrong", i)) }()
		}
		synctest.Wait()
		if n := len(log.calls()); n != 1 {
			t.Errorf("%d hashes are computed, want one", n)
		}
		// Were they to wait, nobody could wake them.
		want(t, "known to be right", p.Check(t.Context(), home, "user0", "password of user0"), nil)
		want(t, "known to be wrong", p.Check(t.Context(), home, "user0", "wrong"), auth.ErrBadCredential)
		want(t, "the plain user", p.Check(t.Context(), home, "admin", "plain"), nil)
		if len(outcomes) != 0 {
			t.Errorf("%d are answered, want none", len(outcomes))
		}
		release()
		for range 20 {
			want(t, "the guesses", <-outcomes, auth.ErrBadCredential)
		}
		if n := len(log.calls()); log.most != 1 || n != 19 {
			t.Errorf("%d hashes, up to %d at a time, want 19, one at a time", n, log.most)
		}
	})
}

func TestFewChecksWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := hashed(t, PasswordOptions{Users: someUsers(t, 2)})
		want(t, "at the start", p.Check(t.Context(), home, "user0", "password of user0"), nil)
		release := log.hold()
		outcomes := make(chan error, maxWaitingHashes+1)
		for i := range maxWaitingHashes {
			go func() { outcomes <- p.Check(t.Context(), address(i), "user1", fmt.Sprint("wrong", i)) }()
		}
		synctest.Wait()
		want(t, "one more", p.Check(t.Context(), home, "user1", "password of user1"), auth.ErrUnavailable)
		want(t, "a known one", p.Check(t.Context(), home, "user0", "password of user0"), nil)
		go func() { outcomes <- p.Check(t.Context(), home, "user1", "wrong5") }() // one of those that wait
		synctest.Wait()
		release()
		for range maxWaitingHashes + 1 {
			want(t, "those before", <-outcomes, auth.ErrBadCredential)
		}
		want(t, "later", p.Check(t.Context(), home, "user1", "password of user1"), nil)
	})
}

func TestACallerThatLeavesSpoilsNothingForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := hashed(t, PasswordOptions{Users: someUsers(t, 1)})
		release := log.hold()
		ctx, leave := context.WithCancel(t.Context())
		before, first, second := make(chan error, 1), make(chan error, 1), make(chan error, 1)
		go func() { before <- p.Check(t.Context(), home, "user0", "wrong") }() // all have to wait for that
		synctest.Wait()
		go func() { first <- p.Check(ctx, home, "user0", "password of user0") }()
		synctest.Wait()
		go func() { second <- p.Check(t.Context(), home, "user0", "password of user0") }()
		synctest.Wait()
		leave()
		want(t, "who leaves", <-first, auth.ErrUnavailable)
		want(t, "who comes without time", p.Check(ctx, home, "user0", "password of user0"), auth.ErrUnavailable)
		synctest.Wait()
		release()
		want(t, "who was there before", <-before, auth.ErrBadCredential)
		want(t, "who stays", <-second, nil)
		want(t, "a known one without time", p.Check(ctx, home, "user0", "password of user0"), nil)
		if n := len(log.calls()); n != 2 {
			t.Errorf("computed %d hashes, want 2", n)
		}
	})
}

func TestGuessesDoNotPushOutWhatIsRight(t *testing.T) {
	p, log := hashed(t, PasswordOptions{Users: someUsers(t, 1)})
	want(t, "at first", p.Check(t.Context(), home, "user0", "password of user0"), nil)
	p.compare = func(_, _ []byte) error { return bcrypt.ErrMismatchedHashAndPassword }
	for i := range maxResults + 100 {
		want(t, "a guess", p.Check(t.Context(), address(i), "user0", fmt.Sprint("wrong", i)), auth.ErrBadCredential)
	}
	p.compare = log.compare
	log.calls()
	want(t, "later", p.Check(t.Context(), home, "user0", "password of user0"), nil)
	if n := len(log.calls()); n != 0 || p.wrong.Len() != maxResults {
		t.Errorf("computed %d times again, want never; %d guesses are remembered, want %d", n, p.wrong.Len(), maxResults)
	}
}

func TestExchangedUsersCountAtOnce(t *testing.T) {
	old, fresh := hashOf(t, "old", 4), hashOf(t, "fresh", 4)
	users := map[string]string{"ann": old, "bob": old}
	p, log := hashed(t, PasswordOptions{User: "admin", Password: "plain", Users: users})
	check := func(when, name, password string, reason error) {
		t.Helper()
		want(t, when+", "+name+":"+password, p.Check(t.Context(), home, name, password), reason)
	}
	check("at first", "ann", "old", nil)
	check("at first", "bob", "old", nil)
	check("at first", "ann", "fresh", auth.ErrBadCredential)
	check("at first", "eve", "fresh", auth.ErrBadCredential)
	log.calls()

	users["bob"] = fresh
	check("after the caller's map has changed", "bob", "old", nil)
	p.SetUsers(map[string]string{"ann": fresh, "eve": fresh})
	if n := p.right.Len() + p.wrong.Len(); n != 0 {
		t.Errorf("%d results are remembered, want none", n)
	}
	check("afterwards", "ann", "old", auth.ErrBadCredential)
	check("afterwards", "ann", "fresh", nil)
	check("afterwards", "eve", "fresh", nil)
	check("afterwards", "bob", "old", auth.ErrBadCredential)
	check("afterwards", "admin", "plain", nil)
	if n := p.Users(); n != 3 {
		t.Errorf("%d users, want 3", n)
	}
}

func TestUsersExchangedDuringACheckCount(t *testing.T) {
	old, fresh := hashOf(t, "old", 4), hashOf(t, "fresh", 4)
	for _, test := range []struct {
		name, password string
		after          map[string]string
		reason         error
	}{
		{"revoked", "old", map[string]string{}, auth.ErrBadCredential},
		{"changed", "old", map[string]string{"ann": fresh}, auth.ErrBadCredential},
		{"added", "fresh", map[string]string{"ann": fresh}, nil},
		{"the same", "old", map[string]string{"ann": old}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, log := hashed(t, PasswordOptions{Users: map[string]string{"ann": old}})
			release := log.hold()
			outcome := make(chan error, 1)
			go func() { outcome <- p.Check(t.Context(), home, "ann", test.password) }()
			synctest.Wait()
			p.SetUsers(test.after)
			release()
			want(t, test.name, <-outcome, test.reason)
		})
	}
}

func TestUsersThatVanishDoNotOpenTheServer(t *testing.T) {
	ann := map[string]string{"ann": hashOf(t, "x", 4)}
	for _, test := range []struct {
		name       string
		o          PasswordOptions
		reloads    []map[string]string
		configured bool
		users      int
	}{
		{"nobody", PasswordOptions{}, nil, false, 0},
		{"nobody after a reload", PasswordOptions{}, []map[string]string{nil}, false, 0},
		{"a plain user", PasswordOptions{User: "a", Password: "b"}, nil, true, 1},
		{"a first user with a hash", PasswordOptions{User: "a", Password: ann["ann"]}, []map[string]string{nil}, true, 1},
		{"users", PasswordOptions{Users: ann}, nil, true, 1},
		{"both", PasswordOptions{User: "a", Password: "b", Users: ann}, nil, true, 2},
		{"the same twice", PasswordOptions{User: "ann", Password: "b", Users: ann}, nil, true, 1},
		{"users of a reload", PasswordOptions{}, []map[string]string{ann}, true, 1},
		{"users that vanish", PasswordOptions{Users: ann}, []map[string]string{nil}, true, 0},
		{"users that came and vanish", PasswordOptions{}, []map[string]string{ann, {}}, true, 0},
		{"a user with a damaged hash", PasswordOptions{Users: map[string]string{"ann": "x"}}, nil, true, 1},
		{"a user without a password", PasswordOptions{User: "a"}, nil, true, 1},
		{"a password without a user", PasswordOptions{Password: "a"}, nil, true, 1},
		{"a hash without a user", PasswordOptions{Password: ann["ann"]}, nil, true, 1},
	} {
		p := NewPasswords(test.o)
		for _, users := range test.reloads {
			p.SetUsers(users)
		}
		if p.Configured() != test.configured || p.Users() != test.users {
			t.Errorf("%s: %v with %d users, want %v with %d", test.name, p.Configured(), p.Users(), test.configured, test.users)
		}
	}
}

func TestPasswordsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPasswords(PasswordOptions{User: "admin", Password: "correct horse battery", Users: map[string]string{"ann": hashOf(t, "staple staple", 4)}})
		for _, c := range [][2]string{{"admin", "correct horse battery"}, {"admin", "wrong horse battery"}, {"ann", "staple staple"}, {"ann", "wrong staple"}, {"a stranger", "strange password"}} {
			_ = p.Check(t.Context(), home, c[0], c[1])
		}
		if p.right.Len() != 1 || p.wrong.Len() != 3 || p.throttle.origins.Len() != 1 {
			t.Fatal("nothing is remembered that could hold a password")
		}
		synctest.Wait() // the checks unlock what is looked at here after they have answered
		wantForgotten(t, []string{"correct horse", "wrong horse", "staple staple", "wrong staple", "a stranger", "strange password"},
			p, *p.accounts.Load(), p.throttle, p.right, p.wrong)
	})
}

func TestPasswordsAreSafeForConcurrentUse(t *testing.T) {
	one, other := someUsers(t, 2), someUsers(t, 2)
	p := NewPasswords(PasswordOptions{User: "admin", Password: "plain", Users: one})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				want(t, "plain", p.Check(t.Context(), address(i), "admin", "plain"), nil)
				want(t, "hashed", p.Check(t.Context(), address(i), "user1", "password of user1"), nil)
				want(t, "wrong", p.Check(t.Context(), address(i), "user1", fmt.Sprint("wrong", j%3)), auth.ErrBadCredential)
				_, _ = p.Configured(), p.Users()
			}
		})
	}
	wg.Go(func() {
		for range 10 {
			p.SetUsers(other)
			p.SetUsers(one)
		}
	})
	wg.Wait()
}

// FuzzHashes holds the view of what a whole hash is against bcrypt's.
func FuzzHashes(f *testing.F) {
	whole := hashOf(f, "x", 4)
	for _, h := range []string{"", "$", whole, whole[:59], whole + "x", whole + "\n", "$2$" + whole[4:], "$2x" + whole[3:], "$2a$04$" + strings.Repeat("$", 53), "$2a$+4$" + whole[7:], "$3a$04$" + whole[7:], decoy(4)} {
		f.Add(h, "x")
	}
	f.Fuzz(func(t *testing.T, hash, password string) {
		cost, ok := hashCost(hash)
		if isHash(hash) && !slices.Contains([]string{"$2a$", "$2b$", "$2y$"}, hash[:4]) {
			t.Errorf("%q is taken as a hash", hash)
		}
		if !ok || cost > 5 {
			return
		}
		if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); err != nil && !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			t.Errorf("%q fails without the work: %v", hash, err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	p := NewPasswords(PasswordOptions{User: "admin", Password: "plain", Users: someUsers(b, 1), Now: time.Now})
	for _, c := range []struct{ about, name, password string }{
		{"plain", "admin", "plain"},
		{"of a known hash", "user0", "password of user0"},
		{"known to be wrong", "user0", "wrong"},
	} {
		b.Run(c.about, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = p.Check(b.Context(), home, c.name, c.password)
			}
		})
	}
}
