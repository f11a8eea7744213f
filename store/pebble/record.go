package pebble

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"gatehouse/store/journal"
)

// The engine's keys are the journal's behind recordPrefix. totalsKey comes
// before all of them and is written in every batch.
const (
	totalsKey     = "\x00totals"
	recordPrefix  = "\x01"
	recordsEnd    = "\x02"
	revisionBytes = 8
)

var errShortRecord = errors.New("a record without a revision")

func engineKey(key string) []byte {
	return append(append(make([]byte, 0, len(recordPrefix)+len(key)), recordPrefix...), key...)
}

// newCell returns a copy of value with room for the revision before it.
func newCell(value []byte) []byte {
	cell := make([]byte, revisionBytes+len(value))
	copy(cell[revisionBytes:], value)
	return cell
}

func stamp(cell []byte, r journal.Revision) { binary.BigEndian.PutUint64(cell, uint64(r)) }

// openCell splits what the engine stores under a key. The value shares the
// cell's memory and is never nil.
func openCell(cell []byte) (journal.Revision, []byte, error) {
	if len(cell) < revisionBytes {
		return 0, nil, errShortRecord
	}
	return journal.Revision(binary.BigEndian.Uint64(cell)), cell[revisionBytes:len(cell):len(cell)], nil
}

// digest identifies a key in the index; no two keys share one.
type digest [16]byte

func digestOf(key string) digest {
	sum := sha256.Sum256([]byte(key))
	return digest(sum[:])
}

// index knows the newest revision of every key.
type index struct {
	revisions map[digest]journal.Revision
	totals    totals
}

func newIndex() *index { return &index{revisions: map[digest]journal.Revision{}} }

func (x *index) revision(d digest) journal.Revision { return x.revisions[d] }

// put notes that the key was written as revision r.
func (x *index) put(d digest, r journal.Revision) {
	x.forget(d)
	x.revisions[d] = r
	x.totals.Keys++
	x.totals.Sum += fingerprint(d, r)
}

// forget notes that the key has no record.
func (x *index) forget(d digest) {
	if old, ok := x.revisions[d]; ok {
		delete(x.revisions, d)
		x.totals.Keys--
		x.totals.Sum -= fingerprint(d, old)
	}
}

// totals sums up all records. They are stored with every change, so that
// records that are missing, or have come back, are noticed when a store is
// opened: the engine itself skips what it can't read of some of its files.
type totals struct {
	Revision journal.Revision // of the last change
	Keys     uint64
	Sum      uint64 // of the records' fingerprints
}

const totalsBytes = 24

func (t totals) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, totalsBytes), uint64(t.Revision))
	b = binary.BigEndian.AppendUint64(b, t.Keys)
	return binary.BigEndian.AppendUint64(b, t.Sum)
}

func decodeTotals(b []byte) (totals, error) {
	if len(b) != totalsBytes {
		return totals{}, errors.New("unreadable totals")
	}
	return totals{
		Revision: journal.Revision(binary.BigEndian.Uint64(b)),
		Keys:     binary.BigEndian.Uint64(b[8:]),
		Sum:      binary.BigEndian.Uint64(b[16:]),
	}, nil
}

// fingerprint spreads a key and its revision over 64 bits, so that sums of
// fingerprints of different records differ.
func fingerprint(d digest, r journal.Revision) uint64 {
	x := binary.LittleEndian.Uint64(d[:8]) ^ (uint64(r)+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
