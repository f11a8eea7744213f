package login_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

func TestAProviderThatIsDownComesBack(t *testing.T) {
	p := logintest.New(t)
	p.Down()
	x := newTrial(t, p)
	_, err := x.Begin(t.Context(), "/", false)
	want(t, err, login.ErrUnavailable, p.Issuer())
	p.Up()
	_, err = x.Begin(t.Context(), "/", false)
	want(t, err, login.ErrUnavailable, "") // not asked again at once
	x.pass(10 * time.Second)
	x.mustSignIn()
	x.pass(time.Hour + time.Second)
	p.Down()
	// What it said before is what people try with.
	if _, err := x.Begin(t.Context(), "/", false); err != nil {
		t.Error(err, cause(err))
	}
	p.Up()
	p.IDToken = map[string]any{"exp": time.Now().Add(2 * time.Hour).Unix()}
	x.mustSignIn()
}

func TestAProviderMayGoDownWhileSomebodySignsIn(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	d, query := x.begin("/")
	p.Down()
	_, _, err := x.Finish(t.Context(), []string{d.State}, query)
	want(t, err, login.ErrExchange, "token endpoint")
	p.Up()
	x.mustSignIn()
}

func TestKeysThatCannotBeHadAreNobodysFault(t *testing.T) {
	p := logintest.New(t)
	p.SetJWKS(issuertest.ServerError)
	x := newTrial(t, p)
	_, err := x.signIn()
	want(t, err, login.ErrUnavailable, "status 500")
	p.SetJWKS(issuertest.OK)
	x.pass(10 * time.Second)
	x.mustSignIn()
}

func TestADiscoveryDocumentThatIsWrongIsNotKept(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	for _, c := range []struct {
		sentence string
		set      func()
		cause    string
	}{
		{"of another issuer", func() { p.SetDiscovery(issuertest.WrongIssuer) }, "is not the configured"},
		{"with a slash more", func() { p.SetDiscovery(issuertest.SlashIssuer) }, "in the slash at the end only"},
		{"a page", func() { p.SetDiscovery(issuertest.HTML) }, "not a discovery document"},
		{"gone", func() { p.SetDiscovery(issuertest.NotFound) }, "status 404"},
		{"broken", func() { p.SetDiscovery(issuertest.ServerError) }, "status 500"},
		{"elsewhere", func() { p.SetDiscovery(issuertest.Redirect) }, "status 302"},
		{"huge", func() { p.SetDiscovery(issuertest.Huge) }, "larger than 1 MiB"},
		{"without a place to sign in", func() { p.Describe("authorization_endpoint", issuertest.Drop) }, "authorization_endpoint is not"},
		{"with a token endpoint that is a path", func() { p.Describe("token_endpoint", "/token") }, "token_endpoint is not"},
		{"with a userinfo endpoint that is a file", func() { p.Describe("userinfo_endpoint", "file:///etc/passwd") }, "userinfo_endpoint is not"},
		{"with a script as the place to sign out", func() { p.Describe("end_session_endpoint", "javascript:alert(1)") }, "end_session_endpoint is not"},
		{"with symmetric algorithms alone", func() { p.Describe("id_token_signing_alg_values_supported", []string{"HS256"}) }, "no algorithm"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			fresh := newTrial(t, p)
			c.set()
			_, err := fresh.Begin(t.Context(), "/", false)
			want(t, err, login.ErrUnavailable, c.cause)
			p.SetDiscovery(issuertest.OK)
			p.Relocate("")
			fresh.pass(time.Hour) // the algorithms are kept as long as what is good
			p.IDToken = map[string]any{"exp": time.Now().Add(2 * time.Hour).Unix()}
			fresh.mustSignIn()
		})
	}
	x.mustSignIn()
}

func TestWhatTheProviderSaysIsKeptForAnHour(t *testing.T) {
	p := logintest.New(t)
	p.IDToken = map[string]any{"exp": time.Now().Add(24 * time.Hour).Unix()}
	x := newTrial(t, p)
	for range 3 {
		x.mustSignIn()
	}
	if discovery, jwks := p.Fetches(); discovery != 1 || jwks != 1 {
		t.Errorf("got %d and %d fetches", discovery, jwks)
	}
	p.Describe("end_session_endpoint", "https://new.example/logout")
	x.pass(time.Hour)
	x.mustSignIn()
	if got := x.LogoutURL(t.Context(), "", ""); !strings.HasPrefix(got, "https://new.example/logout?") {
		t.Errorf("got %q", got)
	}
}

