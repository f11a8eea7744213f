package metrics

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/store/audit"
	"gatehouse/store/commit"
	"gatehouse/store/exposition"
	"gatehouse/store/key"
	"gatehouse/store/record"
)

func sampleRecord(t testing.TB) []byte {
	t.Helper()
	families, err := exposition.DecodeText([]byte("# HELP m of m\n# TYPE m gauge\nm{a=\"1\"} 1\nn 2\n"), exposition.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := newBody(families)
	for i := range b.holds {
		b.holds[i].age = &age{since: 1, helpSince: 2, changed: int64(3 + i)}
	}
	r := groupingRecord{
		labels: []exposition.Label{{Name: "instance", Value: "i"}, {Name: "job", Value: "x"}},
		pushed: 1, expires: 2, origin: audit.Origin{By: "me", From: "127.0.0.1", Via: "basic"}, base: 7, pushInterval: 8 * time.Second, pace: pace{30, 60, 2},
		deleted: tombstone{3, 8, "op"}, refused: refusal{at: 4, message: "no"}.encode(), after: tombstone{5, 9, "earlier"}, ages: ageRuns(b), packed: pack(b),
	}
	return r.encode()
}

func TestAGroupingsRecordIsReadAsItWasWritten(t *testing.T) {
	raw := sampleRecord(t)
	r, err := decodeGroupingRecord(raw)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.body(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.holds) != 2 || b.holds[0].name != "m" || b.holds[0].help != "of m" || b.holds[0].typ != exposition.Gauge ||
		b.holds[1].changed != 4 || b.holds[0].helpSince != 2 || string(b.chunk(1).Text) != "n 2\n" || b.series != 2 {
		t.Errorf("got %+v", b)
	}
	if r.pushInterval != 8*time.Second || r.pace != (pace{30, 60, 2}) || r.origin != (audit.Origin{By: "me", From: "127.0.0.1", Via: "basic"}) || r.deleted != (tombstone{3, 8, "op"}) || r.after != (tombstone{5, 9, "earlier"}) || r.base != 7 || r.pushed != 1 || r.expires != 2 {
		t.Errorf("got %+v", r)
	}
	r.packed = pack(b)
	if again := r.encode(); !bytes.Equal(again, raw) {
		t.Error("encoding what was read gives another record")
	}
}

func TestAWipesRecordListsTheEarlierOnes(t *testing.T) {
	want, earlier := tombstone{1, 6, "third"}, []wipe{{tombstone{2, 0, ""}, 3}, {tombstone{4, 7, "second"}, 5}}
	got, list, err := decodeControl(encodeControl(want, earlier))
	if err != nil || got != want || !slices.Equal(list, earlier) {
		t.Errorf("got %v, %v, %v", got, list, err)
	}
}

func TestNoDigestOutlivesItsGrouping(t *testing.T) {
	e := transaction{State: newState(nil), id: 1, tx: &commit.Transaction{Snapshot: &commit.Snapshot{}}}
	for range 2 {
		k, err := key.NewGroupingKey([]exposition.Label{{Name: key.JobLabel, Value: "x"}})
		if err != nil {
			t.Fatal(err)
		}
		g := newGrouping(k, newBody(nil))
		e.put(g)
		if e.remove(g); treesOf(e.State).digests.Len() != 0 {
			t.Errorf("%d digests are left", treesOf(e.State).digests.Len())
		}
		e.addDeleted(deletedGrouping{key: k, tombstone: tombstone{stamp: 1}})
		e.put(g)
		if treesOf(e.State).digests.Len() != 1 {
			t.Errorf("%d digests of a grouping that was pushed anew", treesOf(e.State).digests.Len())
		}
		e.remove(g)
		e.addDeleted(deletedGrouping{key: k, tombstone: tombstone{stamp: 1}})
		if e.dropDeleted(k.ID()); treesOf(e.State).digests.Len() != 0 {
			t.Errorf("%d digests are left of what is forgotten", treesOf(e.State).digests.Len())
		}
	}
}

func TestRecordsOfALaterVersionAreNotMisread(t *testing.T) {
	raw := appendVarint(nil, fieldFormat, record.Format+1)
	if _, err := decodeGroupingRecord(raw); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("got %v", err)
	}
	unknown := appendString(sampleRecord(t), 100, "new")
	if _, err := decodeGroupingRecord(unknown); err != nil {
		t.Errorf("an unknown field: %v", err)
	}
}

func TestRecordKeysAreDistinctAndFitEveryEngine(t *testing.T) {
	seen := map[string]string{}
	for _, value := range []string{"x", "X", "a b", "a=20b", "a/b", "ö", "", ".", strings.Repeat("y", 600), strings.Repeat("y", 601)} {
		for _, name := range []string{"a", "b"} {
			k, err := key.NewGroupingKey([]exposition.Label{{Name: key.JobLabel, Value: "j"}, {Name: name, Value: value}})
			if err != nil {
				t.Fatal(err)
			}
			name := key.RecordKey(kindGrouping, k)
			if other, twice := seen[name]; twice && other != k.ID() {
				t.Errorf("%s has the key of another grouping: %s", k, name)
			}
			seen[name] = k.ID()
			if len(name) > key.MaxRecordKeyBytes || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("*>$%", r) }) {
				t.Errorf("%s: bad key %s", k, name)
			}
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(sampleRecord(f))
	f.Add(refusal{id: "x", at: 1, reason: key.ReasonPath, message: "m"}.encode())
	f.Add(encodeControl(tombstone{1, 3, "op"}, []wipe{{tombstone{2, 4, "other"}, 3}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if r, err := decodeGroupingRecord(raw); err == nil {
			if b, err := r.body(nil); err == nil {
				for i := range b.holds {
					_ = b.chunk(i)
				}
			}
		}
		_, _ = decodeRefusal(raw)
		_, _, _ = decodeControl(raw)
	})
}
