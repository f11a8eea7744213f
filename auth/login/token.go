package login

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
)

const (
	// maxSub bounds the sub claim, which has at most 255 characters according to
	// the standard.
	maxSub = 1 << 10
	maxSID = 1 << 10
)

var (
	errNotJWT    = errors.New("it is not a signed JWT")
	errNoIDToken = errors.New("the token endpoint gave no ID token")
	errTyp       = errors.New("typ is that of another kind of token")
	errCrit      = errors.New("critical extensions are not supported")
	errVerify    = errors.New("it is not signed as it has to be, or a claim is of a wrong kind")
	errSub       = errors.New("sub is missing, no string or too long")
	errIat       = errors.New("iat is missing, no moment or ahead")
	errNonce     = errors.New("nonce is not that of this sign-in")
	errParty     = errors.New("azp is missing or names another client")
	errAtHash    = errors.New("at_hash is not that of the access token")
)

// verify returns the claims of an ID token that was made for this sign-in.
func (p *Provider) verify(ctx context.Context, m issuer.Metadata, raw, nonce, accessToken string) (auth.Claims, error) {
	if raw == "" {
		return nil, &Error{ErrToken, errNoIDToken}
	}
	check := func(c auth.Claims) error { return p.check(c, nonce) }
	if err := preview(raw, check, "jwt"); err != nil {
		return nil, &Error{ErrToken, err}
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	keys := &keySet{Issuer: p.o.Keys}
	token, err := p.verifier(keys, algorithms(m)).Verify(ctx, raw)
	if err != nil {
		return nil, keys.blame(ErrToken)
	}
	var claims auth.Claims
	if err := token.Claims(&claims); err != nil {
		return nil, &Error{ErrToken, err}
	}
	if err := check(claims); err != nil {
		return nil, &Error{ErrToken, err}
	}
	if _, given := claims["at_hash"]; given && token.VerifyAccessToken(accessToken) != nil {
		return nil, &Error{ErrToken, errAtHash}
	}
	return claims, nil
}

// verifier checks signatures, the issuer and the audience. Moments are not its
// business, since it knows no leeway.
func (p *Provider) verifier(keys oidc.KeySet, algorithms []string) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(p.o.Issuer, keys, &oidc.Config{
		ClientID: p.o.ClientID, SupportedSigningAlgs: algorithms, SkipExpiryCheck: true,
	})
}

// check is what the claims of an ID token have to be.
func (p *Provider) check(c auth.Claims, nonce string) error {
	now := p.o.Now()
	if err := p.rules.Check(c, now); err != nil {
		return err
	}
	sub := text(c, "sub")
	iat, ok := moment(c, "iat")
	switch {
	case sub == "" || len(sub) > maxSub:
		return errSub
	case !ok || iat.After(now.Add(auth.Leeway)):
		return errIat
	case !equal(text(c, "nonce"), nonce):
		return errNonce
	case !p.party(c):
		return errParty
	}
	return nil
}

// party tells whether the token was made for us. That others may read it too is
// fine only if it says so.
func (p *Provider) party(c auth.Claims) bool {
	if _, given := c["azp"]; given {
		return text(c, "azp") == p.o.ClientID
	}
	several, _ := c["aud"].([]any)
	return len(several) <= 1
}

// session is the sid claim if it is one that can be kept; otherwise "".
func session(c auth.Claims) string {
	if sid := text(c, "sid"); len(sid) <= maxSID {
		return sid
	}
	return ""
}

// moment is a claim that has to be a number of seconds since 1970.
func moment(c auth.Claims, name string) (time.Time, bool) {
	n, _ := c[name].(json.Number)
	s, err := n.Float64()
	if err != nil || s < 0 || s > 1<<40 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(s * 1000)), true
}

// preview checks all that can be told of a token without the provider's keys: so
// one that is not for us never costs a request, and the log says what is wrong
// with it. It refuses tokens of other kinds, and those that ask for more than a
// signature, since the library does not look at that.
func preview(raw string, check func(auth.Claims) error, typs ...string) error {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return errNotJWT
	}
	header, err := decode(parts[0])
	if err != nil {
		return err
	}
	if _, given := header["crit"]; given {
		return errCrit
	}
	typ, given := header["typ"]
	if s, _ := typ.(string); given && !slices.Contains(typs, strings.TrimPrefix(strings.ToLower(s), "application/")) {
		return errTyp
	}
	claims, err := decode(parts[1])
	if err != nil {
		return err
	}
	return check(claims)
}

// decode reads a part of a token.
func decode(part string) (auth.Claims, error) {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, errNotJWT
	}
	return auth.ParseClaims(raw)
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
