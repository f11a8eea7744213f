package login

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/url"

	"golang.org/x/oauth2"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
)

// Person is a signed-in user.
type Person struct {
	ID              string // "sub:", the issuer, a space and the sub claim
	Name            string // for display; people can choose it; perhaps empty
	Role            auth.Role
	ProviderSession string // the sid claim; may be empty
	IDToken         string // for LogoutURL; a secret
	Unlisted        bool   // the provider only refers to what decides about the role
}

// Finish ends a sign-in: the provider has sent the browser back with a query,
// and the browser has brought the state of its Departure, among others perhaps
// that are none or belong to other sign-ins. A person whose role is auth.NoRole is no error. The reasons of errors are ErrState, ErrDeclined,
// ErrExchange, ErrToken and ErrUnavailable; each is an *Error.
//
// Whatever comes of it, a query uses up the state that it belongs to. Where to go
// next is returned with an error too, so that people can try again; an ErrState may
// lose it.
func (p *Provider) Finish(ctx context.Context, sealed []string, query url.Values) (Person, string, error) {
	s, err := p.resume(ctx, sealed, query)
	if err != nil {
		return Person{}, "", err
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return Person{}, s.next, err
	}
	if err := p.response(m, query); err != nil {
		return Person{}, s.next, err
	}
	token, err := p.exchange(ctx, m, query.Get("code"), s.verifier)
	if err != nil {
		return Person{}, s.next, err
	}
	raw, _ := token.Extra("id_token").(string)
	claims, err := p.verify(ctx, m, raw, s.nonce, token.AccessToken)
	if err != nil {
		return Person{}, s.next, err
	}
	person, err := p.person(ctx, m, claims, token)
	if err != nil {
		return Person{}, s.next, err
	}
	person.IDToken = raw
	return person, s.next, nil
}

var (
	errNoState      = errors.New("the browser brought no state")
	errOtherState   = errors.New("the provider's state is not that of the browser")
	errUsed         = errors.New("the state was used before")
	errTwice        = errors.New("a parameter is given twice")
	errNoCode       = errors.New("there is no code")
	errIssParameter = errors.New("the parameter iss is missing or not the issuer")
)

// resume finds the state to which a query belongs among those of a browser, and
// uses it up.
func (p *Provider) resume(ctx context.Context, sealed []string, query url.Values) (state, error) {
	if len(sealed) == 0 {
		return state{}, &Error{ErrState, errNoState}
	}
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(query[name]) > 1 {
			return state{}, &Error{ErrState, errTwice}
		}
	}
	box, err := p.box(ctx)
	if err != nil {
		return state{}, &Error{ErrUnavailable, err}
	}
	now := p.o.Now()
	s, err := box.find(sealed, query.Get("state"), now)
	switch {
	case err != nil:
		return state{}, &Error{ErrState, err}
	case !p.states.use(s.id, now, s.expires):
		return state{}, &Error{ErrState, errUsed}
	}
	return s, nil
}

// response checks that the answer is the provider's, and that it is a code.
func (p *Provider) response(m issuer.Metadata, query url.Values) error {
	if (m.IssParameter || query.Has("iss")) && query.Get("iss") != p.o.Issuer {
		return &Error{ErrState, errIssParameter}
	}
	if query.Has("error") {
		return &Error{ErrDeclined, errors.New(errorCode(query.Get("error")))}
	}
	if query.Get("code") == "" {
		return &Error{ErrState, errNoCode}
	}
	return nil
}

// exchange gets tokens for a code.
func (p *Provider) exchange(ctx context.Context, m issuer.Metadata, code, verifier string) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, p.client), p.o.Timeout)
	defer cancel()
	token, err := p.config(m).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, &Error{ErrExchange, refused(err)}
	}
	return token, nil
}

// person returns the user that the verified claims are about. Missing claims
// are requested from the provider with the access token.
func (p *Provider) person(ctx context.Context, m issuer.Metadata, c jwt.Claims, token *oauth2.Token) (Person, error) {
	person := Person{
		ID:              p.rules.ID(c),
		Name:            p.rules.Name(c),
		Role:            p.rules.Role(c),
		ProviderSession: session(c),
		Unlisted:        p.rules.Refers(c),
	}
	undecided := len(p.rules.RoleMap) > 0 && !p.rules.Decides(c) && !person.Unlisted
	unnamed := person.Name == p.rules.Name(jwt.Claims{"sub": c["sub"]})
	if m.UserinfoEndpoint == "" || !undecided && !unnamed {
		return person, nil
	}
	more, err := p.userinfo(ctx, m.UserinfoEndpoint, token.AccessToken, text(c, "sub"))
	if err != nil && undecided && !errors.Is(err, errNoUserinfo) {
		return Person{}, &Error{ErrExchange, err}
	}
	if err != nil {
		p.o.Logger.Warn("The provider's userinfo doesn't count.", "user", person.ID, "err", err)
		return person, nil
	}
	if undecided {
		person.Role, person.Unlisted = p.rules.Role(more), p.rules.Refers(more)
	}
	if unnamed {
		person.Name = p.rules.Name(more)
	}
	return person, nil
}

// text is a claim that has to be a string; otherwise "".
func text(c jwt.Claims, name string) string {
	s, _ := c[name].(string)
	return s
}

// equal compares in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
