package access_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
	"gatehouse/store/storetest"
)

func TestASessionIsThereAfterARestartUntilItIsEnded(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	want := storetest.NewSession(time.Unix(0, time.Now().UnixNano()))
	storetest.MustCreateSession(t, s, "one", want)
	storetest.MustCreateSession(t, s, "two", want)
	if err := s.EndSession(t.Context(), "two", store.Origin{}); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after a restart"} {
		if got, ok := s.Session("one"); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", when, got, ok, want)
		}
		if got := storetest.KnownSessions(s, "two", "three", ""); got != "" {
			t.Errorf("%s: %s is there", when, got)
		}
		if n := s.Snapshot().Stats().Sessions; n != 1 {
			t.Errorf("%s: %d sessions", when, n)
		}
		closeStore()
		s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
	}
}

func TestASessionWithoutAnythingIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	want := auth.Session{Expires: time.Unix(0, time.Now().Add(time.Hour).UnixNano())}
	storetest.MustCreateSession(t, s, "one", want)
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if got, ok := s.Session("one"); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
}

func TestTheDiskDoesNotKnowTheIDOfASession(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	storetest.MustCreateSession(t, s, "the-secret-id", storetest.NewSession(time.Now(), func(x *auth.Session) { x.Name = "somebody-we-know" }))
	closeStore()
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
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
		t.Error("the session itself is not found: this test looks in the wrong place")
	}
	if bytes.Contains(all, []byte("the-secret-id")) {
		t.Error("the id is on disk")
	}
}

func TestASessionEndsWhenItsTimeIsOverAndIsForgotten(t *testing.T) {
	var now atomic.Int64
	began := time.Now()
	now.Store(began.UnixNano())
	o := storetest.Options
	o.Now = func() time.Time { return time.Unix(0, now.Load()) }
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, o)
	storetest.MustCreateSession(t, s, "short", storetest.NewSession(began))
	storetest.MustCreateSession(t, s, "long", storetest.NewSession(began, func(x *auth.Session) { x.Expires = began.Add(2 * time.Hour) }))
	now.Store(began.Add(time.Hour - 1).UnixNano())
	if got := storetest.KnownSessions(s, "short", "long"); got != "short long" {
		t.Errorf("just before: %q", got)
	}
	now.Store(began.Add(time.Hour).UnixNano())
	if got := storetest.KnownSessions(s, "short", "long"); got != "long" {
		t.Errorf("just then: %q", got)
	}
	// Anything that happens takes what has ended along.
	storetest.MustPush(t, s, "/job/x", "m 1\n")
	storetest.Eventually(t, "one session is left", func() bool { return s.Snapshot().Stats().Sessions == 1 })
	closeStore()
	now.Store(began.UnixNano())
	s, _ = storetest.OpenDir(t, dir, o)
	if got := storetest.KnownSessions(s, "short", "long"); got != "long" {
		t.Errorf("after a restart with the clock set back: %q", got)
	}
}

func TestWhatEndedWhileNobodyLookedIsForgottenByItself(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	for i := range 3 {
		storetest.MustCreateSession(t, s, fmt.Sprint(i), storetest.NewSession(time.Now().Add(-time.Hour+10*time.Millisecond)))
	}
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	storetest.Eventually(t, "all are gone", func() bool { return s.Snapshot().Stats().Sessions == 0 })
}

func TestTheOldestSessionOfAUserMakesRoomForTheTwentyFirst(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	began := time.Now()
	storetest.MustCreateSession(t, s, "bob's", storetest.NewSession(began.Add(-time.Minute), func(x *auth.Session) { x.ID = "user:bob" }))
	storetest.MustCreateSession(t, s, "another alice's", storetest.NewSession(began.Add(-time.Minute), func(x *auth.Session) { x.ID = "sub:alice" }))
	var ids []string
	for i := range 21 {
		ids = append(ids, fmt.Sprint(i))
	}
	// The first ones in an order that says nothing about their age.
	for _, i := range []int{7, 0, 19, 3, 12, 1, 2, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18} {
		storetest.MustCreateSession(t, s, ids[i], storetest.NewSession(began.Add(time.Duration(i)*time.Second)))
	}
	if got := storetest.KnownSessions(s, ids...); got != strings.Join(ids[:20], " ") {
		t.Fatalf("twenty: %s", got)
	}
	closeStore()
	s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
	storetest.MustCreateSession(t, s, ids[20], storetest.NewSession(began.Add(20*time.Second)))
	want := strings.Join(ids[1:], " ") + " bob's another alice's"
	for _, when := range []string{"at once", "after a restart"} {
		if got := storetest.KnownSessions(s, append(ids, "bob's", "another alice's")...); got != want {
			t.Errorf("%s: got %s, want %s", when, got, want)
		}
		closeStore()
		s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
	}
}

