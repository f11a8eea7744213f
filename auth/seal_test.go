package auth

import (
	"bytes"
	"testing"
)

func TestASealIsOpenedWithItsSecretAndLabelOnly(t *testing.T) {
	secret, text := bytes.Repeat([]byte("s"), 32), []byte("a text that nobody may read")
	seal := NewSeal(secret, "one")
	sealed := seal.Seal(nil, nil, text, nil)
	if bytes.Contains(sealed, text[:8]) || bytes.Equal(sealed, seal.Seal(nil, nil, text, nil)) {
		t.Error("it can be read, or recognised")
	}
	if got, err := NewSeal(secret, "one").Open(nil, nil, sealed, nil); err != nil || !bytes.Equal(got, text) {
		t.Errorf("got %q, %v", got, err)
	}
	for name, other := range map[string]func() ([]byte, error){
		"another secret": func() ([]byte, error) {
			return NewSeal(bytes.Repeat([]byte("t"), 32), "one").Open(nil, nil, sealed, nil)
		},
		"another label":   func() ([]byte, error) { return NewSeal(secret, "two").Open(nil, nil, sealed, nil) },
		"another purpose": func() ([]byte, error) { return seal.Open(nil, nil, sealed, []byte("x")) },
		"a changed byte": func() ([]byte, error) {
			changed := bytes.Clone(sealed)
			changed[len(changed)/2] ^= 1
			return seal.Open(nil, nil, changed, nil)
		},
		"nothing": func() ([]byte, error) { return seal.Open(nil, nil, nil, nil) },
	} {
		if got, err := other(); err == nil {
			t.Errorf("%s opens it: %q", name, got)
		}
	}
}
