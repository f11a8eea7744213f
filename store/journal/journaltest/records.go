package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gatehouse/store/journal"
)

func readsBack(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.lacks("a")
	tr.holds("a", "one", tr.put("a", "one"))
	first := tr.put("b", "other")
	tr.holds("a", "two", tr.put("a", "two"))
	tr.holds("b", "other", first)
}

func isAtomic(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("b", "old")
	_, err := tr.journal.Commit(t.Context(),
		journal.Change{Key: "a", Value: []byte("new")},
		journal.Change{Key: "b", If: at(0)},
		journal.Change{Key: "c", Value: []byte("new")})
	if !errors.Is(err, journal.ErrConflict) {
		t.Fatalf("Commit with a condition that does not hold: got %v, want ErrConflict", err)
	}
	tr.lacks("a")
	tr.holds("b", "old", 1)
	tr.lacks("c")

	last := tr.commit(
		journal.Change{Key: "a", Value: []byte("new")},
		journal.Change{Key: "b"},
		journal.Change{Key: "c", Value: []byte("new")})
	tr.holds("a", "new", last-2)
	tr.lacks("b")
	tr.holds("c", "new", last)
}

func commitsNothing(t *testing.T, e Engine) {
	tr := begin(t, e)
	last := tr.put("a", "one")
	if got := tr.commit(); got != last {
		t.Errorf("Commit of nothing: got revision %d, want the last one, %d", got, last)
	}
	if got, want := tr.put("a", "two"), last+1; got != want {
		t.Errorf("Commit after a commit of nothing: got revision %d, want %d", got, want)
	}
}

func refusesTwice(t *testing.T, e Engine) {
	tr := begin(t, e)
	_, err := tr.journal.Commit(t.Context(), journal.Change{Key: "a", Value: []byte("1")}, journal.Change{Key: "a"})
	if err == nil {
		t.Error("Commit with the same key twice: got no error")
	}
	tr.lacks("a")
}

func countsRevisions(t *testing.T, e Engine) {
	tr := begin(t, e)
	if got := tr.put("a", "1"); got == 0 {
		t.Fatal("the first revision is 0")
	}
	last := tr.put("a", "2")
	for _, n := range []int{1, 3, 7} {
		var changes []journal.Change
		for i := range n {
			changes = append(changes, journal.Change{Key: strconv.Itoa(i), Value: []byte("x")})
		}
		got := tr.commit(changes...)
		if want := last + journal.Revision(n); got != want {
			t.Errorf("Commit of %d changes behind revision %d: got %d, want %d", n, last, got, want)
		}
		for i := range n {
			tr.holds(strconv.Itoa(i), "x", last+journal.Revision(i)+1)
		}
		last = got
	}
	if got, want := tr.commit(journal.Change{Key: "0"}), last+1; got != want {
		t.Errorf("Commit of a removal: got revision %d, want %d", got, want)
	}
}

func countsOn(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	last := tr.commit(journal.Change{Key: "a"}) // the newest revision has no record
	tr.reopen()
	if got := tr.journal.Status().Revision; got != last {
		t.Errorf("Status after reopening: got revision %d, want %d", got, last)
	}
	if got, want := tr.put("a", "2"), last+1; got != want {
		t.Errorf("Commit after reopening: got revision %d, want %d", got, want)
	}
}

func checksConditions(t *testing.T, e Engine) {
	tr := begin(t, e)
	refused := func(key string, r journal.Revision) {
		t.Helper()
		before := tr.contents()
		_, err := tr.journal.Commit(t.Context(),
			journal.Change{Key: "bystander", Value: []byte("x")},
			journal.Change{Key: key, Value: []byte("refused"), If: &r})
		if !errors.Is(err, journal.ErrConflict) {
			t.Fatalf("Commit to %q if it has revision %d: got %v, want ErrConflict", key, r, err)
		}
		tr.same("after a conflict", tr.contents(), before)
	}
	refused("a", 1)
	first := tr.commit(journal.Change{Key: "a", Value: []byte("1"), If: at(0)})
	refused("a", 0)
	refused("a", first+1)
	second := tr.commit(journal.Change{Key: "a", Value: []byte("2"), If: &first})
	tr.holds("a", "2", second)
	refused("a", first)
	third := tr.put("a", "3")
	tr.reopen()
	refused("a", second)
	refused("a", 0)
	removed := tr.commit(journal.Change{Key: "a", If: &third})
	refused("a", third)
	refused("a", removed)
	tr.reopen()
	refused("a", removed)
	tr.holds("a", "4", tr.commit(journal.Change{Key: "a", Value: []byte("4"), If: at(0)}))
	tr.commit(journal.Change{Key: "absent", If: at(0)})
	tr.lacks("absent")
}

