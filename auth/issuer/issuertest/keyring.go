package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// signer is a key with its name.
type signer struct {
	kid     string
	private crypto.Signer
}

// keyring is one key for each kind of algorithm, the RSA key first.
type keyring []signer

// kinds are the first algorithms that each key of a ring is for.
var kinds = []string{"RS256", "ES256", "ES384", "ES512", "EdDSA"}

func newKeyring(t testing.TB, generation int) keyring {
	t.Helper()
	ring := make(keyring, len(kinds))
	for n, alg := range kinds {
		kid := fmt.Sprintf("key-%d", generation)
		if n > 0 {
			kid += "-" + alg
		}
		ring[n] = signer{kid: kid, private: newKey(t, alg)}
	}
	return ring
}

func newKey(t testing.TB, alg string) crypto.Signer {
	t.Helper()
	var private crypto.Signer
	var err error
	switch alg {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = spareRSA.take(t)
	}
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// spareRSA is the RSA keys of tests that are over. Making one takes long. Those
// of fakes that live at the same time differ.
var spareRSA spares

type spares struct {
	mu   sync.Mutex
	keys []*rsa.PrivateKey
}

// take returns a key that is the test's until it ends.
func (s *spares) take(t testing.TB) (*rsa.PrivateKey, error) {
	k := s.pop()
	if k == nil {
		var err error
		if k, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
	}
	t.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.keys = append(s.keys, k)
	})
	return k, nil
}

func (s *spares) pop() *rsa.PrivateKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) == 0 {
		return nil
	}
	k := s.keys[len(s.keys)-1]
	s.keys = s.keys[:len(s.keys)-1]
	return k
}

// forAlg returns the key with which tokens of that alg are signed; the RSA key
// for those that no key is for.
func (r keyring) forAlg(alg string) signer {
	for n, kind := range kinds {
		if kind == alg {
			return r[n]
		}
	}
	return r[0]
}

// Rotate replaces all keys by new ones with new kids. The old ones are
// published until the next rotation, or are gone at once.
func (f *Fake) Rotate(keepOld bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.previous = nil
	if keepOld {
		f.previous = f.current
	}
	f.generation++
	f.current = newKeyring(f.t, f.generation)
}

func (f *Fake) signer(alg string) signer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current.forAlg(alg)
}

// Key is the private key that signs tokens of that alg now.
func (f *Fake) Key(alg string) crypto.Signer { return f.signer(alg).private }

// Kid is the name of that key.
func (f *Fake) Kid(alg string) string { return f.signer(alg).kid }

// JWK is the public part of that key as it is published, to be changed at will
// for SetRawJWKS.
func (f *Fake) JWK(alg string) map[string]any {
	s := f.signer(alg)
	return f.jwk(s.private.Public(), s.kid)
}

// Foreign is an RSA key that the issuer doesn't have. Signing with it leaves
// the kid as it is, that of the issuer's own.
func (f *Fake) Foreign() crypto.Signer { return newKey(f.t, "RS256") }

// Weak is the RSA key of 1024 bits that WeakRSA publishes.
func (f *Fake) Weak() crypto.Signer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.weak == nil {
		private, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			f.t.Errorf("the fake has no weak key: %v", err)
		}
		f.weak = &signer{private: private}
	}
	return f.weak.private
}

// Secret is the symmetric key that Oct publishes.
func (f *Fake) Secret() []byte { return []byte(strings.Repeat("a secret that all can read, ", 2)) }

// PublicPEM is the public RSA key as a PEM file has it, for tokens that take it
// for a secret.
func (f *Fake) PublicPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(f.Key("RS256").Public())
	if err != nil {
		f.t.Errorf("the fake can't encode its key: %v", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// Modulus is that of the public RSA key, for the same.
func (f *Fake) Modulus() []byte {
	return f.Key("RS256").Public().(*rsa.PublicKey).N.Bytes()
}

// published is the keys as a mode shows them.
func (f *Fake) published(m Mode) []map[string]any {
	kid := f.Kid("RS256")
	switch m {
	case Empty:
		return []map[string]any{}
	case Single, NoKid, RS256:
		k := f.JWK("RS256")
		if m == NoKid {
			delete(k, "kid")
		}
		if m == RS256 {
			k["alg"] = "RS256"
		}
		return []map[string]any{k}
	case Private:
		return []map[string]any{f.jwk(f.Key("RS256"), kid)}
	case WeakRSA:
		return []map[string]any{f.jwk(f.Weak().Public(), kid)}
	case Oct:
		return []map[string]any{{"kty": "oct", "kid": kid, "alg": "HS256", "k": base64.RawURLEncoding.EncodeToString(f.Secret())}}
	}
	f.mu.Lock()
	ring := append(append(keyring{}, f.current...), f.previous...)
	f.mu.Unlock()
	all := make([]map[string]any, 0, len(ring))
	for _, s := range ring {
		k := f.jwk(s.private.Public(), s.kid)
		if m == EncUse {
			k["use"] = "enc"
		}
		all = append(all, k)
	}
	return all
}

func (f *Fake) jwk(k crypto.PublicKey, kid string) map[string]any {
	raw, err := jose.JSONWebKey{Key: k, KeyID: kid, Use: "sig"}.MarshalJSON()
	m := map[string]any{}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		f.t.Errorf("the fake can't encode its key: %v", err)
	}
	return m
}
