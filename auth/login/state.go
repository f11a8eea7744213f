package login

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"gatehouse/auth"
)

const (
	// stateAge is the time in which people must sign in at the provider.
	stateAge = 10 * time.Minute
	// maxState bounds a sealed state. Browsers keep cookies of 4 KiB with name
	// and attributes, but nginx passes on no more than that in all headers of an
	// answer, and the provider's address is another one.
	maxState = 2 << 10
	// maxNext bounds where a sign-in leads to, so that its state is within maxState.
	maxNext = 1 << 10
	// stateLabel distinguishes the key from others derived from the same
	// secret, and the format from later ones.
	stateLabel  = "gatehouse sign-in state 1"
	minSecret   = 32
	stateFields = 5
)

var (
	errShortSecret  = errors.New("the secret that seals sign-ins is too short")
	errNotSealed    = errors.New("the state is not one that was sealed here")
	errStateExpired = errors.New("the state has expired")
)

// state is a sign-in that has begun.
type state struct {
	id       string // the parameter state
	nonce    string
	verifier string // of PKCE
	next     string // a local path
	expires  time.Time
}

// randomText is 256 random bits in characters that are good for URLs.
func randomText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: it aborts the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// localPath is next if that is a local path, and not too long; otherwise "/".
func localPath(next string) string {
	if len(next) <= maxNext && auth.LocalPath(next) == next {
		return next
	}
	return "/"
}

// box seals and opens states.
type box struct {
	aead    cipher.AEAD
	purpose []byte
}

// box returns that of this provider: another provider or client with the same
// secret can't open its states.
func (p *Provider) box(ctx context.Context) (box, error) {
	secret, err := p.o.Secret(ctx)
	if err != nil {
		return box{}, err
	}
	if len(secret) < minSecret {
		return box{}, errShortSecret
	}
	purpose := strings.Join([]string{p.o.Issuer, p.o.ClientID, p.o.RedirectURL}, "\n")
	return box{aead: auth.NewSeal(secret, stateLabel), purpose: []byte(purpose)}, nil
}

// seal makes a state the value of a cookie. No field may hold a newline.
func (b box) seal(s state) string {
	plain := strings.Join([]string{strconv.FormatInt(s.expires.Unix(), 10), s.id, s.nonce, s.verifier, s.next}, "\n")
	return base64.RawURLEncoding.EncodeToString(b.aead.Seal(nil, nil, []byte(plain), b.purpose))
}

// open is the reverse of seal, for whatever a browser sends.
func (b box) open(sealed string, now time.Time) (state, error) {
	if len(sealed) > maxState {
		return state{}, errNotSealed
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return state{}, errNotSealed
	}
	plain, err := b.aead.Open(nil, nil, raw, b.purpose)
	if err != nil {
		return state{}, errNotSealed
	}
	fields := strings.Split(string(plain), "\n")
	if len(fields) != stateFields {
		return state{}, errNotSealed
	}
	expires, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return state{}, errNotSealed
	}
	s := state{id: fields[1], nonce: fields[2], verifier: fields[3], next: localPath(fields[4]), expires: time.Unix(expires, 0)}
	if !now.Before(s.expires) {
		return state{}, errStateExpired
	}
	return s, nil
}

// find opens the state that has an id, among all that a browser sends. If there
// is none, the error says what is wrong with the last one.
func (b box) find(sealed []string, id string, now time.Time) (s state, err error) {
	err = errNoState
	for _, one := range sealed {
		if one == "" {
			continue
		}
		switch s, err = b.open(one, now); {
		case err != nil:
		case equal(id, s.id):
			return s, nil
		default:
			err = errOtherState
		}
	}
	return state{}, err
}
