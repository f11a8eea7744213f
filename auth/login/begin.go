package login

import (
	"context"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Departure is a sign-in that begins.
type Departure struct {
	URL string // of the provider, where the browser has to go
	// State is what Finish needs: the value of a cookie that is sent to nobody
	// else and is used once. It has at most 2 KiB, all of them good for
	// cookies, and can't be read or changed by anybody.
	State  string
	MaxAge time.Duration // how long State is good
}

// Begin begins a sign-in that leads to next, or to "/" if next is not what
// auth.LocalPath takes or longer than 1 KiB. With switchUser people can sign in as somebody else than
// the provider takes them for. The reason of the error is ErrUnavailable.
func (p *Provider) Begin(ctx context.Context, next string, switchUser bool) (Departure, error) {
	ctx, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	box, err := p.box(ctx)
	if err != nil {
		return Departure{}, &Error{ErrUnavailable, err}
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return Departure{}, err
	}
	s := state{
		id: randomText(), nonce: randomText(), verifier: oauth2.GenerateVerifier(),
		next: localPath(next), expires: p.o.Now().Add(stateAge),
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(s.nonce), oauth2.S256ChallengeOption(s.verifier)}
	if switchUser {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	return Departure{URL: p.config(m).AuthCodeURL(s.id, options...), State: box.seal(s), MaxAge: stateAge}, nil
}