func removes(t *testing.T, e Engine) {
	tr := begin(t, e)
	tr.put("a", "1")
	tr.put("b", "1")
	tr.commit(journal.Change{Key: "a"})
	tr.lacks("a")
	tr.commit(journal.Change{Key: "never there"})
	tr.lacks("never there")
	tr.reopen()
	tr.lacks("a")
	tr.holds("b", "1", 2)
	tr.holds("a", "again", tr.put("a", "again"))
}

func keepsEmptyValues(t *testing.T, e Engine) {
	tr := begin(t, e)
	a := tr.follow(t.Context(), nil)
	a.waitReady()
	r := tr.commit(journal.Change{Key: "a", Value: []byte{}})
	tr.holds("a", "", r)
	a.waitFor(r)
	tr.same("received", a.contents(), []string{show(journal.Record{Key: "a", Value: []byte{}, Revision: r})})
	tr.same("scanned", tr.contents(), a.contents())
	tr.reopen()
	tr.holds("a", "", r)
	again := tr.follow(t.Context(), nil)
	again.waitReady()
	tr.same("received after reopening", again.contents(), a.contents())
}

func keepsValues(t *testing.T, e Engine) {
	tr := begin(t, e)
	sizes := []int{0, 1, 7, 8, 9, 100, 4095, 4096, 32 << 10, 32<<10 + 1, 1 << 20, e.MaxValue}
	random := rand.NewChaCha8([32]byte{1})
	want := map[int][]byte{}
	for _, n := range sizes {
		value := make([]byte, n)
		_, _ = random.Read(value)
		want[n] = value
		tr.commit(journal.Change{Key: strconv.Itoa(n), Value: value})
	}
	check := func(when string) {
		t.Helper()
		for _, n := range sizes {
			r, err := tr.journal.Read(t.Context(), strconv.Itoa(n))
			if err != nil || !bytes.Equal(r.Value, want[n]) {
				t.Errorf("Read of a value of %d bytes %s: got %d bytes, equal %v, error %v", n, when, len(r.Value), bytes.Equal(r.Value, want[n]), err)
			}
		}
	}
	check("after the commit")
	tr.reopen()
	check("after reopening")
}

func oddKeys() []string {
	keys := []string{
		"a", "aa", "a/", "a\x00", "a\x00b", "\x00", "\x00totals", "\x01", "\x02", "\xff", "\xff\xff", "a\xff", "b",
		" ", "ä", "日本", "with space", "new\nline", `"quoted"`, `back\slash`, "g.job/db=20backup/instance/10.0.0.1=3A9100",
		"../up", "*", ">", "a.b.c", "$", strings.Repeat("long", 250), strings.Repeat("\xfe", 500),
	}
	sort.Strings(keys)
	return keys
}

func keepsKeys(t *testing.T, e Engine) {
	tr := begin(t, e)
	keys := oddKeys()
	revisions := map[string]journal.Revision{}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(keys)) {
		revisions[keys[i]] = tr.put(keys[i], "value of "+keys[i])
	}
	check := func() {
		t.Helper()
		for _, key := range keys {
			tr.holds(key, "value of "+key, revisions[key])
		}
		records, err := tr.journal.Scan(t.Context(), "", "", len(keys)+1)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range records {
			got = append(got, r.Key)
		}
		tr.same("Scan of all", got, keys)
	}
	check()
	tr.reopen()
	check()
	tr.commit(journal.Change{Key: "a"})
	tr.lacks("a")
	tr.holds("a\x00", "value of a\x00", revisions["a\x00"])
}

