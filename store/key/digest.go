package key

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// digestBytes is how much of the SHA-256 of an identity names the grouping:
// enough that nobody finds two groupings of one name.
const digestBytes = 16

// Digest identifies a grouping in URLs, see GroupingKey.Digest.
type Digest struct{ hi, lo uint64 }

// DigestOf returns the digest of the grouping with that identity.
func DigestOf(id string) Digest {
	sum := sha256.Sum256([]byte(id))
	return Digest{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

// ParseDigest parses what GroupingKey.Digest returned; anything else is no digest.
func ParseDigest(text string) (Digest, bool) {
	// The decoder skips line breaks.
	if len(text) != base64.RawURLEncoding.EncodedLen(digestBytes) {
		return Digest{}, false
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sum) != digestBytes {
		return Digest{}, false
	}
	return Digest{binary.BigEndian.Uint64(sum), binary.BigEndian.Uint64(sum[8:])}, true
}

// Less orders digests.
func (d Digest) Less(other Digest) bool {
	return d.hi < other.hi || d.hi == other.hi && d.lo < other.lo
}

// String returns the digest as it is in URLs.
func (d Digest) String() string {
	sum := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, d.hi), d.lo)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// Digest names the grouping in URLs: 22 characters that need no escaping, the
// same on every server and for ever. They don't reveal the labels.
func (k GroupingKey) Digest() string { return DigestOf(k.id).String() }
