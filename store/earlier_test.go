package store_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store"
	"gatehouse/store/exposition"
	"gatehouse/store/storetest"
)

// testdata/earlier was written, by makeEarlier, when records had encoders made by
// hand: a directory of the embedded engine, what the store said of it when it was
// opened again, and what it said when everything in it had been restored. It is
// never written anew: a kind of record that is added later gets a test of its own.
const earlier = "testdata/earlier"

var earlierDir = flag.String("make-earlier", "", "write what testdata/earlier has into this directory, as this build writes it")

// earlierClock is when the store of testdata/earlier is opened.
func earlierClock() *storetest.WallClock {
	c := &storetest.WallClock{}
	c.Pass(2*time.Hour + 30*time.Second)
	return c
}

func earlierOptions(c *storetest.WallClock) store.Options {
	o := c.StoreOptions()
	o.UndoWindow, o.SessionIdle = 3*time.Hour, 3*time.Hour
	return o
}

func TestAStoreOfAnEarlierBuildHasTheSameContent(t *testing.T) {
	if *earlierDir != "" {
		makeEarlier(t, *earlierDir)
		return
	}
	dir := copyOfStore(t, filepath.Join(earlier, "store"))
	s, closeStore := storetest.OpenDir(t, dir, earlierOptions(earlierClock()))
	sameAsFile(t, "content", contentOf(t, s))
	restoreAll(t, s)
	sameAsFile(t, "restored", contentOf(t, s))
	closeStore()
	s, closeStore = storetest.OpenDir(t, dir, earlierOptions(earlierClock()))
	sameAsFile(t, "restored", contentOf(t, s))
	closeStore()
}

func sameAsFile(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(earlier, name))
	if err != nil {
		t.Fatal(err)
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			t.Fatalf("%s: line %d differs:\n%s", name, i+1, strings.Join(append(append([]string{"got"}, a[min(i, len(a)):min(i+3, len(a))]...), append([]string{"want"}, b[min(i, len(b)):min(i+3, len(b))]...)...), "\n"))
		}
	}
}