func copiesValues(t *testing.T, e Engine) {
	tr := begin(t, e)
	value := []byte("original")
	r := tr.commit(journal.Change{Key: "a", Value: value})
	copy(value, "modified")
	tr.holds("a", "original", r)
	got, err := tr.journal.Read(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	copy(got.Value, "modified")
	tr.holds("a", "original", r)
}

func isDurable(t *testing.T, e Engine) {
	tr := begin(t, e)
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 4 {
		for range 100 {
			var changes []journal.Change
			for _, i := range random.Perm(200)[:1+random.IntN(4)] {
				c := journal.Change{Key: fmt.Sprintf("key %d", i)}
				if random.IntN(4) > 0 {
					c.Value = bytes.Repeat([]byte{byte(i)}, random.IntN(3000))
				}
				changes = append(changes, c)
			}
			tr.commit(changes...)
		}
		before, revision := tr.contents(), tr.journal.Status().Revision
		tr.reopen()
		tr.same(fmt.Sprintf("after reopening %d times", round+1), tr.contents(), before)
		if got := tr.journal.Status().Revision; got != revision {
			t.Errorf("revision after reopening: got %d, want %d", got, revision)
		}
	}
}

// scannable puts records in, and removes another; it returns their keys.
func (tr *trial) scannable() []string {
	tr.Helper()
	all := []string{"a", "b/", "b/1", "b/1/x", "b/2", "b/3", "b0", "c", "\xff", "\xff\xff", "\xff\xff1"}
	for _, i := range []int{4, 0, 2, 10, 1, 6, 8, 3, 5, 7, 9} {
		tr.put(all[i], "value of "+all[i])
	}
	tr.put("b/2x", "removed")
	tr.commit(journal.Change{Key: "b/2x"})
	return all
}

func scansBack(t *testing.T, e Engine) {
	tr := begin(t, e)
	all := tr.scannable()
	slices.Reverse(all) // 0: "\xff\xff1", 3: "c", 4: "b0", 5: "b/3", 9: "b/", 10: "a"
	for _, test := range []struct {
		prefix, before string
		limit          int
		want           []string
	}{
		{"", "", 100, all},
		{"", "", 3, all[:3]},
		{"", "b/2", 2, []string{"b/1/x", "b/1"}},
		{"", "b/1/z", 2, []string{"b/1/x", "b/1"}}, // before needs no record
		{"b/", "", 100, all[5:10]},
		{"b/", "", 2, all[5:7]},
		{"b/", "b/1", 100, []string{"b/"}},
		{"b/", "b/", 100, nil},
		{"b/", "a", 10, nil},        // before lies before the prefix
		{"b/", "c", 100, all[5:10]}, // before lies behind the prefix
		{"x", "", 10, nil},
		{"", "a", 10, nil},
		{"", "\xff\xff1", 1, []string{"\xff\xff"}},
		{"\xff", "", 10, all[:3]},
		{"\xff\xff", "", 10, all[:2]},
		{"\xff\xff", "\xff\xff1", 10, []string{"\xff\xff"}},
		{"", "", 0, nil},
		{"", "", -1, nil},
	} {
		records, err := tr.journal.ScanBack(t.Context(), test.prefix, test.before, test.limit)
		var got []string
		for _, r := range records {
			got = append(got, r.Key)
			if string(r.Value) != "value of "+r.Key || r.Revision == 0 {
				t.Errorf("ScanBack(%q, %q, %d): got %s", test.prefix, test.before, test.limit, show(r))
			}
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("ScanBack(%q, %q, %d): got %q, error %v, want %q", test.prefix, test.before, test.limit, got, err, test.want)
		}
	}
}

func scans(t *testing.T, e Engine) {
	tr := begin(t, e)
	all := tr.scannable()
	for _, test := range []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"", "", 100, all},
		{"", "", 3, all[:3]},
		{"", "b/1", 2, []string{"b/1/x", "b/2"}},
		{"", "b/1/a", 2, []string{"b/1/x", "b/2"}}, // after needs no record
		{"b/", "", 100, all[1:6]},
		{"b/", "b/", 100, all[2:6]},
		{"b/", "b/1", 100, all[3:6]},
		{"b/", "b/1", 2, all[3:5]},
		{"b/", "a", 2, all[1:3]}, // after lies before the prefix
		{"b/", "b/3", 10, nil},
		{"b/", "c", 10, nil}, // after lies behind the prefix
		{"x", "", 10, nil},
		{"", "\xff\xff1", 10, nil},
		{"\xff", "", 10, all[8:]},
		{"\xff\xff", "", 10, all[9:]},
		{"", "", 0, nil},
		{"", "", -1, nil},
	} {
		records, err := tr.journal.Scan(t.Context(), test.prefix, test.after, test.limit)
		var got []string
		for _, r := range records {
			got = append(got, r.Key)
			if string(r.Value) != "value of "+r.Key || r.Revision == 0 {
				t.Errorf("Scan(%q, %q, %d): got %s", test.prefix, test.after, test.limit, show(r))
			}
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("Scan(%q, %q, %d): got %q, error %v, want %q", test.prefix, test.after, test.limit, got, err, test.want)
		}
	}
}

func increments(t *testing.T, e Engine) {
	tr := begin(t, e)
	const writers, each = 8, 25
	var mu sync.Mutex
	seen := map[journal.Revision]bool{}
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for done := 0; done < each; {
				r, err := increment(t.Context(), tr.journal, "counter")
				if errors.Is(err, journal.ErrConflict) {
					continue
				}
				if err != nil {
					t.Errorf("increment: %v", err)
					return
				}
				done++
				mu.Lock()
				if seen[r] {
					t.Errorf("two commits got revision %d", r)
				}
				seen[r] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	got, err := tr.journal.Read(t.Context(), "counter")
	if want := strconv.Itoa(writers * each); err != nil || string(got.Value) != want {
		t.Errorf("after %s increments: got %q, error %v", want, got.Value, err)
	}
}

func increment(ctx context.Context, j journal.Journal, key string) (journal.Revision, error) {
	old, err := j.Read(ctx, key)
	if err != nil && !errors.Is(err, journal.ErrNoRecord) {
		return 0, err
	}
	n := 0
	if err == nil {
		if n, err = strconv.Atoi(string(old.Value)); err != nil {
			return 0, err
		}
	}
	return j.Commit(ctx, journal.Change{Key: key, Value: []byte(strconv.Itoa(n + 1)), If: &old.Revision})
}
