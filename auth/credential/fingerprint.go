package credential

import (
	"crypto/hmac"
	"crypto/sha256"

	"gatehouse/auth"
)

// Fingerprint returns a digest of the user's current password or hash; nil:
// there is no such user. It is the same after a restart. Without the session's
// id the password cannot be found by trying: so the fingerprint may be kept
// where the id is not.
func (p *Passwords) Fingerprint(name, sessionID string) []byte {
	mac := hmac.New(sha256.New, []byte(sessionID))
	if p.user.Equals(name) {
		mac.Write([]byte("plain\x00"))
		mac.Write(p.password.digest[:])
		return mac.Sum(nil)
	}
	hash, known := p.accounts.Load().hashes[name]
	if !known {
		return nil
	}
	mac.Write([]byte("hash\x00" + hash))
	return mac.Sum(nil)
}

// Holds reports whether the user of a session still has the password from when
// the session began.
func (p *Passwords) Holds(s auth.Session, id string) bool {
	now := p.Fingerprint(s.Name, id)
	return now != nil && hmac.Equal(now, s.Credential)
}
