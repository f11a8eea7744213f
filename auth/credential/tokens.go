package credential

import (
	"crypto/sha256"
	"fmt"
)

// Tokens are the API tokens of the configuration. They are looked up by digest,
// so that the time of a look-up says nothing about the tokens. They don't
// change; a nil *Tokens is an empty set.
type Tokens struct {
	names map[digest]string
}

// NewTokens remembers the digests of the given tokens, and none of their
// plaintexts. Empty values are no tokens; of equal ones the first counts.
func NewTokens(values []string) *Tokens {
	t := &Tokens{names: make(map[digest]string, len(values))}
	for i, v := range values {
		d := sha256.Sum256([]byte(v))
		if _, twice := t.names[d]; v != "" && !twice {
			t.names[d] = fmt.Sprintf("API_TOKENS[%d]", i+1)
		}
	}
	return t
}

// Find reports whether token is in the set, and the name that people know it by:
// its place in the configuration, beginning with 1, as in "API_TOKENS[1]".
func (t *Tokens) Find(token string) (name string, ok bool) {
	if t == nil {
		return "", false
	}
	name, ok = t.names[sha256.Sum256([]byte(token))]
	return name, ok
}

// Len returns the number of different tokens.
func (t *Tokens) Len() int {
	if t == nil {
		return 0
	}
	return len(t.names)
}
