package credential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
)

// digest is a SHA-256, plain or keyed.
type digest = [sha256.Size]byte

// Secret is the digest of a secret. The zero Secret is not set. Secrets can be
// compared with ==, but input from clients must go through Equals.
type Secret struct {
	set    bool
	digest digest
}

// NewSecret remembers the digest of a plaintext and nothing else of it. An
// empty plaintext makes no secret: the result is not set.
func NewSecret(plain string) Secret {
	if plain == "" {
		return Secret{}
	}
	return Secret{set: true, digest: sha256.Sum256([]byte(plain))}
}

// IsSet reports whether there is a secret at all.
func (s Secret) IsSet() bool { return s.set }

// Fingerprint returns a digest of the secret that may be kept where the
// session's id is not: without the id the secret cannot be found by trying. It
// is the same after a restart; nil: there is no secret.
func (s Secret) Fingerprint(sessionID string) []byte {
	if !s.set {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(sessionID))
	mac.Write([]byte("key\x00"))
	mac.Write(s.digest[:])
	return mac.Sum(nil)
}

// Equals reports whether given is the secret. The time it takes depends on
// given only. Nothing equals a secret that is not set.
func (s Secret) Equals(given string) bool {
	// Digests, since a comparison of the secrets themselves would reveal the
	// length.
	d := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(s.digest[:], d[:]) == 1 && s.set
}
