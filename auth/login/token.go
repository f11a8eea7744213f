package login

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
)

const (
	// maxSub bounds the sub claim, which has at most 255 characters according to
	// the standard.
	maxSub = 1 << 10
	maxSID = 1 << 10
)

var (
	errNoIDToken = errors.New("the token endpoint gave no ID token")
	errVerify    = errors.New("it is not signed as it has to be, or a claim is of a wrong kind")
	errSub       = errors.New("sub is missing, no string or too long")
	errIat       = errors.New("iat is missing, no moment or ahead")
	errNonce     = errors.New("nonce is not that of this sign-in")
	errParty     = errors.New("azp is missing or names another client")
	errAtHash    = errors.New("at_hash is not that of the access token")
)

// verify returns the claims of an ID token that was made for this sign-in.
func (p *Provider) verify(ctx context.Context, m issuer.Metadata, raw, nonce, accessToken string) (jwt.Claims, error) {
	if raw == "" {
		return nil, &Error{ErrToken, errNoIDToken}
	}
	claims, err := p.parse(raw, jwt.ID, p.rules)
	if err == nil {
		err = p.check(claims, nonce)
	}
	if err != nil {
		return nil, &Error{ErrToken, err}
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	keys := &keySet{Issuer: p.o.Keys}
	token, err := verifier(keys, algorithms(m)).Verify(ctx, raw)
	if err != nil {
		return nil, keys.blame(ErrToken)
	}
	if err := sameClaims(token, claims); err != nil {
		return nil, &Error{ErrToken, err}
	}
	if _, given := claims["at_hash"]; given && token.VerifyAccessToken(accessToken) != nil {
		return nil, &Error{ErrToken, errAtHash}
	}
	return claims, nil
}

// parse returns the claims of a token that can be one of the kind for us. Its
// signature is not verified.
func (p *Provider) parse(raw string, kind jwt.Kind, rules jwt.ClaimRules) (jwt.Claims, error) {
	header, claims, err := jwt.Parse(raw)
	if err != nil {
		return nil, err
	}
	return claims, kind.Check(header, claims, rules, p.o.Now())
}

// verifier verifies signatures. The claims are checked by package jwt.
func verifier(keys oidc.KeySet, algorithms []string) *oidc.IDTokenVerifier {
	return oidc.NewVerifier("", keys, &oidc.Config{
		SupportedSigningAlgs: algorithms, SkipClientIDCheck: true, SkipIssuerCheck: true, SkipExpiryCheck: true,
	})
}

// sameClaims returns an error if the checked claims differ from the signed
// ones, as when two readers parse one token differently.
func sameClaims(token interface{ Claims(any) error }, checked jwt.Claims) error {
	var signed jwt.Claims
	if err := token.Claims(&signed); err != nil {
		return err
	}
	if !reflect.DeepEqual(signed, checked) {
		return errVerify
	}
	return nil
}

// check checks what ID tokens need beside the rules.
func (p *Provider) check(c jwt.Claims, nonce string) error {
	sub := text(c, "sub")
	iat, ok := moment(c, "iat")
	switch {
	case sub == "" || len(sub) > maxSub:
		return errSub
	case !ok || iat.After(p.o.Now().Add(jwt.Leeway)):
		return errIat
	case !equal(text(c, "nonce"), nonce):
		return errNonce
	case !p.party(c):
		return errParty
	}
	return nil
}

// party reports whether the token was made for us. That others may read it too is
// fine only if it says so.
func (p *Provider) party(c jwt.Claims) bool {
	if _, given := c["azp"]; given {
		return text(c, "azp") == p.o.ClientID
	}
	several, _ := c["aud"].([]any)
	return len(several) <= 1
}

// session is the sid claim if it is one that can be kept; otherwise "".
func session(c jwt.Claims) string {
	if sid := text(c, "sid"); len(sid) <= maxSID {
		return sid
	}
	return ""
}

// moment is a claim that has to be a number of seconds since 1970.
func moment(c jwt.Claims, name string) (time.Time, bool) {
	n, _ := c[name].(json.Number)
	s, err := n.Float64()
	if err != nil || s < 0 || s > 1<<40 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(s * 1000)), true
}

// keySet is the issuer's keys, for one token. It remembers why a signature was
// not verified, which the library only writes into a text.
type keySet struct {
	*issuer.Issuer
	failure error
}

// VerifySignature is the issuer's.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.Issuer.VerifySignature(ctx, token)
	k.failure = err
	return payload, err
}

// blame says why a token was refused. The library's error would repeat what the
// token says.
func (k *keySet) blame(reason error) *Error {
	switch {
	case errors.Is(k.failure, issuer.ErrUnavailable):
		return &Error{ErrUnavailable, k.failure}
	case k.failure != nil:
		return &Error{reason, k.failure}
	}
	return &Error{reason, errVerify}
}
