package access_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/auth"
	"gatehouse/store"
	"gatehouse/store/journal"
	"gatehouse/store/pebble"
	"gatehouse/store/storetest"
)

var stranger = store.Origin{Via: store.Anonymous, From: "::1"}

func TestAStoreKnowsThatSomebodyHasMadeATokenWhateverBecomesOfIt(t *testing.T) {
	for _, test := range []struct {
		name    string
		by      store.Origin
		life    time.Duration
		revoke  bool
		want    bool
		tokens  int
		works   bool
		revoker store.Origin
	}{
		{name: "by somebody", by: storetest.Ana, want: true, tokens: 1, works: true},
		{name: "by somebody, expired", by: storetest.Ana, life: time.Nanosecond, want: true, tokens: 1},
		{name: "by somebody, revoked", by: storetest.Ana, revoke: true, revoker: storetest.Ana, want: true},
		{name: "by somebody, revoked by a stranger", by: storetest.Ana, revoke: true, revoker: stranger, want: true},
		{name: "by a stranger", by: stranger, tokens: 1, works: true},
		{name: "by nobody knows whom", tokens: 1, works: true},
		{name: "by a stranger, revoked", by: stranger, revoke: true, revoker: storetest.Ana},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
			x, secret, err := s.CreateToken(t.Context(), store.NewToken{Name: "n", Role: auth.Admin, Lifetime: test.life}, test.by)
			if err != nil || x.Authenticated != (test.by == storetest.Ana) {
				t.Fatal(x, err)
			}
			if test.revoke {
				if _, err := s.RevokeToken(t.Context(), x.ID, test.revoker); err != nil {
					t.Fatal(err)
				}
			}
			for _, when := range []string{"at once", "after a restart", "after a wipe and another"} {
				p := s.Snapshot()
				if p.KnowsTokens() != test.want || p.Stats().Tokens != test.tokens || storetest.Lets(s, secret) != test.works {
					t.Errorf("%s: knows %v, %d tokens, works %v", when, p.KnowsTokens(), p.Stats().Tokens, storetest.Lets(s, secret))
				}
				if _, there := p.Token(x.ID); there == test.revoke {
					t.Errorf("%s: it is there: %v", when, there)
				}
				if when == "after a restart" {
					if _, err := s.Wipe(t.Context(), storetest.Ana); err != nil {
						t.Fatal(err)
					}
				}
				closeStore()
				s, closeStore = storetest.OpenDir(t, dir, storetest.Options)
			}
		})
	}
}

func TestOfRevokedTokensOneIsKeptWithoutItsNameOrSecret(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
	var last string
	for range 5 { // the name is free again each time
		x, secret := storetest.MustCreateToken(t, s, store.NewToken{Name: "same", Role: auth.Admin})
		if _, err := s.RevokeToken(t.Context(), x.ID, storetest.Ana); err != nil {
			t.Fatal(err)
		}
		if _, err := s.RevokeToken(t.Context(), x.ID, storetest.Ana); !errors.Is(err, store.ErrNoToken) {
			t.Error(err)
		}
		last = secret
	}
	storetest.MustCreateToken(t, s, store.NewToken{Name: "same", Role: auth.Admin})
	if names(s) != "same" || storetest.Lets(s, last) {
		t.Errorf("tokens %q", names(s))
	}
	closeStore()
	j, err := pebble.Open(pebble.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	records, err := j.Scan(t.Context(), tokenRecords, "", 10)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for _, r := range records {
		if fields := fieldsOf(t, r.Value); len(fields[2]) == 0 && (len(fields[3]) > 0 || len(fields[6]) > 0) {
			t.Errorf("of a revoked token is left %q", fields)
		}
	}
}

// tokenRecords begins the keys of tokens' records.
const tokenRecords = "t."

// fieldsOf are the last values of a record's fields that are bytes.
func fieldsOf(t *testing.T, b []byte) map[protowire.Number][]byte {
	t.Helper()
	fields := map[protowire.Number][]byte{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		value := protowire.ConsumeFieldValue(number, kind, b[n:])
		if value < 0 {
			t.Fatal(protowire.ParseError(value))
		}
		if kind == protowire.BytesType {
			fields[number], _ = protowire.ConsumeBytes(b[n:])
		}
		b = b[n+value:]
	}
	return fields
}

// without is a record without a field.
func without(t *testing.T, b []byte, field protowire.Number) (rest []byte) {
	t.Helper()
	for len(b) > 0 {
		number, _, n := protowire.ConsumeField(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		if number != field {
			rest = append(rest, b[:n]...)
		}
		b = b[n:]
	}
	return rest
}

func TestATokenOfAnEarlierVersionBelongsToTheUserItNames(t *testing.T) {
	const createdBy, maker = 6, 8
	for _, test := range []struct {
		name string
		drop []protowire.Number
		want bool
	}{
		{"somebody", []protowire.Number{maker}, true},
		{"nobody", []protowire.Number{maker, createdBy}, false},
		{"nobody, by this version", []protowire.Number{createdBy}, true},
	} {
		dir := t.TempDir()
		s, closeStore := storetest.OpenDir(t, dir, storetest.Options)
		x, _ := storetest.MustCreateToken(t, s, store.NewToken{Name: "n", Role: auth.Admin})
		closeStore()
		j, err := pebble.Open(pebble.Options{Path: dir})
		if err != nil {
			t.Fatal(err)
		}
		records, err := j.Scan(t.Context(), tokenRecords, "", 10)
		if err != nil || len(records) != 1 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		value := records[0].Value
		for _, field := range test.drop {
			value = without(t, value, field)
		}
		if _, err := j.Commit(t.Context(), journal.Change{Key: records[0].Key, Value: value}); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		s, _ = storetest.OpenDir(t, dir, storetest.Options)
		got, ok := s.Snapshot().Token(x.ID)
		if !ok || got.Authenticated != test.want || s.Snapshot().KnowsTokens() != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestATokenIsRotatedOnlyByUsersThatCouldHaveMadeIt(t *testing.T) {
	s, _ := storetest.OpenDir(t, t.TempDir(), storetest.Options)
	for _, maker := range []store.Origin{storetest.Ana, stranger} {
		x, secret, err := s.CreateToken(t.Context(), store.NewToken{Name: "by " + maker.By, Role: auth.Admin}, maker)
		if err != nil {
			t.Fatal(err)
		}
		for _, by := range []store.Origin{storetest.Ana, stranger} {
			_, _, err := s.RotateToken(t.Context(), x.ID, time.Hour, by)
			if by == maker && err != nil || by != maker && !errors.Is(err, store.ErrTokenMaker) {
				t.Errorf("of %q by %q: %v", maker.By, by.By, err)
			}
		}
		if !storetest.Lets(s, secret) {
			t.Errorf("the first secret of %q is gone", maker.By)
		}
	}
}
