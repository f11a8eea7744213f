package login

import (
	"context"
	"errors"
	"net/url"
	"time"

	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
)

// MaxHint is the maximum length of an ID token in LogoutURL.
const MaxHint = 8 << 10

// LogoutURL returns the address at which the provider signs the user out, and
// then sends the browser to returnTo, if that is not empty and the provider
// knows it. It is empty if the provider has no such address, or can't be asked.
// The ID token may be empty; then, or if it is very long, the provider may ask
// the user whom to sign out.
func (p *Provider) LogoutURL(ctx context.Context, idToken, returnTo string) string {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	m, err := p.o.Keys.Metadata(ctx)
	if err != nil || m.EndSessionEndpoint == "" {
		return ""
	}
	u, err := url.Parse(m.EndSessionEndpoint)
	if err != nil {
		return ""
	}
	query := u.Query()
	if idToken != "" && len(idToken) <= MaxHint {
		query.Set("id_token_hint", idToken)
	} else {
		query.Set("client_id", p.o.ClientID)
	}
	if returnTo != "" {
		query.Set("post_logout_redirect_uri", returnTo)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// Logout is the provider's message that sessions are over: those of the user
// with that ID, those that belong to that session at the provider, or, if both
// are given, those that match both. Either may be empty, but not both. Sessions
// that began after At go on.
type Logout struct {
	ID              string // as Person has it
	ProviderSession string
	At              time.Time
}

const (
	// maxLogoutToken bounds what strangers can make us read.
	maxLogoutToken = 16 << 10
	// maxLogoutAge is the maximum age of a logout token.
	maxLogoutAge = 5 * time.Minute
	logoutEvent  = "http://schemas.openid.net/event/backchannel-logout"
)

var (
	errTooLong  = errors.New("it is too long")
	errEvent    = errors.New("events is not that of a logout")
	errHasNonce = errors.New("there is a nonce, as ID tokens have")
	errNobody   = errors.New("neither sub nor sid says who is meant")
	errNoJTI    = errors.New("jti is missing or no string")
	errOldToken = errors.New("iat is more than 5 minutes ago")
	errReplay   = errors.New("a token with that jti was used before")
)

// VerifyLogout checks a logout token, which anybody may have sent (OpenID
// Connect Back-Channel Logout 1.0). Each is valid once. The reason of the error
// is ErrLogoutToken, or ErrUnavailable; it is an *Error.
func (p *Provider) VerifyLogout(ctx context.Context, raw string) (Logout, error) {
	if len(raw) > maxLogoutToken {
		return Logout{}, &Error{ErrLogoutToken, errTooLong}
	}
	rules := p.rules
	rules.Required = nil // of people, not of their leaving
	claims, err := p.parse(raw, jwt.Logout, rules)
	if err == nil {
		err = p.checkLogout(claims)
	}
	if err != nil {
		return Logout{}, &Error{ErrLogoutToken, err}
	}
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	keys := &keySet{Issuer: p.o.Keys}
	token, err := verifier(keys, issuer.Algorithms()).VerifyLogout(ctx, raw)
	if err != nil {
		return Logout{}, keys.blame(ErrLogoutToken)
	}
	if err := sameClaims(token, claims); err != nil {
		return Logout{}, &Error{ErrLogoutToken, err}
	}
	now := p.o.Now()
	if !p.logouts.use(text(claims, "jti"), now, now.Add(2*maxLogoutAge)) {
		return Logout{}, &Error{ErrLogoutToken, errReplay}
	}
	return p.logout(claims), nil
}

// checkLogout checks what logout tokens need beside the rules.
func (p *Provider) checkLogout(c jwt.Claims) error {
	now := p.o.Now()
	events, _ := c["events"].(map[string]any)
	_, isLogout := events[logoutEvent].(map[string]any)
	_, hasNonce := c["nonce"]
	iat, ok := moment(c, "iat")
	sub := text(c, "sub")
	switch {
	case !isLogout:
		return errEvent
	case hasNonce:
		return errHasNonce
	case !ok || iat.After(now.Add(jwt.Leeway)):
		return errIat
	case iat.Before(now.Add(-maxLogoutAge - jwt.Leeway)):
		return errOldToken
	case sub == "" && session(c) == "" || len(sub) > maxSub:
		return errNobody
	case text(c, "jti") == "":
		return errNoJTI
	}
	return nil
}

func (p *Provider) logout(c jwt.Claims) Logout {
	l := Logout{ProviderSession: session(c), At: p.o.Now()}
	// Sessions have the time of our clock, which may be ahead of the provider's,
	// and iat has but seconds.
	if iat, _ := moment(c, "iat"); iat.Add(jwt.Leeway).Before(l.At) {
		l.At = iat.Add(jwt.Leeway)
	}
	if text(c, "sub") != "" {
		l.ID = p.rules.ID(c)
	}
	return l
}
