package key

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// MaxRecordKeyBytes is the longest key that every engine takes.
const MaxRecordKeyBytes = 512

// RecordKey names the record of a kind that belongs to a grouping. It holds
// only characters that every engine allows in keys; =HH encodes any other byte.
func RecordKey(kind string, k GroupingKey) string {
	var b strings.Builder
	b.WriteString(kind + JobLabel + "/")
	appendKeyPart(&b, k.Job())
	for _, l := range k.Labels() {
		if l.Name != JobLabel {
			b.WriteByte('/')
			appendKeyPart(&b, l.Name)
			b.WriteByte('/')
			appendKeyPart(&b, l.Value)
		}
	}
	if b.Len() <= MaxRecordKeyBytes {
		return b.String()
	}
	sum := sha256.Sum256([]byte(k.ID()))
	return kind + "sha256/" + hex.EncodeToString(sum[:])
}

func appendKeyPart(b *strings.Builder, s string) {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(b, "=%02X", c)
		}
	}
}