func TestKeysMayTurnBetweenTwoSignIns(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	x.mustSignIn()
	p.Rotate(false)
	x.pass(10 * time.Second)
	x.mustSignIn()
}

func TestNothingIsWaitedForLongerThanTheTimeout(t *testing.T) {
	short := func(o *login.Options, k *issuer.Options) {
		o.Timeout, k.Timeout = time.Second, time.Second
	}
	for _, c := range []struct {
		sentence string
		hang     func(*logintest.Provider)
		reason   error
		cause    string
	}{
		{"discovery", func(p *logintest.Provider) { p.SetDiscovery(issuertest.Hang) }, login.ErrUnavailable, "deadline"},
		{"keys", func(p *logintest.Provider) { p.SetJWKS(issuertest.Hang) }, login.ErrUnavailable, "deadline"},
		{"token", func(p *logintest.Provider) { p.Token = logintest.Hang }, login.ErrExchange, "deadline"},
		{"userinfo", func(p *logintest.Provider) { p.Userinfo = logintest.Hang }, login.ErrExchange, "deadline"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			t.Parallel()
			p := logintest.New(t)
			c.hang(p)
			x := newTrial(t, p, short)
			began := time.Now()
			d, err := x.Begin(t.Context(), "/", false)
			if err == nil {
				_, _, err = x.Finish(t.Context(), []string{d.State}, x.depart(d))
			}
			want(t, err, c.reason, c.cause)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestATokenEndpointThatAnswersOddlyFinishesNothing(t *testing.T) {
	for mode, cause := range map[logintest.Mode]string{
		logintest.ServerError: "status 500",
		logintest.Refuse:      "status 400, invalid_grant",
		logintest.HTML:        "its answer is not that of one",
		logintest.Huge:        "its answer is not that of one",
		logintest.Redirect:    "status 307",
	} {
		t.Run(string(mode), func(t *testing.T) {
			p := logintest.New(t)
			p.Token = mode
			_, err := newTrial(t, p).signIn()
			want(t, err, login.ErrExchange, cause)
		})
	}
}

func TestAnHTTPSProviderStaysOne(t *testing.T) {
	p := logintest.NewTLS(t)
	newTrial(t, p).mustSignIn()
	_, err := newTrial(t, p, func(o *login.Options, k *issuer.Options) { o.RootCAs, k.RootCAs = nil, nil }).Begin(t.Context(), "/", false)
	want(t, err, login.ErrUnavailable, "certificate")
	for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint"} {
		p.Relocate("")
		p.Describe(endpoint, strings.Replace(p.Issuer(), "https:", "http:", 1)+"/x")
		_, err := newTrial(t, p).Begin(t.Context(), "/", false)
		want(t, err, login.ErrUnavailable, endpoint+" is not https")
	}
}

func TestManySignInAtOnce(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	roles := []auth.Role{auth.Reader, auth.Pusher, auth.Admin}
	groups := []string{"all", "ci", "ops"}
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			person := map[string]any{"sub": fmt.Sprint("u", n), "preferred_username": fmt.Sprint("name", n), "groups": groups[n%3]}
			d, err := x.Begin(t.Context(), fmt.Sprint("/groupings/", n), false)
			if err != nil {
				t.Error(err, cause(err))
				return
			}
			var back *url.URL
			if back, err = p.SignIn(d.URL, person); err != nil {
				t.Error(err)
				return
			}
			got, next, err := x.Finish(t.Context(), []string{d.State}, back.Query())
			if err != nil || got.Name != fmt.Sprint("name", n) || got.Role != roles[n%3] || next != fmt.Sprint("/groupings/", n) {
				t.Errorf("got %+v, %q, %v", got, next, err)
			}
			if _, err := x.VerifyLogout(t.Context(), p.LogoutToken(map[string]any{"sub": got.Name})); err != nil {
				t.Error(err, cause(err))
			}
			x.Prepare()
		})
	}
	all.Wait()
	if discovery, jwks := p.Fetches(); discovery != 1 || jwks != 1 {
		t.Errorf("got %d and %d fetches", discovery, jwks)
	}
}
