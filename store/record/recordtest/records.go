// Package recordtest checks the codecs of the store's parts against the records of an
// earlier build.
package recordtest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"gatehouse/store/journal"
	"gatehouse/store/pebble"
	"gatehouse/store/record"
)

// EarlierRecords are all records of a store of an earlier build, whose encoders
// were made by hand. dir is that of the store, of which a copy is opened.
func EarlierRecords(t *testing.T, dir string) []journal.Record {
	t.Helper()
	own := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(own, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	j, err := pebble.Open(pebble.Options{Path: own})
	if err != nil {
		t.Fatal(err)
	}
	all, err := j.Scan(t.Context(), "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Codec encodes the records of a part of a store.
type Codec struct {
	// Prefixes are those of the records.
	Prefixes []string
	// Rewrite decodes a record and encodes it again.
	Rewrite func(key string, value []byte) ([]byte, error)
	// Sorted puts in order what an earlier record has inside; nil: nothing is to be.
	Sorted func(t *testing.T, key string, value []byte) []byte
}

// Check holds a codec against the records of a store of an earlier build: what is
// written now is, but for the order of the fields, what earlier builds wrote, so
// that they read it as they read their own. What later versions add to a record is
// no mistake, and what has a later version is not guessed at.
func (c Codec) Check(t *testing.T, dir string) {
	t.Helper()
	tried := map[string]bool{}
	for _, r := range EarlierRecords(t, dir) {
		i := slices.IndexFunc(c.Prefixes, func(prefix string) bool { return strings.HasPrefix(r.Key, prefix) })
		if i < 0 {
			continue
		}
		tried[c.Prefixes[i]] = true
		c.checkSame(t, r)
		c.checkLater(t, r)
	}
	for _, prefix := range c.Prefixes {
		if !tried[prefix] {
			t.Errorf("there is no record %s to try", prefix)
		}
	}
}

func (c Codec) checkSame(t *testing.T, r journal.Record) {
	t.Helper()
	want := r.Value
	if c.Sorted != nil {
		want = c.Sorted(t, r.Key, want)
	}
	got, err := c.Rewrite(r.Key, r.Value)
	if err != nil || !bytes.Equal(InOrder(got), InOrder(want)) {
		t.Errorf("%s: %v\ngot  %x\nwant %x", r.Key, err, got, want)
	}
}

func (c Codec) checkLater(t *testing.T, r journal.Record) {
	t.Helper()
	more := protowire.AppendBytes(protowire.AppendTag(slices.Clone(r.Value), 1000, protowire.BytesType), []byte("new"))
	want, _ := c.Rewrite(r.Key, r.Value)
	if got, err := c.Rewrite(r.Key, more); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s with a field more: %v", r.Key, err)
	}
	later := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), record.Format+1)
	for _, rest := range [][]byte{r.Value[2:], {0xff}} {
		if _, err := c.Rewrite(r.Key, append(slices.Clone(later), rest...)); err == nil || !strings.Contains(err.Error(), "later version") {
			t.Errorf("%s of a later version: %v", r.Key, err)
		}
	}
	for _, bad := range [][]byte{{}, r.Value[2:]} {
		if _, err := c.Rewrite(r.Key, bad); err == nil || !strings.Contains(err.Error(), "no version") {
			t.Errorf("%s without a version: %v", r.Key, err)
		}
	}
	if _, err := c.Rewrite(r.Key, r.Value[:len(r.Value)-1]); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("%s that is cut off: %v", r.Key, err)
	}
}

// InOrder sorts the fields of a message by their numbers: the order of
// different ones means nothing to readers.
func InOrder(message []byte) []byte {
	type field struct {
		number protowire.Number
		raw    []byte
	}
	var fields []field
	for len(message) > 0 {
		number, _, n := protowire.ConsumeField(message)
		if n < 0 {
			return nil
		}
		fields = append(fields, field{number, message[:n]})
		message = message[n:]
	}
	slices.SortStableFunc(fields, func(a, b field) int { return int(a.number) - int(b.number) })
	var sorted []byte
	for _, f := range fields {
		sorted = append(sorted, f.raw...)
	}
	return sorted
}
