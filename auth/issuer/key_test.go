package issuer

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"gatehouse/auth/issuer/issuertest"
)

type members map[string]any

// with returns a JWK with some members changed.
func with(jwk map[string]any, change members) members {
	changed := maps.Clone(jwk)
	maps.Copy(changed, change)
	return changed
}

func document(t testing.TB, keys ...any) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func number(bits uint, low int64) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return base64.RawURLEncoding.EncodeToString(n.Add(n, big.NewInt(low)).Bytes())
}

func TestAKeyServesTheAlgorithmsItIsFor(t *testing.T) {
	f := issuertest.New(t)
	rsa, ec, ed := f.JWK("RS256"), f.JWK("ES256"), f.JWK("EdDSA")
	off := strings.Repeat("A", 42) + "E" // 1: no point of the curve has both
	for _, c := range []struct {
		sentence string
		key      any
		want     []string
	}{
		{"RSA", rsa, rsaAlgorithms},
		{"RSA for one algorithm", with(rsa, members{"alg": "PS384"}), []string{"PS384"}},
		{"RSA without use", with(rsa, members{"use": nil}), rsaAlgorithms},
		{"RSA to verify", with(rsa, members{"key_ops": []string{"verify"}}), rsaAlgorithms},
		{"RSA to wrap and verify", with(rsa, members{"use": nil, "key_ops": []string{"wrapKey", "verify"}}), rsaAlgorithms},
		{"P-256", ec, []string{"ES256"}},
		{"P-384", f.JWK("ES384"), []string{"ES384"}},
		{"P-521", f.JWK("ES512"), []string{"ES512"}},
		{"Ed25519", ed, []string{"EdDSA"}},
		{"a broken certificate is not looked at", with(rsa, members{"x5c": []string{"!"}, "x5u": ":", "x5t": 7, "x5t#S256": "no"}), rsaAlgorithms},
		{"unknown members neither", with(ec, members{"nbf": 1, "iss": "x", "oth": []int{1}}), []string{"ES256"}},
		{"no kid", with(ec, members{"kid": nil}), []string{"ES256"}},
		{"RSA of 4096 bits", with(rsa, members{"n": number(4096, 1)}), rsaAlgorithms},
		{"RSA of 2048 bits", with(rsa, members{"n": number(2048, 1)}), rsaAlgorithms},

		{"RSA of 2047 bits", with(rsa, members{"n": number(2047, 1)}), nil},
		{"RSA of 4097 bits", with(rsa, members{"n": number(4097, 1)}), nil},
		{"RSA with the exponent 1", with(rsa, members{"e": "AQ"}), nil},
		{"RSA with an even exponent", with(rsa, members{"e": "Ag"}), nil},
		{"RSA with a huge exponent", with(rsa, members{"e": number(300, 1)}), nil},
		{"RSA without exponent", with(rsa, members{"e": nil}), nil},
		{"RSA without modulus", with(rsa, members{"n": ""}), nil},
		{"RSA for encryption", with(rsa, members{"use": "enc"}), nil},
		{"RSA for an unknown use", with(rsa, members{"use": "Sig"}), nil},
		{"RSA to sign only", with(rsa, members{"key_ops": []string{"sign"}}), nil},
		{"RSA to do nothing", with(rsa, members{"key_ops": []string{}}), nil},
		{"RSA for encryption by alg", with(rsa, members{"alg": "RSA-OAEP"}), nil},
		{"RSA with the alg of EC", with(rsa, members{"alg": "ES256"}), nil},
		{"RSA with a symmetric alg", with(rsa, members{"alg": "HS256"}), nil},
		{"RSA with its private exponent", with(rsa, members{"d": "AQAB"}), nil},
		{"RSA with an odd private exponent", with(rsa, members{"d": 5}), nil},
		{"RSA with its primes", with(rsa, members{"p": "AQAB", "q": "AQAB"}), nil},
		{"EC with its private part", with(ec, members{"d": "AQAB"}), nil},
		{"EC of another curve", with(ec, members{"crv": "P-384"}), nil},
		{"EC of a curve of coins", with(ec, members{"crv": "secp256k1"}), nil},
		{"EC beside its curve", with(ec, members{"x": off, "y": off}), nil},
		{"EC at zero", with(ec, members{"x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)}), nil},
		{"Ed25519 too short", with(ed, members{"x": "AQAB"}), nil},
		{"Ed448", with(ed, members{"crv": "Ed448"}), nil},
		{"X25519", with(ed, members{"crv": "X25519"}), nil},
		{"a symmetric key", members{"kty": "oct", "k": "c2VjcmV0"}, nil},
		{"a symmetric key that calls itself RSA", with(rsa, members{"k": "c2VjcmV0"}), nil},
		{"a type to come", with(rsa, members{"kty": "AKP"}), nil},
		{"no type", with(rsa, members{"kty": nil}), nil},
		{"a kid that is a number", with(rsa, members{"kid": 7}), nil},
		{"no base64", with(rsa, members{"n": "*"}), nil},
		{"nothing", nil, nil},
		{"a string", "key", nil},
		{"a list", []any{rsa}, nil},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			// Nothing may spoil the good key beside it.
			keys, err := parse(document(t, c.key, with(ec, members{"kid": "beside"})))
			if err != nil {
				t.Fatal(err)
			}
			if keys.find("beside", "ES256") == nil {
				t.Error("the other key is lost")
			}
			if c.want == nil && len(keys) != 1 || c.want != nil && (len(keys) != 2 || !slices.Equal(keys[0].algorithms, c.want)) {
				t.Errorf("got %+v, want %v", keys, c.want)
			}
		})
	}
}

func TestASetOfTooManyKeysIsRefused(t *testing.T) {
	ed := issuertest.New(t).JWK("EdDSA")
	if keys, err := parse(document(t, slices.Repeat([]any{ed}, maxKeys)...)); err != nil || len(keys) != maxKeys {
		t.Errorf("got %d keys and %v", len(keys), err)
	}
	if keys, err := parse(document(t, slices.Repeat([]any{ed}, maxKeys+1)...)); err == nil {
		t.Errorf("got %d keys", len(keys))
	}
}

func TestCallersCannotChangeTheAlgorithms(t *testing.T) {
	Algorithms()[0] = "none"
	if KnownAlgorithm("none") || !KnownAlgorithm("RS256") {
		t.Error("changed")
	}
}

func FuzzParse(f *testing.F) {
	fake := issuertest.New(f)
	for _, alg := range []string{"RS256", "ES256", "ES512", "EdDSA"} {
		k := fake.JWK(alg)
		f.Add(document(f, k))
		f.Add(document(f, with(k, members{"alg": alg, "key_ops": []string{"verify"}}), nil, with(k, members{"kid": nil, "d": "AQ"})))
	}
	for _, s := range []string{"", "{}", `{"keys":[]}`, `{"keys":null}`, `{"keys":[null]}`, `{"keys":[{"kty":"oct","k":"AA"}]}`, "<html>", strings.Repeat("[", 20000)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parse(raw)
		if (err == nil) != (len(keys) > 0) || len(keys) > maxKeys {
			t.Fatalf("got %d keys and %v", len(keys), err)
		}
		for _, k := range keys {
			if len(k.algorithms) == 0 {
				t.Error("a key for nothing")
			}
			for _, alg := range k.algorithms {
				if !KnownAlgorithm(alg) || !slices.Contains(algorithmsOf(k.public), alg) {
					t.Errorf("a %T for %s", k.public, alg)
				}
				if k.kid != "" && keys.find(k.kid, alg) == nil {
					t.Errorf("%q is not found", k.kid)
				}
			}
			if r, ok := k.public.(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
				t.Errorf("an RSA key of %d bits", r.N.BitLen())
			}
		}
	})
}
