package access_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/pebble"
	"gatehouse/store/storetest"
)

// limitedTo is a selector.
func limitedTo(t testing.TB, text string) store.Selectors {
	t.Helper()
	s, err := store.ParseSelectors([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestATokenIsThereAfterARestartUntilItIsRevoked(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	x, secret := storetest.MustCreateToken(t, s, store.NewToken{Name: "ci", Role: auth.Pusher, Scope: limitedTo(t, `{job="backup"}`), Lifetime: time.Hour})
	other, otherSecret := storetest.MustCreateToken(t, s, store.NewToken{Name: "all", Role: auth.Admin})
	if other.ID == x.ID || secret == otherSecret || len(secret) < 40 || !strings.HasPrefix(secret, "gatehouse_") {
		t.Fatalf("%s and %s, %d bytes", x.ID, other.ID, len(secret))
	}
	for _, when := range []string{"at once", "after a restart"} {
		got, ok := s.FindToken(secret)
		if !ok || got.Name != "ci" || got.Role != auth.Pusher || got.ID != x.ID || got.CreatedBy != "ana" || !got.Created.Equal(x.Created) || !got.Expires().Equal(x.Created.Add(time.Hour)) {
			t.Errorf("%s: got %+v, %v", when, got, ok)
		}
		if backup, etl := limits(got, "backup"), limits(got, "etl"); !backup || etl || got.Scope.String() != `{job="backup"}` {
			t.Errorf("%s: backup %v, etl %v", when, backup, etl)
		}
		if got, ok := s.FindToken(otherSecret); !ok || !got.Scope.All() || !got.Expires().IsZero() {
			t.Errorf("%s: got %+v, %v", when, got, ok)
		}
		for _, wrong := range []string{"", secret[1:], secret + " ", strings.ToUpper(secret), x.ID} {
			if storetest.Lets(s, wrong) {
				t.Errorf("%s: %q is a token", when, wrong)
			}
		}
		if names := names(s); names != "all ci" {
			t.Errorf("%s: there are %s", when, names)
		}
		closeStore()
		s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
	}
	if _, err := s.RevokeToken(t.Context(), x.ID, storetest.Ana); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RevokeToken(t.Context(), x.ID, storetest.Ana); !errors.Is(err, store.ErrNoToken) {
		t.Errorf("a second time: %v", err)
	}
	for _, when := range []string{"at once", "after a restart"} {
		if storetest.Lets(s, secret) || !storetest.Lets(s, otherSecret) || names(s) != "all" {
			t.Errorf("%s: there are %s", when, names(s))
		}
		closeStore()
		s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
	}
	want := []string{
		"token_revoke of ci …" + hint(secret) + `, role pusher, scope {job="backup"}`,
		"token_create of all …" + hint(otherSecret) + ", role admin",
		"token_create of ci …" + hint(secret) + `, role pusher, scope {job="backup"}, expires ` + x.Expires().UTC().Format(time.RFC3339),
	}
	if got := event(t, s); !slices.Equal(got, want) {
		t.Errorf("on record:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// limits reports whether a token may act on groupings of a job.
func limits(x *store.Token, job string) bool {
	return x.Scope.Match([]exposition.Label{{Name: "job", Value: job}})
}

func hint(secret string) string { return secret[len(secret)-4:] }

func names(s *store.Store) string {
	var names []string
	for x := range s.Snapshot().Tokens() {
		names = append(names, x.Name)
	}
	return strings.Join(names, " ")
}

// event lists ana's entries in the activity log, newest first.
func event(t *testing.T, s *store.Store) (lines []string) {
	t.Helper()
	for _, x := range storetest.AllEntries(t, s, store.ActivityQuery{}) {
		if x.Origin != storetest.Ana {
			t.Errorf("%s by %+v", x.Kind, x.Origin)
		}
		lines = append(lines, fmt.Sprintf("%s of %s, %s", x.Kind, x.What, x.Message))
	}
	return lines
}

func TestTheDiskDoesNotKnowTheSecretOfAToken(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	x, secret := storetest.MustCreateToken(t, s, store.NewToken{Name: "somebody-we-know", Role: auth.Reader})
	_, second, err := s.RotateToken(t.Context(), x.ID, time.Hour, storetest.Ana)
	if err != nil {
		t.Fatal(err)
	}
	closeStore()
	var all []byte
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(all, []byte("somebody-we-know")) {
		t.Error("the token itself is not found: this test looks in the wrong place")
	}
	for _, secret := range []string{secret, second} {
		if bytes.Contains(all, []byte(secret[10:30])) || bytes.Contains(all, []byte(secret[20:])) {
			t.Error("a secret is on disk")
		}
	}
}

func TestATokenEndsWhenItsTimeIsOverAndStaysInTheList(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, o)
	x, secret := storetest.MustCreateToken(t, s, store.NewToken{Name: "short", Role: auth.Reader, Lifetime: time.Hour})
	c.Advance(time.Hour - time.Second)
	if !storetest.Lets(s, secret) || s.Expired(&x.Secrets[0]) {
		t.Error("it ends too early")
	}
	c.Advance(time.Second + time.Microsecond) // no two changes share a time
	for _, when := range []string{"at once", "after a restart"} {
		if storetest.Lets(s, secret) || !s.Expired(&x.Secrets[0]) || names(s) != "short" {
			t.Errorf("%s: holds %v, there are %s", when, storetest.Lets(s, secret), names(s))
		}
		closeStore()
		s, closeStore = storetest.OpenDir(t, dir, o)
	}
	// A new secret gives it a new life.
	if _, secret, err := s.RotateToken(t.Context(), x.ID, time.Hour, storetest.Ana); err != nil || !storetest.Lets(s, secret) {
		t.Errorf("got %v", err)
	}
	if storetest.Lets(s, secret) {
		t.Error("the old secret has come back")
	}
}

func TestTheOldSecretOfATokenServesForAWhile(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		name           string
		lifetime, wait time.Duration // of the token, and until the rotation
		overlap        time.Duration
		oldFor, newFor time.Duration // from the rotation on; 0: for ever, or not at all
	}{
		{"for as long as was asked", 30 * day, day, time.Hour, time.Hour, 30 * day},
		{"not beyond its own end", 2 * day, day, 7 * day, day, 2 * day},
		{"not at all", 30 * day, day, 0, 0, 30 * day},
		{"where it had no end", 0, day, time.Hour, time.Hour, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &storetest.Clock{}
			o := storetest.Options
			o.Now = c.Time
			dir := t.TempDir()
			s, closeStore := storetest.OpenDir(t, dir, o)
			x, old := storetest.MustCreateToken(t, s, store.NewToken{Name: "n", Role: auth.Reader, Lifetime: test.lifetime})
			c.Advance(test.wait)
			y, fresh, err := s.RotateToken(t.Context(), x.ID, test.overlap, storetest.Ana)
			if err != nil || y.ID != x.ID {
				t.Fatal(y, err)
			}
			closeStore()
			s, _ = storetest.OpenDir(t, dir, o)
			if !storetest.Lets(s, fresh) || storetest.Lets(s, old) != (test.oldFor > 0) {
				t.Errorf("at once: new %v, old %v", storetest.Lets(s, fresh), storetest.Lets(s, old))
			}
			if test.oldFor > 0 {
				c.Advance(test.oldFor - time.Second)
				if !storetest.Lets(s, old) {
					t.Error("the old one ends too early")
				}
				c.Advance(time.Second + time.Microsecond)
				if storetest.Lets(s, old) {
					t.Error("the old one goes on")
				}
			}
			if test.newFor == 0 {
				c.Advance(1000 * day)
				if !storetest.Lets(s, fresh) {
					t.Error("the new one has an end")
				}
				return
			}
			c.Advance(test.newFor - test.oldFor - time.Second)
			if !storetest.Lets(s, fresh) {
				t.Error("the new one ends too early")
			}
			c.Advance(2 * time.Second)
			if storetest.Lets(s, fresh) {
				t.Error("the new one goes on")
			}
		})
	}
}

func TestAThirdSecretTakesThePlaceOfTheFirst(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	x, first := storetest.MustCreateToken(t, s, store.NewToken{Name: "n", Role: auth.Reader})
	_, second, err := s.RotateToken(t.Context(), x.ID, time.Hour, storetest.Ana)
	if err != nil {
		t.Fatal(err)
	}
	y, third, err := s.RotateToken(t.Context(), x.ID, time.Hour, storetest.Ana)
	if err != nil || storetest.Lets(s, first) || !storetest.Lets(s, second) || !storetest.Lets(s, third) || len(y.Secrets) != 2 {
		t.Errorf("%v: first %v, second %v, third %v", err, storetest.Lets(s, first), storetest.Lets(s, second), storetest.Lets(s, third))
	}
	if _, err := s.RevokeToken(t.Context(), x.ID, storetest.Ana); err != nil || storetest.Lets(s, second) || storetest.Lets(s, third) {
		t.Errorf("revoked, %v: second %v, third %v", err, storetest.Lets(s, second), storetest.Lets(s, third))
	}
	if _, _, err := s.RotateToken(t.Context(), x.ID, time.Hour, storetest.Ana); !errors.Is(err, store.ErrNoToken) {
		t.Errorf("got %v", err)
	}
}

func TestNoTwoTokensHaveTheSameName(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	x, _ := storetest.MustCreateToken(t, s, store.NewToken{Name: "n", Role: auth.Reader})
	if _, _, err := s.CreateToken(t.Context(), store.NewToken{Name: "n", Role: auth.Admin}, storetest.Ana); !errors.Is(err, store.ErrTokenName) {
		t.Errorf("got %v", err)
	}
	if got, ok := s.Snapshot().Token(x.ID); !ok || got.Role != auth.Reader {
		t.Errorf("got %+v", got)
	}
	if _, err := s.RevokeToken(t.Context(), x.ID, storetest.Ana); err != nil {
		t.Fatal(err)
	}
	storetest.MustCreateToken(t, s, store.NewToken{Name: "n", Role: auth.Admin})
}

func TestATokenThatIsRevokedIsRevokedInAllStoresOnOneJournal(t *testing.T) {
	j, err := pebble.Open(pebble.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	var stores [2]*store.Store
	for i := range stores {
		if stores[i], err = store.Open(t.Context(), j, storetest.Options); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stores[i].Close() })
	}
	x, secret := storetest.MustCreateToken(t, stores[0], store.NewToken{Name: "n", Role: auth.Reader})
	storetest.Eventually(t, "the other store knows it", func() bool { return storetest.Lets(stores[1], secret) })
	if _, err := stores[1].RevokeToken(t.Context(), x.ID, storetest.Ana); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "the first store knows its end", func() bool { return !storetest.Lets(stores[0], secret) })

	a, err := stores[0].SigningKey(t.Context())
	if err != nil || len(a) != 32 {
		t.Fatalf("a secret of %d bytes, %v", len(a), err)
	}
	storetest.Eventually(t, "the other store has the same secret", func() bool {
		b, err := stores[1].SigningKey(t.Context())
		return err == nil && bytes.Equal(a, b)
	})
}

func TestTheSecretStaysWhatItIs(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	first, err := s.SigningKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first[0]++ // it is the caller's
	second, _ := s.SigningKey(t.Context())
	closeStore()
	s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
	third, err := s.SigningKey(t.Context())
	if err != nil || bytes.Equal(first, second) || !bytes.Equal(second, third) {
		t.Errorf("%x, %x, %x, %v", first[:4], second[:4], third[:4], err)
	}
	if _, err := s.Wipe(t.Context(), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if fourth, err := s.SigningKey(t.Context()); err != nil || !bytes.Equal(third, fourth) {
		t.Errorf("after a wipe: %x, %v", fourth, err)
	}
}

func TestTheLastUseOfATokenIsThereAfterARestart(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, o)
	x, _ := storetest.MustCreateToken(t, s, store.NewToken{Name: "n", Role: auth.Reader})
	never, _ := storetest.MustCreateToken(t, s, store.NewToken{Name: "never", Role: auth.Reader})
	type use struct {
		at   time.Time
		from string
	}
	used := func(x *store.Token) use {
		at, from := s.TokenUsed(x.ID)
		return use{at, from}
	}
	var want use
	for range 3 {
		c.Advance(time.Second)
		want = use{c.Time(), "192.0.2.1"}
		s.UseToken(x.ID, want.from)
	}
	for _, when := range []string{"at once", "after a restart", "after another"} {
		if got := used(x); got != want {
			t.Errorf("%s: got %v, want %v", when, got, want)
		}
		if got := used(never); !reflect.DeepEqual(got, use{}) {
			t.Errorf("%s: got %v", when, got)
		}
		closeStore()
		s, closeStore = storetest.OpenDir(t, dir, o)
	}
	if _, err := s.RevokeToken(t.Context(), x.ID, storetest.Ana); err != nil {
		t.Fatal(err)
	}
	s.UseToken(x.ID, "::1") // by a request that came before
	closeStore()
	j, err := pebble.Open(pebble.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if left, err := j.Scan(t.Context(), "u.", "", 10); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestUsesAreWrittenOnceAMinuteHoweverManyThereAre(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now = c.Time
	var changes int
	o.Observe = func(x store.CommitStats) { changes += x.Changes }
	s, closeStore := storetest.OpenDir(t, t.TempDir(), o)
	x, _ := storetest.MustCreateToken(t, s, store.NewToken{Name: "n", Role: auth.Reader})
	storetest.ReadClock(t, s)
	before := changes
	for range 1000 {
		s.UseToken(x.ID, "::1")
		c.Advance(50 * time.Millisecond)
	}
	storetest.ReadClock(t, s)
	if changes != before {
		t.Errorf("%d changes within 50 seconds", changes-before)
	}
	c.Advance(time.Minute)
	storetest.ReadClock(t, s)
	if changes != before+1 {
		t.Errorf("%d changes after a minute, want 1", changes-before)
	}
	closeStore()
}

func BenchmarkFindAToken(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			j, err := pebble.Open(pebble.Options{Path: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			s, err := store.Open(b.Context(), j, storetest.Options)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var secret string
			done := make(chan string, 100)
			for w := range cap(done) {
				go func() {
					var last string
					for i := w; i < n; i += cap(done) {
						_, last, _ = s.CreateToken(b.Context(), store.NewToken{Name: fmt.Sprint(i), Role: auth.Pusher}, storetest.Ana)
					}
					done <- last
				}()
			}
			for range cap(done) {
				if last := <-done; last != "" {
					secret = last
				}
			}
			for b.Loop() {
				x, ok := s.FindToken(secret)
				if !ok {
					b.Fatal("it is not found")
				}
				s.UseToken(x.ID, "::1")
			}
		})
	}
}
