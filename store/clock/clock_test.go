package clock_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"gatehouse/auth"
	"gatehouse/store"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
	"gatehouse/store/storetest"
)

// timed is a store with a clock that a test sets.
type timed struct {
	*store.Store
	storetest.WallClock
	t       *testing.T
	fs      vfs.FS
	journal journal.Journal
	o       store.Options
	log     bytes.Buffer
}

func newTimed(t *testing.T, change ...func(*store.Options)) *timed {
	s := &timed{t: t, fs: storetest.Crashable(t)}
	s.o = s.StoreOptions()
	s.o.Logger = slog.New(slog.NewTextHandler(&s.log, nil))
	for _, f := range change {
		f(&s.o)
	}
	s.open()
	t.Cleanup(func() { s.close() })
	return s
}

func (s *timed) open() {
	s.t.Helper()
	j, err := pebble.Open(pebble.Options{Path: "store", FS: s.fs, MinFree: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	s.journal = j
	if s.Store, err = store.Open(s.t.Context(), j, s.o); err != nil {
		s.t.Fatal(err)
	}
}

func (s *timed) close() {
	s.t.Helper()
	if err := errors.Join(s.Close(), s.journal.Close()); err != nil {
		s.t.Error(err)
	}
}

// restart closes the store, lets time pass, and opens it with the clock that
// wrong.
func (s *timed) restart(closed, wrong time.Duration) {
	s.t.Helper()
	s.close()
	s.Pass(closed)
	s.Set(wrong)
	s.open()
}

// after lets time pass and the store take notice.
func (s *timed) after(d time.Duration) *timed {
	s.t.Helper()
	s.Pass(d)
	s.notice()
	return s
}

// notice waits until the store has looked at its clock. Twice: the first change may
// still join those of a look that was before.
func (s *timed) notice() {
	s.t.Helper()
	for range 2 {
		if _, err := s.Delete(s.t.Context(), storetest.Key(s.t, "/job/none/such/there"), store.Origin{}); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *timed) push(path string, ttl time.Duration) {
	s.t.Helper()
	p := storetest.Push(s.t, path, "m 1\n")
	p.TTL = ttl
	if _, err := s.Push(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
}

func (s *timed) group(path string) *store.Grouping {
	s.t.Helper()
	g, ok := s.Snapshot().Grouping(storetest.Key(s.t, path))
	if !ok {
		s.t.Fatalf("%s is gone", path)
	}
	return g
}

func (s *timed) held(path string) bool {
	_, ok := s.Snapshot().Grouping(storetest.Key(s.t, path))
	return ok
}

// exposed is a push time as scrapes show it.
func (s *timed) exposed(path string) time.Time {
	s.t.Helper()
	p, id := s.Snapshot(), strconv.Quote(storetest.Key(s.t, path).Job())
	for f := range p.Exposed(p.Groupings(), p.Stats().Groupings) {
		for _, c := range f.Chunks {
			if f.Name == "push_time_seconds" && strings.Contains(string(c.Text), "job="+id) {
				_, text, _ := strings.Cut(string(c.Text), " ")
				seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
				if err != nil {
					s.t.Fatal(err)
				}
				return time.UnixMicro(int64(seconds * 1e6))
			}
		}
	}
	s.t.Fatalf("%s is not exposed", path)
	return time.Time{}
}

// near reports whether two times are the same, but for what a test takes.
func near(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

func (s *timed) wantPushed(what, path string, want time.Time) {
	s.t.Helper()
	g := s.group(path)
	byDigest, _ := s.Snapshot().ByDigest(g.Key.Digest())
	var all, matching *store.Grouping
	for x := range s.Snapshot().Groupings() {
		if x.Key.ID() == g.Key.ID() {
			all = x
		}
	}
	for x := range s.Snapshot().Matching(store.JobSelector(g.Key.Job())) {
		if x.Key.ID() == g.Key.ID() {
			matching = x
		}
	}
	for where, got := range map[string]time.Time{
		"as a grouping": g.Pushed, "by digest": byDigest.Pushed, "among all": all.Pushed, "by selector": matching.Pushed,
		"in a scrape": s.exposed(path), "of the family": g.Families()[0].Changed,
	} {
		if !near(got, want) {
			s.t.Errorf("%s: %s: %s is shown as pushed at %v, want %v", what, where, path, got.UTC(), want.UTC())
		}
	}
}

// steps are ways in which a clock is set, after each other.
var steps = []struct {
	name  string
	wrong []time.Duration
}{
	{"not at all", []time.Duration{0}},
	{"forward", []time.Duration{0, storetest.Year}},
	{"back", []time.Duration{0, -storetest.Year}},
	{"back by an hour", []time.Duration{0, -time.Hour}},
	{"ahead, then right", []time.Duration{0, storetest.Year, 0}},
	{"behind, then right", []time.Duration{0, -storetest.Year, 0}},
	{"there and back", []time.Duration{0, storetest.Year, -storetest.Year, time.Hour, 0}},
	{"to 1970", []time.Duration{0, -time.Duration(storetest.Truth.UnixNano())}},
	{"by little", []time.Duration{0, 3 * time.Second, -3 * time.Second}},
}

func TestNewPushesHaveTheTimeOfTheClockWhateverItIsSetTo(t *testing.T) {
	for _, test := range steps {
		t.Run(test.name, func(t *testing.T) {
			s := newTimed(t)
			for i, wrong := range test.wrong {
				s.Set(wrong)
				s.after(time.Minute)
				path := fmt.Sprintf("/job/x%d", i)
				s.push(path, 0)
				s.wantPushed("set by "+wrong.String(), path, s.Time())
				history, err := s.History(t.Context(), storetest.Key(t, path))
				if err != nil || len(history) != 1 || !near(history[0].At, s.Time()) {
					t.Errorf("the history is %+v, %v", history, err)
				}
			}
		})
	}
}

func TestWhatLastsForAWhileDoesSoWhateverTheClockIsSetTo(t *testing.T) {
	for _, test := range steps {
		t.Run(test.name, func(t *testing.T) {
			s := newTimed(t, func(o *store.Options) { o.UndoWindow, o.SessionIdle = time.Hour, 50*time.Minute })
			ctx := t.Context()
			s.Set(test.wrong[0])
			s.push("/job/ttl", time.Hour)
			s.push("/job/deleted", 0)
			if _, err := s.Delete(ctx, storetest.Key(t, "/job/deleted"), store.Origin{}); err != nil {
				t.Fatal(err)
			}
			operation := storetest.LastOperation(t, s.Store)
			for _, id := range []string{"used", "idle"} {
				storetest.MustCreateSession(t, s.Store, id, auth.Session{ID: id, Created: s.Time(), LastUsed: s.Time(), Expires: s.Time().Add(time.Hour)})
			}
			_, secret := storetest.MustCreateToken(t, s.Store, store.NewToken{Name: "a", Role: auth.Reader, Lifetime: time.Hour})
			pause := (time.Hour - time.Second) / time.Duration(len(test.wrong))
			for _, wrong := range test.wrong {
				s.Set(wrong)
				s.after(pause / 2)
				s.UseSession("used", "::1")
				s.after(pause / 2)
			}
			if got := storetest.KnownSessions(s.Store, "used", "idle"); got != "used" {
				t.Errorf("just before: the sessions are %q", got)
			}
			if _, ok := s.Undoable(operation); !s.held("/job/ttl") || !ok {
				t.Errorf("just before: held %v, can be undone %v", s.held("/job/ttl"), ok)
			}
			if age := s.Now().Sub(s.group("/job/ttl").Since()); (age - time.Hour).Abs() > time.Minute {
				t.Errorf("its age is %v", age)
			}
			if left := s.group("/job/ttl").Expires.Sub(s.Now()); left < 0 || left > 10*time.Second {
				t.Errorf("it is said to expire in %v", left)
			}
			s.after(2 * time.Second)
			if got := storetest.KnownSessions(s.Store, "used", "idle"); got != "" {
				t.Errorf("just then: the sessions are %q", got)
			}
			if _, ok := s.Undoable(operation); s.held("/job/ttl") || ok {
				t.Errorf("just then: held %v, can be undone %v", s.held("/job/ttl"), ok)
			}
			if storetest.Lets(s.Store, secret) {
				t.Error("the token outlives its time")
			}
		})
	}
}

func TestAfterAStartTimesAndLifetimesAreAsTrueAsTheyCanBe(t *testing.T) {
	const back1970 = -9999
	for _, test := range []struct {
		name            string
		pushed, started time.Duration // by how much the clock is wrong then
		right           bool          // it is put right in between, while the store runs
		ran, closed     time.Duration // between the push and the start
		ttl             time.Duration
		shown           string // "stamp", or "start"
		lives           time.Duration
	}{
		{name: "a right clock", ran: time.Minute, closed: 9 * time.Minute, ttl: time.Hour, shown: "stamp", lives: 50 * time.Minute},
		{name: "over while it was closed", closed: 2 * time.Hour, ttl: time.Hour},
		{name: "a clock that is nearly right", pushed: 3 * time.Second, ttl: 2 * time.Hour, shown: "stamp", lives: 2 * time.Hour},
		{name: "ahead by more", pushed: 10 * time.Second, ttl: 2 * time.Hour, shown: "start", lives: 2 * time.Hour},
		{name: "it was a year ahead", pushed: storetest.Year, ran: 20 * time.Minute, ttl: 2 * time.Hour, shown: "start", lives: 100 * time.Minute},
		{name: "it was a year ahead, and put right at once", pushed: storetest.Year, right: true, ran: 20 * time.Minute, closed: time.Minute, ttl: 2 * time.Hour, shown: "start", lives: 100 * time.Minute},
		{name: "a short one, which the hour keeps", pushed: storetest.Year, ran: 20 * time.Minute, ttl: 30 * time.Minute, shown: "start", lives: time.Hour},
		{name: "it was a year behind, and put right", pushed: -storetest.Year, right: true, ran: 20 * time.Minute, closed: time.Minute, ttl: time.Hour, shown: "stamp", lives: 39 * time.Minute},
		{name: "it is a year behind", started: -storetest.Year, ran: 20 * time.Minute, closed: 30 * time.Minute, ttl: 2 * time.Hour, shown: "start", lives: 100 * time.Minute},
		{name: "it is in 1970", started: back1970, ran: 20 * time.Minute, closed: 30 * time.Minute, ttl: 30 * time.Minute, shown: "start", lives: time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTimed(t)
			started := test.started
			if started == back1970 {
				started = -time.Duration(storetest.Truth.UnixNano())
			}
			s.Set(test.pushed)
			s.notice()
			s.push("/job/x", test.ttl)
			stamp := s.group("/job/x").Pushed
			if test.right {
				s.Set(0)
			}
			s.after(test.ran)
			s.restart(test.closed, started)
			if test.shown == "" {
				if s.held("/job/x") {
					t.Error("it is held")
				}
				return
			}
			want := stamp
			if test.shown == "start" {
				want = s.Time()
			}
			s.wantPushed("after the start", "/job/x", want)
			if left := s.group("/job/x").Expires.Sub(s.Time()); left > test.ttl+5*time.Second {
				t.Errorf("it is said to expire in %v", left)
			}
			s.after(test.lives - 2*time.Second)
			if !s.held("/job/x") {
				t.Error("it expires too early")
			}
			if s.after(4 * time.Second); s.held("/job/x") {
				t.Error("it outlives its time")
			}
		})
	}
}

func TestRestartsDoNotRenewWhatLastsForAWhile(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash %v", crash), func(t *testing.T) {
			s := newTimed(t)
			s.Set(storetest.Year)
			s.notice()
			s.push("/job/x", 4*time.Hour)
			for range 3 {
				// Each time for longer than the clock can keep it from expiring.
				for range 70 {
					s.after(time.Minute)
				}
				if !s.held("/job/x") {
					t.Fatal("it expires too early")
				}
				if crash {
					fs := storetest.AfterCrash(s.fs.(*vfs.MemFS))
					s.close()
					s.fs = fs
					s.Set(0)
					s.open()
				} else {
					s.restart(0, 0)
				}
			}
			lost := time.Duration(0) // at most, since it was last written
			if crash {
				lost = 3*time.Minute + 3*time.Second
			}
			s.after(time.Hour + time.Second) // nothing expires before
			if s.after(lost); s.held("/job/x") {
				t.Errorf("it outlives its time: it is said to expire at %v, now is %v", s.group("/job/x").Expires.UTC(), s.Time().UTC())
			}
		})
	}
}

func TestConsumedTimeIsWrittenOnceAMinuteAndOnlyWhereItMatters(t *testing.T) {
	s := newTimed(t)
	written := func() journal.Revision {
		r, err := s.journal.Read(t.Context(), "c.clock")
		if err != nil && !errors.Is(err, journal.ErrNoRecord) {
			t.Fatal(err)
		}
		return r.Revision
	}
	s.push("/job/x", 0)
	s.after(time.Hour)
	if written() != 0 {
		t.Error("it is written though nothing expires")
	}
	s.push("/job/x", time.Hour)
	last, count := written(), 0
	for range 60 {
		s.after(10 * time.Second)
		if now := written(); now != last {
			last = now
			count++
		}
	}
	if count < 9 || count > 11 {
		t.Errorf("it was written %d times in ten minutes", count)
	}
}

func TestAClockThatIsBehindExpiresNothingUntilItHasCaughtUp(t *testing.T) {
	s := newTimed(t)
	s.push("/job/short", 10*time.Minute)
	s.push("/job/long", 2*time.Hour)
	s.push("/job/none", 0)
	stamp := s.group("/job/none").Pushed
	s.push("/job/deleted", 0)
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/deleted"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	deleted := storetest.LastOperation(t, s.Store)
	// Closed for half an hour, and opened in 1970.
	s.restart(30*time.Minute, -time.Duration(storetest.Truth.UnixNano()))
	start := s.Time()
	if !strings.Contains(s.log.String(), "The clock is behind the newest time in the store") {
		t.Errorf("the log does not say so: %s", s.log.String())
	}
	if x := s.Status().Clock; (x.Behind-start.Sub(storetest.Truth).Abs()).Abs() > time.Hour || !near(x.Held, start.Add(time.Hour)) || x.Set != 0 {
		t.Errorf("the status is %+v", x)
	}
	s.after(time.Minute)
	s.push("/job/here", 10*time.Minute)
	s.wantPushed("in 1970", "/job/none", start)
	s.wantPushed("in 1970", "/job/here", s.Time())
	for _, path := range []string{"/job/short", "/job/long"} {
		if !s.held(path) {
			t.Errorf("%s has expired", path)
		}
	}
	s.after(time.Minute)
	s.Set(0)
	s.notice()
	s.wantPushed("put right", "/job/none", stamp)
	if s.held("/job/short") || !s.held("/job/long") || !s.held("/job/here") {
		t.Errorf("short %v, long %v, here %v", s.held("/job/short"), s.held("/job/long"), s.held("/job/here"))
	}
	if x := s.Status().Clock; x.Behind != 0 || !x.Held.IsZero() || x.Set < storetest.Year {
		t.Errorf("the status is %+v", x)
	}
	if !strings.Contains(s.log.String(), "The clock was set") || !strings.Contains(s.log.String(), "caught up") {
		t.Errorf("the log does not say so: %s", s.log.String())
	}
	if until, ok := s.Undoable(deleted); !ok || until.Sub(s.Time()) > 29*time.Minute {
		t.Errorf("it can be undone until %v, %v", until, ok)
	}
	// What was pushed in 1970 keeps its time too.
	s.restart(time.Minute, 0)
	s.after(6 * time.Minute)
	if !s.held("/job/here") {
		t.Error("it expires too early")
	}
	if s.after(4 * time.Minute); s.held("/job/here") || !s.held("/job/long") {
		t.Errorf("here %v, long %v", s.held("/job/here"), s.held("/job/long"))
	}
}

// records are all records of a journal but the one of the clock.
func records(t *testing.T, j journal.Journal) string {
	t.Helper()
	all, err := j.Scan(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, r := range all {
		if r.Key != "c.clock" {
			text += fmt.Sprintf("%s %d %q\n", r.Key, r.Revision, r.Value)
		}
	}
	return text
}

func TestNoRecordIsRewrittenForTheClock(t *testing.T) {
	s := newTimed(t)
	s.push("/job/x", 0)
	s.push("/job/y", storetest.Day)
	if _, err := s.Push(t.Context(), storetest.Push(t, "/job/x", "# TYPE m counter\nm 1\n")); err == nil {
		t.Fatal("that is no push that is refused")
	}
	storetest.MustCreateSession(t, s.Store, "id", auth.Session{ID: "id", Created: s.Time(), LastUsed: s.Time(), Expires: s.Time().Add(storetest.Day)})
	storetest.MustCreateToken(t, s.Store, store.NewToken{Name: "a", Role: auth.Reader})
	s.after(2 * time.Minute)
	s.restart(0, 0)
	before, shown := records(t, s.journal), storetest.DescribeAll(s.Store)
	for _, wrong := range []time.Duration{-storetest.Year, -time.Duration(storetest.Truth.UnixNano()), 0} {
		s.restart(time.Second, wrong)
		s.after(2 * time.Minute)
		if now := records(t, s.journal); now != before {
			t.Errorf("wrong by %v: the records are\n%s\nwant\n%s", wrong, now, before)
		}
	}
	if now := storetest.DescribeAll(s.Store); now != shown {
		t.Errorf("with the clock put right they are\n%s\nwant\n%s", now, shown)
	}
	// A delete with a clock that is behind, and its undo, leave the times alone.
	s.restart(0, -storetest.Year)
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/x"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Undo(t.Context(), storetest.LastOperation(t, s.Store), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	s.restart(0, 0)
	if now := storetest.DescribeAll(s.Store); now != shown {
		t.Errorf("after a delete and an undo they are\n%s\nwant\n%s", now, shown)
	}
}

func TestTheLastPushCountsWhateverTheClockIsSetTo(t *testing.T) {
	for _, test := range steps {
		t.Run(test.name, func(t *testing.T) {
			s := newTimed(t)
			s.push("/job/x", 0)
			s.push("/job/counter", 0)
			for i, wrong := range append(test.wrong, 0) {
				s.Set(wrong)
				s.after(time.Minute)
				if i%2 == 0 {
					s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/x"), Reason: store.ReasonPath, Message: "no"})
				} else {
					s.push("/job/x", 0)
				}
				if got := s.group("/job/x").LastPushSuccessful(); got != (i%2 == 1) {
					t.Errorf("set by %v: the last push was accepted: %v", wrong, got)
				}
				if every := s.group("/job/x").PushInterval; every > 10*time.Minute {
					t.Errorf("set by %v: it is pushed every %v", wrong, every)
				}
			}
			want := s.group("/job/x").LastPushSuccessful()
			s.after(2 * time.Second)
			s.restart(time.Second, 0)
			if got := s.group("/job/x").LastPushSuccessful(); got != want {
				t.Errorf("after a restart: the last push was accepted: %v", got)
			}
		})
	}
}

func TestWhatIsAheadIsShownAsTheStartEverywhere(t *testing.T) {
	s := newTimed(t)
	s.Set(storetest.Year)
	s.notice()
	s.push("/job/x", 0)
	s.push("/job/x", 0)
	s.push("/job/y", 0)
	if _, err := s.Delete(t.Context(), storetest.Key(t, "/job/y"), store.Origin{}); err != nil {
		t.Fatal(err)
	}
	operation := storetest.LastOperation(t, s.Store)
	storetest.MustCreateSession(t, s.Store, "id", auth.Session{ID: "id", Created: s.Time(), LastUsed: s.Time(), Expires: s.Time().Add(storetest.Day)})
	token, _ := storetest.MustCreateToken(t, s.Store, store.NewToken{Name: "a", Role: auth.Reader})
	s.UseToken(token.ID, "::1")
	s.Reject(t.Context(), store.Rejection{Key: storetest.Key(t, "/job/x"), Reason: store.ReasonPath, Message: "no"})
	s.restart(time.Minute, 0)
	start := s.Time()
	s.Pass(10 * time.Second)
	shown := map[string]time.Time{}
	g := s.group("/job/x")
	shown["the push"], shown["the refusal"] = g.Pushed, g.Failed
	if g.LastPushSuccessful() || !g.Failed.After(g.Pushed) {
		t.Errorf("refused at %v, pushed at %v", g.Failed, g.Pushed)
	}
	shown["the age"] = g.Since()
	history, err := s.History(t.Context(), g.Key)
	if err != nil || len(history) != 3 {
		t.Errorf("the history is %+v, %v", history, err)
	}
	for i, x := range history {
		shown["history "+strconv.Itoa(i)] = x.At
	}
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{})
	if err != nil || len(entries) < 3 {
		t.Errorf("on record is %+v, %v", entries, err)
	}
	for _, x := range entries {
		shown["on record "+string(x.Kind)] = x.At
	}
	x, _, err := s.Entry(t.Context(), operation)
	if err != nil {
		t.Error(err)
	}
	shown["the entry"] = x.At
	gone, _ := s.Snapshot().DeletedByDigest(storetest.Key(t, "/job/y").Digest())
	shown["what is gone"] = gone.At
	session, _ := s.Session("id")
	shown["the session"], shown["its use"] = session.Created, session.LastUsed
	listed := s.SessionsOf("id")
	shown["the session in the list"] = listed[0].Created
	made, _ := s.Snapshot().Token(token.ID)
	shown["the token"] = made.Created
	shown["its use"], _ = s.TokenUsed(token.ID)
	for what, at := range shown {
		if !near(at, start) {
			t.Errorf("%s is shown at %v, want %v", what, at.UTC(), start.UTC())
		}
	}
	if session.Expires.Sub(start) > storetest.Day {
		t.Errorf("the session ends at %v", session.Expires)
	}
	// A new push is what it is.
	s.push("/job/x", 0)
	s.wantPushed("pushed again", "/job/x", s.Time())
}
