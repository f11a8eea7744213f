package login

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"gatehouse/auth"
)

func newBox(t testing.TB, secret string) box {
	t.Helper()
	p := New(Options{Issuer: "https://a.example", ClientID: "c", Secret: func(context.Context) ([]byte, error) { return []byte(secret), nil }})
	b, err := p.box(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var stateSecret = strings.Repeat("s", 32)

func TestAStateIsOpenedAsItWasSealed(t *testing.T) {
	b, now := newBox(t, stateSecret), time.Unix(1e9, 0)
	for _, next := range []string{"/", "/a?b=" + strings.Repeat(`"&<`, 300), "/" + strings.Repeat("x", 1023)} {
		s := state{id: randomText(), nonce: randomText(), verifier: oauth2.GenerateVerifier(), next: next, expires: now.Add(stateAge)}
		sealed := b.seal(s)
		if len(sealed) > maxState || strings.Contains(sealed, s.id) {
			t.Errorf("%d bytes: %.80s", len(sealed), sealed)
		}
		if again := b.seal(s); again == sealed {
			t.Error("it is sealed the same way twice")
		}
		got, err := newBox(t, stateSecret).open(sealed, now)
		if err != nil || got != s {
			t.Errorf("got %+v, %v; want %+v", got, err, s)
		}
		if _, err := newBox(t, strings.Repeat("t", 32)).open(sealed, now); err == nil {
			t.Error("another secret opens it")
		}
		if _, err := b.open(sealed, s.expires); !errors.Is(err, errStateExpired) {
			t.Errorf("got %v", err)
		}
		other := b
		other.purpose = []byte("another")
		if _, err := other.open(sealed, now); err == nil {
			t.Error("another provider opens it")
		}
	}
}

func TestAStateThatIsTooLongForACookieIsNotOpened(t *testing.T) {
	b, now := newBox(t, stateSecret), time.Unix(1e9, 0)
	sealed := b.seal(state{id: "i", next: strings.Repeat("x", maxState), expires: now.Add(time.Minute)})
	if _, err := b.open(sealed, now); !errors.Is(err, errNotSealed) {
		t.Errorf("got %v", err)
	}
}

func TestEveryBitOfAStateCounts(t *testing.T) {
	b, now := newBox(t, stateSecret), time.Unix(1e9, 0)
	sealed := b.seal(state{id: "i", nonce: "n", verifier: "v", next: "/", expires: now.Add(time.Minute)})
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(raw) {
		raw[bit/8] ^= 1 << (bit % 8)
		if _, err := b.open(base64.RawURLEncoding.EncodeToString(raw), now); err == nil {
			t.Errorf("bit %d doesn't", bit)
		}
		raw[bit/8] ^= 1 << (bit % 8)
	}
	for end := range len(sealed) {
		if _, err := b.open(sealed[:end], now); err == nil {
			t.Errorf("%d bytes are enough", end)
		}
	}
}

func TestWhatIsComeBackToIsCheckedOnTheWayOutToo(t *testing.T) {
	b, now := newBox(t, stateSecret), time.Unix(1e9, 0)
	for _, next := range []string{"//evil.example", "https://evil.example", "", "/auth/login"} {
		sealed := b.seal(state{id: "i", next: next, expires: now.Add(time.Minute)})
		if got, err := b.open(sealed, now); err != nil || got.next != "/" {
			t.Errorf("%q: got %q, %v", next, got.next, err)
		}
	}
}

// FuzzOpen opens what browsers may send, and what is within that.
func FuzzOpen(f *testing.F) {
	b, now := newBox(f, stateSecret), time.Unix(1e9, 0)
	f.Add(b.seal(state{id: "i", nonce: "n", verifier: "v", next: "/", expires: now.Add(time.Minute)}), "1000000001\ni\nn\nv\n/")
	f.Add("", "")
	f.Add("AAAA", "1000000001\n\n\n\n//evil")
	f.Add(strings.Repeat("A", 5000), "x\n\n\n\n")
	f.Fuzz(func(t *testing.T, sealed, plain string) {
		if _, err := newBox(t, strings.Repeat("t", 32)).open(sealed, now); err == nil {
			t.Errorf("%q is good", sealed)
		}
		inside := base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, []byte(plain), b.purpose))
		s, err := b.open(inside, now)
		if err == nil && (auth.LocalPath(s.next) != s.next || !s.expires.After(now) || len(inside) > maxState) {
			t.Errorf("got %+v", s)
		}
	})
}