// makeEarlier fills a directory with a store that has every kind of record, and
// writes its contents beside it.
func makeEarlier(t *testing.T, dir string) {
	c := &storetest.WallClock{}
	path := filepath.Join(dir, "store")
	s, closeStore := storetest.OpenDir(t, path, earlierOptions(c))
	fillEarlier(t, s, c)
	closeStore()
	s, closeStore = storetest.OpenDir(t, copyOfStore(t, path), earlierOptions(earlierClock()))
	defer closeStore()
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(contentOf(t, s)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("content")
	restoreAll(t, s)
	write("restored")
}

// copyOfStore copies a store's directory, since opening one writes to it.
func copyOfStore(t *testing.T, dir string) string {
	t.Helper()
	made := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(made, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return made
}

const earlierMetrics = `# HELP batch_rows Rows that were read.
# TYPE batch_rows gauge
batch_rows{stage="load"} 12
batch_rows{stage="store"} 11.5
# TYPE batch_seconds histogram
batch_seconds_bucket{le="1"} 5
batch_seconds_bucket{le="+Inf"} 7
batch_seconds_sum 9.25
batch_seconds_count 7
# TYPE odd_total counter
odd_total -1
# TYPE quantiles summary
quantiles{quantile="0.5"} 2
quantiles_sum 4
quantiles_count 2
untyped_one 1
`

func fillEarlier(t *testing.T, s *store.Store, c *storetest.WallClock) {
	ctx := t.Context()
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ana := store.Origin{By: "ana", From: "192.0.2.7", Via: "basic", ID: "user:ana"}
	pushAs := func(mode store.Mode, path, body string, ttl time.Duration) error {
		p := storetest.Push(t, path, body)
		p.Mode, p.TTL, p.Size, p.Origin = mode, ttl, len(body), ana
		_, err := s.Push(ctx, p)
		return err
	}
	try(s.BeginImport(ctx))
	try(s.EndImport(ctx, "file-of-that-name"))

	// Wiped.
	try(pushAs(store.Replace, "/job/wiped/instance/1", "w 1\n", 0))
	try(pushAs(store.Replace, "/job/wiped/instance/2", "w 2\n", 5*time.Hour))
	if pushAs(store.Replace, "/job/wiped/instance/2", "# TYPE w counter\nw 1\n", 0) == nil {
		t.Fatal("that is no push that is refused")
	}
	c.Pass(time.Minute)
	_, err := s.Wipe(ctx, ana)
	try(err)
	c.Pass(time.Second)

	// Held.
	try(pushAs(store.Replace, "/job/batch/instance/host-1", earlierMetrics, 0))
	c.Pass(15 * time.Second)
	try(pushAs(store.Merge, "/job/batch/instance/host-1", "# HELP batch_rows Rows that were read.\n# TYPE batch_rows gauge\nbatch_rows 3\n", 0))
	c.Pass(15 * time.Second)
	try(pushAs(store.Merge, "/job/batch/instance/host-1", "# TYPE other gauge\nother 3\n", 10*time.Hour))
	c.Pass(33 * time.Second)
	try(pushAs(store.Merge, "/job/batch/instance/host-1", "# TYPE other gauge\nother 4\n", 10*time.Hour))
	try(pushAs(store.Replace, "/job/batch/instance/host-2", "# HELP batch_rows Something else.\n# TYPE batch_rows gauge\nbatch_rows 3\n", 0))
	try(pushAs(store.Replace, "/job/batch/U__na_20_me/ä/path@base64/L3Zhcg", "{\"grüße\"} 1\n", 0))
	try(pushAs(store.Replace, "/job/long/a/"+strings.Repeat("y", 600), "long 1\n", 0))
	if pushAs(store.Replace, "/job/batch/instance/host-2", "# TYPE batch_seconds gauge\nbatch_seconds 1\n", 0) == nil {
		t.Fatal("that is no push that is refused")
	}
	s.Reject(ctx, store.Rejection{Key: storetest.Key(t, "/job/long/a/"+strings.Repeat("y", 600)), Mode: store.Merge, Reason: exposition.ReasonSyntax, Message: "line 1: no number", Size: 5, Origin: ana})
	native := store.Push{Key: storetest.Key(t, "/job/native"), Origin: ana, Families: []exposition.Family{{
		Name: "n", Type: exposition.Gauge, Help: "of n", Unit: "seconds",
		Chunk:   exposition.Chunk{Text: []byte("n 1\n"), Proto: []byte{1, 2, 0, 255}, Series: 1, UTF8: true, Loose: 4, UntypedIn: 1},
		Notices: []exposition.Notice{{Kind: exposition.NoticeNoTotal, Count: 3}, {Kind: exposition.NoticeTwice, Count: 1}},
	}}}
	_, err = s.Push(ctx, native)
	try(err)
	_, err = s.Import(ctx, slices.Values([]store.Arrival{{
		Key: storetest.Key(t, "/job/imported"), Families: storetest.Push(t, "/job/imported", "i 1\nj 2\n").Families,
		Pushed: storetest.Truth.Add(-time.Hour), Failed: storetest.Truth.Add(-time.Minute), Changed: map[string]time.Time{"i": storetest.Truth.Add(-2 * time.Hour)},
	}}), "a file", ana)
	try(err)

	// Deleted, undone, pushed anew and expired.
	for _, job := range []string{"deleted", "again", "undone"} {
		for _, instance := range []string{"1", "2"} {
			try(pushAs(store.Replace, "/job/"+job+"/instance/"+instance, "# HELP d of d\n# TYPE d gauge\nd 1\n", 0))
		}
	}
	if pushAs(store.Replace, "/job/deleted/instance/1", "# TYPE d counter\nd 1\n", 0) == nil {
		t.Fatal("that is no push that is refused")
	}
	for _, job := range []string{"deleted", "again", "undone"} {
		c.Pass(time.Minute)
		_, err = s.DeleteMatching(ctx, store.JobSelector(job), store.Selectors{}, ana)
		try(err)
	}
	entries, _, err := s.Activity(ctx, store.ActivityQuery{Limit: 1})
	try(err)
	_, err = s.Undo(ctx, entries[0].Operation, ana)
	try(err)
	try(pushAs(store.Replace, "/job/again/instance/1", "# TYPE d gauge\nd 2\n", 0))
	try(pushAs(store.Replace, "/job/short", "s 1\n", 30*time.Second))
	c.Pass(31 * time.Second)
	try(pushAs(store.Replace, "/job/last", "l 1\n", 0))

	// Sign-ins, by every scheme.
	x := storetest.NewSession(c.Time(), func(x *auth.Session) { x.Expires = c.Time().Add(24 * time.Hour) })
	try(s.CreateSession(ctx, "first", x))
	try(s.CreateSession(ctx, "second", auth.Session{ID: "user:bob", Created: c.Time(), LastUsed: c.Time(), Expires: c.Time().Add(48 * time.Hour)}))
	try(s.CreateSession(ctx, "ended", x))
	try(s.EndSession(ctx, "ended", ana))
	limit, err := store.ParseSelectors([]string{`{job="batch"}`, `{job=~"b.*",instance!=""}`})
	try(err)
	limited, _, err := s.CreateToken(ctx, store.NewToken{Name: "limited", Role: auth.Pusher, Scope: limit, Lifetime: 90 * 24 * time.Hour}, ana)
	try(err)
	_, _, err = s.RotateToken(ctx, limited.ID, 24*time.Hour, ana)
	try(err)
	_, _, err = s.CreateToken(ctx, store.NewToken{Name: "by a stranger", Role: auth.Reader}, store.Origin{From: "::1", Via: store.Anonymous})
	try(err)
	revoked, _, err := s.CreateToken(ctx, store.NewToken{Name: "revoked", Role: auth.Admin}, ana)
	try(err)
	_, err = s.RevokeToken(ctx, revoked.ID, ana)
	try(err)
	s.UseToken(limited.ID, "198.51.100.3")
	c.Pass(time.Second)
	s.UseSession("first", "198.51.100.4")
	s.Deny(store.Denial{Origin: store.Origin{From: "203.0.113.9", Via: "basic", By: "eve"}, Reason: "wrong password", What: "GET /"})
	_, err = s.SigningKey(ctx)
	try(err)
	c.Pass(90 * time.Minute)
}

// restoreAll undoes everything that can be undone.
func restoreAll(t *testing.T, s *store.Store) {
	t.Helper()
	for _, x := range slices.Backward(activityOf(t, s)) {
		if _, ok := s.Undoable(x.Operation); ok {
			u, err := s.Undo(t.Context(), x.Operation, store.Origin{By: "undo"})
			if err != nil {
				t.Fatalf("undo of %s: %v, %+v", x.Kind, err, u)
			}
		}
	}
}

func activityOf(t *testing.T, s *store.Store) []store.Entry {
	t.Helper()
	entries, _, err := s.Activity(t.Context(), store.ActivityQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// contentOf is all that a store says of what it keeps.
func contentOf(t *testing.T, s *store.Store) string {
	t.Helper()
	ctx := t.Context()
	var w strings.Builder
	p := s.Snapshot()
	stats := p.Stats()
	stats.DeletedBytes = 0 // builds count differently
	fmt.Fprintf(&w, "%s\n", strings.Replace(fmt.Sprintf("%+v", stats), " DeletedBytes:0", "", 1))
	for g := range p.Groupings() {
		writeGrouping(t, &w, s, g)
	}
	for _, x := range slices.Backward(activityOf(t, s)) {
		// The names of operations made now are chosen at random.
		if x.Origin.By != "undo" {
			fmt.Fprintf(&w, "entry %s ", x.Operation)
		}
		_, ok := s.Undoable(x.Operation)
		keys, total := s.DeletedBy(x.Operation, 10)
		fmt.Fprintf(&w, "%s %d %q %q %d %q %q %q %v, %d %v\n", x.Kind, x.At.UnixNano(), x.Origin, x.What, x.Count, x.Undoes, x.Reason, x.Message, ok, total, keys)
	}
	for _, k := range []string{"/job/deleted/instance/1", "/job/wiped/instance/2", "/job/short"} {
		x, ok := p.DeletedByDigest(storetest.Key(t, k).Digest())
		fmt.Fprintf(&w, "deleted %v %s %d %s\n", ok, x.Key, x.At.UnixNano(), x.Operation)
		writeHistory(t, &w, s, storetest.Key(t, k))
	}
	writeAccess(ctx, t, &w, s)
	state, err := s.ImportState(ctx)
	fmt.Fprintf(&w, "import %+v %v\n%s", state, err, storetest.Scrape(s))
	return w.String()
}

func writeGrouping(t *testing.T, w io.Writer, s *store.Store, g *store.Grouping) {
	fmt.Fprintf(w, "grouping %s %d %d %d %q %q %d %v %v %d %d %v %v\n", g.Key, g.Pushed.UnixNano(), g.Since().UnixNano(), nanosOf(g.Failed), g.Failure, g.Origin, nanosOf(g.Expires), g.PushInterval, g.ScrapeInterval(), g.Series, g.Bytes, g.LastPushSuccessful(), g.Notices())
	for _, f := range g.Families() {
		fmt.Fprintf(w, " %s %s %q %q %q %q %d %v %d %d %d %d\n", f.Name, f.Type, f.Help, f.Unit, f.Text, f.Proto, f.Series, f.UTF8, f.Loose, f.UntypedIn, f.Hidden, f.Changed.UnixNano())
	}
	writeHistory(t, w, s, g.Key)
}

func nanosOf(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixNano()
}

func writeHistory(t *testing.T, w io.Writer, s *store.Store, k store.GroupingKey) {
	pushes, err := s.History(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range pushes {
		fmt.Fprintf(w, " push %d %d %d %d %d %q %q\n", x.At.UnixNano(), x.Mode, x.Bytes, x.Families, x.Series, x.Refused, x.Origin)
	}
}

func writeAccess(ctx context.Context, t *testing.T, w io.Writer, s *store.Store) {
	for x := range s.Snapshot().Tokens() {
		at, from := s.TokenUsed(x.ID)
		fmt.Fprintf(w, "token %s %q %s %s %d %q %v used %d %s\n", x.ID, x.Name, x.Role, x.Scope, x.Created.UnixNano(), x.CreatedBy, x.Authenticated, nanosOf(at), from)
		for i := range x.Secrets {
			y := &x.Secrets[i]
			fmt.Fprintf(w, " secret %x %s %d %d %v\n", y.Digest, y.Hint, y.Created.UnixNano(), nanosOf(y.Expires), s.Expired(y))
		}
	}
	for _, user := range []string{"user:alice", "user:bob"} {
		for _, x := range s.SessionsOf(user) {
			fmt.Fprintf(w, "session %s %q %q %q %q %d %d %d %q %q %q %q %q\n", x.Handle, x.Scheme, x.ID, x.Name, strings.TrimPrefix(x.Role.String(), auth.NoRole.String()), x.Created.UnixNano(), x.LastUsed.UnixNano(), x.Expires.UnixNano(), x.Credential, x.Extra, x.Provider, x.From, x.UserAgent)
		}
	}
	secret, err := s.SigningKey(ctx)
	fmt.Fprintf(w, "secret %x %v, tokens are known: %v\n", secret, err, s.Snapshot().KnowsTokens())
}
