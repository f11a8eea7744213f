package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
)

// maxUserinfo bounds what the provider says about one user.
const maxUserinfo = 1 << 20

var (
	// errNoUserinfo says that there is no more to know, now or later.
	errNoUserinfo  = errors.New("it has no claims about this user")
	errOtherPerson = fmt.Errorf("%w: it is about somebody else", errNoUserinfo)
)

// userinfo asks the provider for the claims of the user with that sub.
func (p *Provider) userinfo(ctx context.Context, endpoint, accessToken, sub string) (jwt.Claims, error) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	raw, err := p.readUserinfo(ctx, endpoint, accessToken)
	if err != nil {
		return nil, fmt.Errorf("the userinfo endpoint: %w", err)
	}
	claims, err := jwt.ParseClaims(raw)
	if err != nil {
		return nil, fmt.Errorf("the userinfo endpoint: %w", err)
	}
	if got := text(claims, "sub"); got == "" || !equal(got, sub) {
		return nil, fmt.Errorf("the userinfo endpoint: %w", errOtherPerson)
	}
	return claims, nil
}

func (p *Provider) readUserinfo(ctx context.Context, endpoint, accessToken string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, issuer.Cause(err)
	}
	req.Header.Set("Authorization", "Bearer "+accessToken)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gatehouse")
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, issuer.Cause(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 400 && resp.StatusCode < 500:
		return nil, fmt.Errorf("%w: status %d", errNoUserinfo, resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxUserinfo+1))
	if err != nil {
		return nil, issuer.Cause(err)
	}
	if len(raw) > maxUserinfo {
		return nil, errors.New("the answer is larger than 1 MiB")
	}
	return raw, nil
}