func TestThereAreNeverMoreThanTenThousandSessions(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	began := time.Now()
	create := func(i int) error {
		return s.CreateSession(t.Context(), fmt.Sprint(i), storetest.NewSession(began.Add(time.Duration(i)*time.Millisecond), func(x *auth.Session) { x.ID = fmt.Sprint("user", i) }))
	}
	errs := make(chan error, 100)
	for worker := range cap(errs) {
		go func() {
			var err error
			for i := worker; i < 10_000 && err == nil; i += cap(errs) {
				err = create(i)
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if got := storetest.KnownSessions(s, "0", "1"); got != "0 1" {
		t.Fatalf("before: %q", got)
	}
	if err := create(10_000); err != nil {
		t.Fatal(err)
	}
	if n := s.Snapshot().Stats().Sessions; n != 10_000 {
		t.Errorf("%d sessions", n)
	}
	if got := storetest.KnownSessions(s, "0", "1", "10000"); got != "1 10000" {
		t.Errorf("of 0, 1 and 10000 there are %s", got)
	}
}

func TestAllSessionsOfAUserEndAndNobodyElses(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	storetest.MustCreateSession(t, s, "a1", storetest.NewSession(time.Now()))
	storetest.MustCreateSession(t, s, "a2", storetest.NewSession(time.Now()))
	storetest.MustCreateSession(t, s, "b", storetest.NewSession(time.Now(), func(x *auth.Session) { x.ID = "user:bob" }))
	storetest.MustCreateSession(t, s, "o", storetest.NewSession(time.Now(), func(x *auth.Session) { x.ID = "sub:alice" }))
	for _, want := range []int{2, 0} {
		if n, err := s.EndSessionsOf(t.Context(), "user:alice", "", store.Origin{}, ""); n != want || err != nil {
			t.Errorf("got %d, %v, want %d", n, err, want)
		}
	}
	closeStore()
	s, _ = storetest.OpenDir(t, dir, storetest.Options)
	if got := storetest.KnownSessions(s, "a1", "a2", "b", "o"); got != "b o" {
		t.Errorf("there are %s", got)
	}
}

func TestAWipeEndsNoSession(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	storetest.MustCreateSession(t, s, "one", storetest.NewSession(time.Now()))
	if _, err := s.Wipe(t.Context(), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after a restart"} {
		if storetest.KnownSessions(s, "one") == "" || s.Snapshot().Stats().Sessions != 1 {
			t.Errorf("%s: it is gone", when)
		}
		closeStore()
		s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
	}
}

func TestASessionThatCannotBeWrittenIsNotThere(t *testing.T) {
	s, closeStore := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	storetest.MustCreateSession(t, s, "one", storetest.NewSession(time.Now()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.CreateSession(ctx, "two", storetest.NewSession(time.Now())); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	closeStore()
	if err := s.CreateSession(t.Context(), "three", storetest.NewSession(time.Now())); err == nil {
		t.Error("a closed store takes a session")
	}
	if err := s.EndSession(t.Context(), "one", store.Origin{}); err == nil {
		t.Error("a closed store says that a session has ended")
	}
	if got := storetest.KnownSessions(s, "one", "two", "three"); got != "one" {
		t.Errorf("there are %s", got)
	}
}

func TestWhatFailsToBeWrittenNeitherBeginsNorEndsASession(t *testing.T) {
	s, j := storetest.OpenFailing(t)
	storetest.MustCreateSession(t, s, "one", storetest.NewSession(time.Now()))
	fail := func() error { return journal.ErrUnavailable }
	j.Before.Store(&fail)
	if err := s.CreateSession(t.Context(), "two", storetest.NewSession(time.Now())); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if err := s.EndSession(t.Context(), "one", store.Origin{}); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if got := storetest.KnownSessions(s, "one", "two"); got != "one" {
		t.Errorf("there are %s", got)
	}
}

func TestASessionIsKnownToAllStoresOnOneJournal(t *testing.T) {
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
	storetest.MustCreateSession(t, stores[0], "one", storetest.NewSession(time.Now()))
	storetest.Eventually(t, "the other store knows it", func() bool { return storetest.KnownSessions(stores[1], "one") != "" })
	if err := stores[1].EndSession(t.Context(), "one", store.Origin{}); err != nil {
		t.Fatal(err)
	}
	storetest.Eventually(t, "the first store knows its end", func() bool { return storetest.KnownSessions(stores[0], "one") == "" })
}

func TestASessionEndsWhenNobodyUsesIt(t *testing.T) {
	c := &storetest.Clock{}
	o := storetest.Options
	o.Now, o.SessionIdle = c.Time, time.Hour
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, o)
	long := func(x *auth.Session) { x.Expires = x.Created.Add(12 * time.Hour) }
	storetest.MustCreateSession(t, s, "used", storetest.NewSession(c.Time(), long))
	storetest.MustCreateSession(t, s, "unused", storetest.NewSession(c.Time(), long))
	for range 3 {
		c.Advance(30 * time.Minute)
		s.UseSession("used", "::1")
	}
	if got := storetest.KnownSessions(s, "used", "unused"); got != "used" {
		t.Errorf("after 90 minutes: %q", got)
	}
	if x, _ := s.Session("used"); !x.LastUsed.Equal(c.Time()) {
		t.Errorf("seen at %v, want %v", x.LastUsed, c.Time())
	}
	if list := s.SessionsOf("user:alice"); len(list) != 1 || list[0].Handle != store.SessionHandle("used") {
		t.Errorf("listed: %+v", list)
	}
	closeStore() // takes down when it was used
	s, _ = storetest.OpenDir(t, dir, o)
	c.Advance(time.Hour - time.Second)
	if got := storetest.KnownSessions(s, "used", "unused"); got != "used" {
		t.Errorf("after a restart: %q", got)
	}
	c.Advance(time.Second)
	if got := storetest.KnownSessions(s, "used"); got != "" {
		t.Errorf("an hour later: %q", got)
	}
	c.Advance(2 * time.Minute)
	storetest.ReadClock(t, s)
	storetest.ReadClock(t, s)
	if n := s.Snapshot().Stats().Sessions; n != 0 {
		t.Errorf("%d sessions are kept", n)
	}
}

func TestUsersSeeAndEndTheirOwnSessionsOnly(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	began := time.Now()
	storetest.MustCreateSession(t, s, "a2", storetest.NewSession(began.Add(time.Second)))
	storetest.MustCreateSession(t, s, "a1", storetest.NewSession(began))
	storetest.MustCreateSession(t, s, "b", storetest.NewSession(began, func(x *auth.Session) { x.ID = "user:bob" }))
	list := s.SessionsOf("user:alice")
	if len(list) != 2 || list[0].Handle != store.SessionHandle("a1") || list[1].Handle != store.SessionHandle("a2") || list[0].UserAgent != "Firefox" {
		t.Fatalf("got %+v", list)
	}
	if s.SessionsOf("user:nobody") != nil {
		t.Error("nobody has sessions")
	}
	for _, test := range []struct {
		user, handle string
		want         int
		left         string
	}{
		{"user:alice", store.SessionHandle("b"), 0, "a1 a2 b"},
		{"user:alice", "a1", 0, "a1 a2 b"},
		{"user:alice", store.SessionHandle("a1"), 1, "a2 b"},
	} {
		n, err := s.EndSessionsOf(t.Context(), test.user, test.handle, storetest.Ana, "by choice")
		if got := storetest.KnownSessions(s, "a1", "a2", "b"); err != nil || n != test.want || got != test.left {
			t.Errorf("%+v: %d, %v, %s are left", test, n, err, got)
		}
	}
}

func TestSessionsEndByWhatTheyAre(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	began := time.Now()
	for i := range 4 {
		storetest.MustCreateSession(t, s, fmt.Sprint(i), storetest.NewSession(began, func(x *auth.Session) { x.Provider = fmt.Sprint(i % 2) }))
	}
	n, err := s.EndSessionsWhere(t.Context(), func(x auth.Session) bool { return x.Provider == "1" }, storetest.Ana, "signed out at the provider")
	if got := storetest.KnownSessions(s, "0", "1", "2", "3"); err != nil || n != 2 || got != "0 2" {
		t.Errorf("%d, %v, %s are left", n, err, got)
	}
}

func TestSigningInAndOutIsOnRecord(t *testing.T) {
	var recorded []store.Entry
	o := storetest.Options
	o.Recorded = func(x store.Entry) { recorded = append(recorded, x) }
	s, _ := storetest.OpenDir(t, t.TempDir(), o)
	storetest.MustCreateSession(t, s, "one", storetest.NewSession(time.Now()))
	storetest.MustCreateSession(t, s, "two", storetest.NewSession(time.Now()))
	if err := s.EndSession(t.Context(), "one", storetest.Ana); err != nil {
		t.Fatal(err)
	}
	if err := s.EndSession(t.Context(), "one", storetest.Ana); err != nil { // there is none any more
		t.Fatal(err)
	}
	if _, err := s.EndSessionsOf(t.Context(), "user:alice", "", storetest.Ana, "everywhere"); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range recorded {
		got = append(got, fmt.Sprintf("%s %s by %s via %s from %s: %s %d", x.Kind, x.What, x.Origin.ID, x.Origin.Via, x.Origin.From, x.Message, x.Count))
	}
	want := []string{
		"sign_in alice by user:alice via basic from ::1: role admin 1",
		"sign_in alice by user:alice via basic from ::1: role admin 1",
		"sign_out alice by user:ana via session from ::1:  1",
		"sign_out alice by user:ana via session from ::1: everywhere 1",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	all := storetest.AllEntries(t, s, store.ActivityQuery{})
	for i := range all {
		if !reflect.DeepEqual(all[len(all)-1-i].Origin, recorded[i].Origin) || all[len(all)-1-i].Operation != recorded[i].Operation {
			t.Errorf("read %+v, recorded %+v", all[len(all)-1-i], recorded[i])
		}
	}
	if len(all) != len(recorded) {
		t.Errorf("%d are read, %d were recorded", len(all), len(recorded))
	}
}
