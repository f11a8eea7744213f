package login_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/jwt"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

const redirectURL = "https://gatehouse.example/auth/callback"

var secret = []byte("0123456789abcdef0123456789abcdef")

// clock is a clock that only moves when a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// trial is a fake provider, and us.
type trial struct {
	*login.Provider
	*clock
	t    testing.TB
	fake *logintest.Provider
	log  *bytes.Buffer
}

// newTrial is for tests in which one thing happens after the other.
func newTrial(t testing.TB, p *logintest.Provider, changes ...func(*login.Options, *issuer.Options)) *trial {
	t.Helper()
	x := &trial{t: t, clock: &clock{now: time.Now()}, fake: p, log: &bytes.Buffer{}}
	keys := issuer.Options{Issuer: p.Issuer(), RootCAs: p.CAs(), Now: x.Now}
	o := login.Options{
		Issuer: p.Issuer(), ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret,
		RedirectURL: redirectURL, RootCAs: p.CAs(), Now: x.Now,
		Rules:  jwt.ClaimRules{RoleMap: map[string]auth.Role{"ops": auth.Admin, "ci": auth.Pusher, "all": auth.Reader}},
		Secret: func(context.Context) ([]byte, error) { return secret, nil },
		Logger: slog.New(slog.NewTextHandler(x.log, nil)),
	}
	for _, change := range changes {
		change(&o, &keys)
	}
	if o.Keys == nil {
		o.Keys = issuer.New(keys)
		t.Cleanup(o.Keys.Close)
	}
	x.Provider = login.New(o)
	return x
}

// begin begins a sign-in and has the provider sign its person in.
func (x *trial) begin(next string) (login.Departure, url.Values) {
	x.t.Helper()
	d, err := x.Begin(x.t.Context(), next, false)
	if err != nil {
		x.t.Fatalf("Begin: %v: %v", err, cause(err))
	}
	return d, x.depart(d)
}

// depart goes where a departure leads, and returns what comes back.
func (x *trial) depart(d login.Departure) url.Values {
	x.t.Helper()
	back, err := x.fake.SignIn(d.URL, x.fake.Person)
	if err != nil {
		x.t.Fatalf("%s: %v", d.URL, err)
	}
	return back.Query()
}

func (x *trial) signIn() (login.Person, error) {
	x.t.Helper()
	d, query := x.begin("/")
	person, _, err := x.Finish(x.t.Context(), []string{d.State}, query)
	return person, err
}

func (x *trial) mustSignIn() login.Person {
	x.t.Helper()
	person, err := x.signIn()
	if err != nil {
		x.t.Fatalf("%v: %v", err, cause(err))
	}
	return person
}

// cause is that of an error of the package.
func cause(err error) error {
	if e, ok := errors.AsType[*login.Error](err); ok && e.Cause != nil {
		return e.Cause
	}
	return errors.New("(none)")
}

// want checks a refusal: its reason, and a part of its cause.
func want(t testing.TB, err, reason error, part string) {
	t.Helper()
	e, ok := errors.AsType[*login.Error](err)
	if !ok || !errors.Is(e.Reason, reason) || !strings.Contains(cause(err).Error(), part) || err.Error() != reason.Error() {
		t.Errorf("got %v (%v), want %v (%s)", err, cause(err), reason, part)
	}
}

func TestAPersonSignsIn(t *testing.T) {
	p := logintest.New(t)
	p.Person = map[string]any{"sub": "u1", "preferred_username": "alice", "groups": []string{"ci", "all"}, "sid": "s1"}
	x := newTrial(t, p)
	d, query := x.begin("/groupings?q=a%20b")
	if d.MaxAge != 10*time.Minute || len(d.State) > 3584 {
		t.Errorf("got %v, %d bytes", d.MaxAge, len(d.State))
	}
	person, next, err := x.Finish(t.Context(), []string{d.State}, query)
	if err != nil {
		t.Fatal(err, cause(err))
	}
	if next != "/groupings?q=a%20b" {
		t.Errorf("got next %q", next)
	}
	if person.IDToken == "" {
		t.Error("there is no ID token")
	}
	person.IDToken = ""
	if want := (login.Person{ID: "sub:" + p.Issuer() + " u1", Name: "alice", Role: auth.Pusher, ProviderSession: "s1"}); person != want {
		t.Errorf("got %+v, want %+v", person, want)
	}
	if x.log.Len() > 0 {
		t.Errorf("logged %s", x.log)
	}
}

func TestABrowserGoesThereAndBack(t *testing.T) {
	p := logintest.NewTLS(t)
	x := newTrial(t, p)
	d, err := x.Begin(t.Context(), "/", false)
	if err != nil {
		t.Fatal(err, cause(err))
	}
	client := issuer.NewClient(p.CAs())
	resp, err := client.Get(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatal(resp.Status, err)
	}
	if got := back.Scheme + "://" + back.Host + back.Path; got != redirectURL {
		t.Errorf("sent back to %s", got)
	}
	if _, _, err := x.Finish(t.Context(), []string{d.State}, back.Query()); err != nil {
		t.Error(err, cause(err))
	}
}

func TestADepartureAsksForWhatIsConfigured(t *testing.T) {
	for _, c := range []struct {
		sentence string
		scopes   []string
		offered  []string
		switched bool
		scope    string
		prompt   string
	}{
		{"what is common, and groups if there is such a scope", nil, []string{"openid", "groups"}, false, "openid profile email groups", ""},
		{"no groups if there is none", nil, []string{"openid"}, false, "openid profile email", ""},
		{"what is configured, and no more", []string{"roles", "openid", "roles"}, []string{"groups"}, false, "openid roles", ""},
		{"nothing but who it is", []string{}, []string{"groups"}, false, "openid", ""},
		{"another user", []string{}, nil, true, "openid", "login"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			p := logintest.New(t)
			p.Describe("scopes_supported", c.offered)
			x := newTrial(t, p, func(o *login.Options, _ *issuer.Options) { o.Scopes = c.scopes })
			d, err := x.Begin(t.Context(), "/", c.switched)
			if err != nil {
				t.Fatal(err, cause(err))
			}
			u, err := url.Parse(d.URL)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			if query.Get("scope") != c.scope || query.Get("prompt") != c.prompt || query.Get("redirect_uri") != redirectURL {
				t.Errorf("got %v", query)
			}
		})
	}
}

func TestNoTwoDeparturesAreAlike(t *testing.T) {
	x := newTrial(t, logintest.New(t))
	seen := map[string]bool{}
	for range 3 {
		d, err := x.Begin(t.Context(), "/", false)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(d.URL)
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			v := u.Query().Get(name)
			if len(v) < 43 || seen[v] || strings.Contains(d.State, v) {
				t.Errorf("%s: %q", name, v)
			}
			seen[v] = true
		}
	}
}

func TestAPreparedProviderIsAskedOnce(t *testing.T) {
	p := logintest.New(t)
	x := newTrial(t, p)
	x.Prepare()
	if _, err := x.Begin(t.Context(), "/", false); err != nil {
		t.Fatal(err, cause(err))
	}
	x.Prepare()
	if discovery, _ := p.Fetches(); discovery != 1 {
		t.Errorf("got %d fetches", discovery)
	}
}
