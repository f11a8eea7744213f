package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
)

// NewSeal returns an AEAD whose key is derived from the secret. The label
// distinguishes the key from others derived from the same secret, and a format
// from later ones. The nonce is random and part of what is sealed: Seal and
// Open take nil for it. It is safe for concurrent use.
func NewSeal(secret []byte, label string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, secret, nil, label, 32)
	if err != nil {
		panic(err) // never: the length is right
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // never: the length is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // never: the block is that of AES
	}
	return aead
}
