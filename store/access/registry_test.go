package access

import (
	"reflect"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/store/record/recordtest"
)

// rewritten decodes a record and encodes it again.
func rewritten(name string, value []byte) ([]byte, error) {
	switch kind := name[:2]; {
	case name == signingKeyKey:
		x, err := decodeSigningKey(value)
		return encodeSigningKey(x), err
	case kind == kindSession:
		x, err := decodeSession(value)
		return x.encode(), err
	case kind == kindToken:
		x, err := decodeToken("", value)
		if err != nil {
			return nil, err
		}
		return x.encode(), nil
	default:
		x, err := decodeUse(value)
		return x.encode(), err
	}
}

func TestRecordsAreWrittenAsEarlierBuildsWroteThem(t *testing.T) {
	recordtest.Codec{Prefixes: []string{kindSession, kindToken, kindUse, signingKeyKey}, Rewrite: rewritten}.Check(t, "../testdata/earlier/store")
}

func FuzzSessionRecord(f *testing.F) {
	f.Add(session{Session: auth.Session{Scheme: "basic", Name: "x", Expires: time.Unix(1, 0), Credential: []byte{1}}}.encode())
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = decodeSession(raw) })
}

// Addresses and browsers' names need not be UTF-8.
func TestTextsAreKeptWhateverBytesTheyHave(t *testing.T) {
	want := session{Session: auth.Session{Scheme: "basic", Name: "a\xffb", From: "\xfe", UserAgent: "\x80", Created: time.Unix(1, 0)}}
	if got, err := decodeSession(want.encode()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}
