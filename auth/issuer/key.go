package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of what an issuer may publish. RSA keys of more than 4096 bits, whose
// signatures take long to verify, are beyond go-jose's own bound.
const (
	maxKeys    = 1000
	minRSABits = 2048
)

// The asymmetric ones only: with a symmetric algorithm, every verifier of
// tokens can make them.
var (
	rsaAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	algorithms    = append(slices.Clone(rsaAlgorithms), "ES256", "ES384", "ES512", "EdDSA")
)

// Algorithms returns the signature algorithms for which there can be a key, as
// the alg header of a token spells them. The caller owns the slice.
func Algorithms() []string { return slices.Clone(algorithms) }

// KnownAlgorithm reports whether alg is one of Algorithms.
func KnownAlgorithm(alg string) bool { return slices.Contains(algorithms, alg) }

// key is a usable key of the issuer.
type key struct {
	kid        string // empty if it has none
	algorithms []string
	public     crypto.PublicKey
}

// keySet is the usable keys of an issuer. It is immutable.
type keySet []key

// names reports whether a token with that kid means one of these keys. An issuer
// that has but one key may leave the kid out of its tokens.
func (s keySet) names(kid string) bool {
	return slices.ContainsFunc(s, func(k key) bool { return s.means(kid, k) })
}

// find returns the key that a token with that kid and alg means, or nil. Keys
// of different types may share a kid.
func (s keySet) find(kid, alg string) crypto.PublicKey {
	for _, k := range s {
		if s.means(kid, k) && slices.Contains(k.algorithms, alg) {
			return k.public
		}
	}
	return nil
}

func (s keySet) means(kid string, k key) bool {
	if kid == "" {
		return len(s) == 1
	}
	return k.kid == kid
}

// jwk holds the fields of a JSON Web Key that are read (RFC 7517). Certificates
// and their addresses are not: they would be one more way to say which key it
// is, and odd ones would spoil a good key.
type jwk struct {
	publicPart
	Kid string   `json:"kid"`
	Use string   `json:"use"`
	Ops []string `json:"key_ops"`
	Alg string   `json:"alg"`

	// Only private and symmetric keys have these.
	D any `json:"d"`
	K any `json:"k"`
	P any `json:"p"`
	Q any `json:"q"`
}

type publicPart struct {
	Kty string `json:"kty"`
	Crv string `json:"crv,omitempty"`
	N   string `json:"n,omitempty"`
	E   string `json:"e,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

// parse reads a JSON Web Key Set. Keys that can't verify signatures, are too
// weak, not understood or not public are left out; a set without any other is
// an error.
func parse(raw []byte) (keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	if len(document.Keys) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	var keys keySet
	for _, raw := range document.Keys {
		if k, ok := parseKey(raw); ok {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no usable key")
	}
	return keys, nil
}

func parseKey(raw []byte) (key, bool) {
	var j jwk
	if json.Unmarshal(raw, &j) != nil || !j.verifies() || !j.isPublic() {
		return key{}, false
	}
	public, err := j.decode()
	if err != nil {
		return key{}, false
	}
	k := key{kid: j.Kid, algorithms: algorithmsOf(public), public: public}
	if j.Alg != "" {
		if !slices.Contains(k.algorithms, j.Alg) {
			return key{}, false
		}
		k.algorithms = []string{j.Alg}
	}
	return k, len(k.algorithms) > 0
}

// verifies reports whether the key is meant for signatures.
func (j jwk) verifies() bool {
	return (j.Use == "" || j.Use == "sig") && (j.Ops == nil || slices.Contains(j.Ops, "verify"))
}

// isPublic reports whether the key holds no secret. An issuer that publishes
// its private key has lost it: anybody may sign with it.
func (j jwk) isPublic() bool {
	return j.D == nil && j.K == nil && j.P == nil && j.Q == nil
}

func (p publicPart) decode() (crypto.PublicKey, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	return k.Key, nil
}

// algorithmsOf returns the algorithms whose signatures a key may verify; none
// for weak keys and for all that are not public ones.
func algorithmsOf(public crypto.PublicKey) []string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSABits && k.E >= 3 && k.E%2 == 1 {
			return rsaAlgorithms
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}
