package guard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"gatehouse/auth"
	"gatehouse/auth/credential"
)

// remembered are sessions in memory.
type remembered map[string]auth.Session

func (r remembered) Session(id string) (auth.Session, bool) {
	s, ok := r[id]
	return s, ok
}

func (r remembered) BeginSession(_ context.Context, id string, s auth.Session) error {
	r[id] = s
	return nil
}

func (remembered) UseSession(string, string) {}

func (r remembered) SignOut(_ context.Context, id, _ string) error {
	delete(r, id)
	return nil
}

// forgetful are sessions that cannot be kept.
type forgetful struct{ remembered }

var errFull = errors.New("the disk is full")

func (forgetful) BeginSession(context.Context, string, auth.Session) error { return errFull }

// rules are the fingerprint of the role rules.
var rules = []byte("rules")

func withUser(sessions Sessions) Config {
	return Config{
		Passwords: credential.NewPasswords(credential.PasswordOptions{User: "alice", Password: "right"}),
		Sessions:  sessions, Cookie: Cookie{Lifetime: time.Hour}, LoginRules: rules,
	}
}

// cookieOf is the cookie that an answer sets.
func cookieOf(t *testing.T, c *fiber.Ctx) *fasthttp.Cookie {
	t.Helper()
	k := &fasthttp.Cookie{}
	n := 0
	for _, line := range c.Response().Header.Cookies() {
		n++
		if err := k.ParseBytes(line); err != nil {
			t.Fatal(err)
		}
	}
	if n > 1 {
		t.Fatalf("%d cookies", n)
	}
	return k
}

func TestASessionCountsWhereAndAsTheRulesSay(t *testing.T) {
	g := newGuard(t, withUser(remembered{
		"reader": {Scheme: "oidc", Credential: rules, ID: "sub:r", Name: "r", Role: auth.Reader},
		"nobody": {Scheme: "oidc", Credential: rules, ID: "sub:n", Name: "n"},
		"pusher": {Scheme: "oidc", Credential: rules, ID: "sub:p", Name: "p", Role: auth.Pusher},
		"alice":  {Scheme: auth.Basic, ID: "user:alice", Name: "alice", Role: auth.Admin},
	}))
	g.Sessions.(remembered)["alice"] = auth.Session{Scheme: auth.Basic, ID: "user:alice", Name: "alice", Role: auth.Admin, Credential: g.Passwords.Fingerprint("alice", "alice")}
	g.Sessions.(remembered)["changed"] = auth.Session{Scheme: auth.Basic, ID: "user:alice", Name: "alice", Role: auth.Admin, Credential: []byte("old")}
	g.Sessions.(remembered)["removed"] = auth.Session{Scheme: auth.Basic, ID: "user:bob", Name: "bob", Role: auth.Admin}
	const cookie = "gatehouse_session="
	ours := []string{"Sec-Fetch-Site", "same-origin"}
	tests := []struct {
		name    string
		method  string
		does    auth.Action
		headers []string
		api     error // of the same request to the API, and to a page
		page    error
	}{
		{"reading", "GET", auth.Read, []string{"Cookie", cookie + "reader"}, nil, nil},
		{"reading the headers", "HEAD", auth.Read, []string{"Cookie", cookie + "reader"}, nil, nil},
		{"reading beside other cookies", "GET", auth.Read, []string{"Cookie", "a=b; " + cookie + "reader; gatehouse_session2=x"}, nil, nil},
		{"more than the role allows", "GET", auth.Administer, []string{"Cookie", cookie + "reader"}, auth.ErrForbidden, auth.ErrForbidden},
		{"no role", "GET", auth.Read, []string{"Cookie", cookie + "nobody"}, auth.ErrForbidden, auth.ErrForbidden},
		{"a change", "POST", auth.Push, append(ours, "Cookie", cookie+"pusher"), auth.ErrNoCredential, nil},
		{"a change by address", "DELETE", auth.Delete, []string{"Sec-Fetch-Site", "none", "Cookie", cookie + "pusher"}, auth.ErrNoCredential, nil},
		{"a change with an origin", "PUT", auth.Push, []string{"Origin", "http://localhost", "Cookie", cookie + "pusher"}, auth.ErrNoCredential, nil},
		{"a change of unknown origin", "POST", auth.Push, []string{"Cookie", cookie + "pusher"}, auth.ErrNoCredential, auth.ErrCrossSite},
		{"a change beyond the role", "POST", auth.Push, append(ours, "Cookie", cookie+"reader"), auth.ErrNoCredential, auth.ErrForbidden},
		{"an unknown method", "PATCH", auth.Push, append(ours, "Cookie", cookie+"pusher"), auth.ErrNoCredential, nil},

		{"with a password", "GET", auth.Administer, []string{"Cookie", cookie + "alice"}, nil, nil},
		{"with a password that was changed", "GET", auth.Read, []string{"Cookie", cookie + "changed"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"of a user who was removed", "GET", auth.Read, []string{"Cookie", cookie + "removed"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"an unknown one", "GET", auth.Read, []string{"Cookie", cookie + "unknown"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"an empty one", "GET", auth.Read, []string{"Cookie", cookie}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"an unknown one of unknown origin", "POST", auth.Push, []string{"Cookie", cookie + "unknown"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"the cookie of another server", "GET", auth.Read, []string{"Cookie", "__Host-gatehouse=reader"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"the name in capitals", "GET", auth.Read, []string{"Cookie", "GATEHOUSE_SESSION=reader"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"of two people", "GET", auth.Read, []string{"Cookie", cookie + "reader; " + cookie + "alice"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"of two people and of nobody", "GET", auth.Read, []string{"Cookie", cookie + "reader; " + cookie + "x; " + cookie + "alice"}, auth.ErrNoCredential, auth.ErrNoCredential},
		{"the same twice", "GET", auth.Read, []string{"Cookie", cookie + "reader; " + cookie + "reader"}, nil, nil},
		{"in front of another server's", "GET", auth.Read, []string{"Cookie", cookie + "reader; " + cookie + "unknown"}, nil, nil},
		{"behind another server's", "GET", auth.Read, []string{"Cookie", cookie + "unknown; " + cookie + "reader"}, nil, nil},
		{"among many", "GET", auth.Read, []string{"Cookie", strings.Repeat(cookie+"unknown; ", 100) + cookie + "reader; " + cookie}, nil, nil},
		{"beside one that is over", "GET", auth.Read, []string{"Cookie", cookie + "changed; " + cookie + "reader"}, nil, nil},
		{"two headers", "GET", auth.Read, []string{"Cookie", cookie + "unknown", "Cookie", cookie + "reader"}, nil, nil},
		{"a change beside another server's", "POST", auth.Push, append(ours, "Cookie", cookie+"unknown; "+cookie+"pusher"), auth.ErrNoCredential, nil},

		{"beside a wrong password", "GET", auth.Read, []string{"Authorization", "Basic eDp5", "Cookie", cookie + "reader"}, auth.ErrBadCredential, auth.ErrBadCredential},
		{"beside a wrong token", "GET", auth.Read, []string{"X-Api-Key", "x", "Cookie", cookie + "reader"}, auth.ErrBadCredential, auth.ErrBadCredential},
		{"two beside a right password", "GET", auth.Administer, []string{"Authorization", "Basic YWxpY2U6cmlnaHQ=", "Cookie", cookie + "reader; " + cookie + "alice"}, nil, nil},
	}
	for _, test := range tests {
		for _, on := range []struct {
			what    string
			require func(auth.Action) fiber.Handler
			want    error
		}{{"the API", g.Require, test.api}, {"a page", g.RequirePage, test.page}} {
			if p, err := pass(on.require(test.does), nil, test.method, test.headers...); !errors.Is(err, on.want) || (err == nil) != (p.Scheme != "") {
				t.Errorf("%s, on %s: %v as %+v, want %v", test.name, on.what, err, p, on.want)
			}
		}
	}
}

// pass sends a request to localhost through a part of a guard, over conn if
// that is not nil, and returns its principal.
func pass(part fiber.Handler, conn net.Conn, method string, headers ...string) (p auth.Principal, err error) {
	app := fiber.New(fiber.Config{ErrorHandler: func(_ *fiber.Ctx, e error) error {
		err = e
		return nil
	}})
	app.Use(part, func(c *fiber.Ctx) error {
		p = Principal(c)
		return nil
	})
	ctx := &fasthttp.RequestCtx{}
	if conn != nil {
		ctx.Init2(conn, nil, false)
	}
	ctx.Request.Header.SetMethod(method)
	ctx.Request.Header.SetHost("localhost")
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Add(headers[i], headers[i+1])
	}
	app.Handler()(ctx)
	return p, err
}

func TestASessionNamesItsUser(t *testing.T) {
	g := newGuard(t, withUser(remembered{"id": {Scheme: "oidc", Credential: rules, ID: "sub:Ann", Name: "Ann", Role: auth.Pusher}}))
	var decided []string
	g.Decided = func(s auth.Scheme, r Result) { decided = append(decided, string(s)+" "+string(r)) }
	p, err := pass(g.Require(auth.Read), nil, "GET", "Cookie", "gatehouse_session=id")
	if err != nil || p != (auth.Principal{Scheme: auth.SessionCookie, ID: "sub:Ann", Name: "Ann", Role: auth.Pusher}) {
		t.Errorf("got %+v, %v", p, err)
	}
	_, _ = pass(g.Require(auth.Administer), nil, "GET", "Cookie", "gatehouse_session=id")
	if got := strings.Join(decided, ", "); got != "session allowed, session forbidden" {
		t.Errorf("got %s", got)
	}
}

// tlsConn is a connection from this machine with a verified client certificate.
type tlsConn struct{ net.Conn }

func (*tlsConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (*tlsConn) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (*tlsConn) Handshake() error     { return nil }
func (*tlsConn) ConnectionState() tls.ConnectionState {
	holder := &x509.Certificate{Subject: pkix.Name{CommonName: "robot"}}
	return tls.ConnectionState{PeerCertificates: []*x509.Certificate{holder}, VerifiedChains: [][]*x509.Certificate{{holder}}}
}

func TestASessionBeatsCertificateAndBypass(t *testing.T) {
	config := withUser(remembered{"id": {Scheme: "oidc", Credential: rules, ID: "sub:Ann", Name: "Ann", Role: auth.Reader}})
	byCertificate, byPlace := config, config
	byCertificate.CertificateRole = auth.Admin
	byPlace.Bypass = BypassOn
	for _, test := range []struct {
		name   string
		config Config
		cookie string
		want   auth.Scheme
	}{
		{"a certificate", byCertificate, "id", auth.SessionCookie},
		{"a certificate and a dead session", byCertificate, "dead", auth.Certificate},
		{"a local process", byPlace, "id", auth.SessionCookie},
		{"a local process and a dead session", byPlace, "dead", auth.Localhost},
	} {
		g := newGuard(t, test.config)
		if p, err := pass(g.Require(auth.Read), &tlsConn{}, "GET", "Cookie", "gatehouse_session="+test.cookie); p.Scheme != test.want {
			t.Errorf("%s: %+v, %v, want %s", test.name, p, err, test.want)
		}
		// Where the cookie does not count, it is no way to be more than one is.
		if _, err := pass(g.Require(auth.Push), &tlsConn{}, "PUT", "Cookie", "gatehouse_session=id"); !errors.Is(err, auth.ErrNoCredential) {
			t.Errorf("%s: a change is answered with %v", test.name, err)
		}
	}
}

func TestTheCookieIsAsTheAddressOfTheServerWantsIt(t *testing.T) {
	for _, test := range []struct {
		name       string
		cookie     Cookie
		tls        bool
		wantName   string
		wantPath   string
		wantSecure bool
	}{
		{"plain", Cookie{}, false, "gatehouse_session", "/", false},
		{"plain, below a prefix", Cookie{Prefix: "/pg"}, false, "gatehouse_session", "/pg", false},
		{"https", Cookie{Secure: true}, false, "__Host-gatehouse", "/", true},
		{"https, below a prefix", Cookie{Secure: true, Prefix: "/pg"}, false, "__Host-gatehouse", "/", true},
		{"TLS of our own", Cookie{}, true, "gatehouse_session", "/", true},
		{"plain, of a store", Cookie{Suffix: "0123abcd", Prefix: "/pg"}, false, "gatehouse_session_0123abcd", "/pg", false},
		{"https, of a store", Cookie{Suffix: "0123abcd", Secure: true, Prefix: "/pg"}, false, "__Host-gatehouse-0123abcd", "/", true},
	} {
		test.cookie.Lifetime = 90 * time.Minute
		config := withUser(remembered{})
		config.Cookie = test.cookie
		g := newGuard(t, config)
		c := request(t, "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "Sec-Fetch-Site", "same-origin")
		if test.tls {
			c.Context().Init2(&tlsConn{}, nil, false)
		}
		if err := g.SignIn(c, "alice", "right"); err != nil {
			t.Fatal(err)
		}
		k := cookieOf(t, c)
		if string(k.Key()) != test.wantName || string(k.Path()) != test.wantPath || k.Secure() != test.wantSecure {
			t.Errorf("%s: got %s", test.name, k)
		}
		if !k.HTTPOnly() || k.SameSite() != fasthttp.CookieSameSiteLaxMode || k.MaxAge() != 5400 || len(k.Domain()) > 0 || len(k.Value()) != 43 {
			t.Errorf("%s: got %s", test.name, k)
		}
		c.Response().Reset()
		if err := g.SignOut(c); err != nil {
			t.Fatal(err)
		}
		k = cookieOf(t, c)
		if string(k.Key()) != test.wantName || string(k.Path()) != test.wantPath || k.Secure() != test.wantSecure || len(k.Value()) > 0 || !k.Expire().Before(time.Now()) {
			t.Errorf("%s: cleared by %s", test.name, k)
		}
	}
}

func TestSigningInBeginsANewSessionAndEndsWhatCameIn(t *testing.T) {
	sessions := remembered{"old": {}, "older": {}, "another's": {}}
	g := newGuard(t, withUser(sessions))
	c := request(t, "Cookie", "gatehouse_session=old; gatehouse_session=older; gatehouse_session=planted")
	began := time.Now()
	if err := g.SignIn(c, "alice", "right"); err != nil {
		t.Fatal(err)
	}
	id := string(cookieOf(t, c).Value())
	s, ok := sessions[id]
	if !ok || len(sessions) != 2 || id == "planted" {
		t.Errorf("session %q, of %v", id, sessions)
	}
	if s.Scheme != auth.Basic || s.Name != "alice" || s.Role != auth.Admin || s.Created.Before(began) || s.Expires != s.Created.Add(time.Hour) || !g.Passwords.Holds(s, id) {
		t.Errorf("got %+v", s)
	}
}

func TestNobodyIsSignedInWithoutASession(t *testing.T) {
	signIn := func(config Config, name, password string) (*Guard, error) {
		g := newGuard(t, config)
		c := request(t)
		err := g.SignIn(c, name, password)
		if len(cookieOf(t, c).Key()) > 0 {
			t.Errorf("%s: there is a cookie", name)
		}
		return g, err
	}
	sessions := remembered{}
	noUsers, noSessions := withUser(sessions), withUser(nil)
	noUsers.Passwords = credential.NewPasswords(credential.PasswordOptions{})
	for _, test := range []struct {
		config         Config
		name, password string
		want           error
	}{
		{withUser(sessions), "alice", "wrong", auth.ErrBadCredential},
		{withUser(sessions), "nobody", "right", auth.ErrBadCredential},
		{withUser(sessions), "", "", auth.ErrBadCredential},
		{noUsers, "", "", auth.ErrBadCredential},
		{Config{Sessions: sessions}, "", "", auth.ErrBadCredential},
		{noSessions, "alice", "right", auth.ErrBadCredential},
		{withUser(forgetful{sessions}), "alice", "right", errFull},
	} {
		if _, err := signIn(test.config, test.name, test.password); !errors.Is(err, test.want) {
			t.Errorf("%s %s: %v, want %v", test.name, test.password, err, test.want)
		}
	}
	if len(sessions) > 0 {
		t.Errorf("there are %v", sessions)
	}
}

func TestOnlyOurPagesSignOut(t *testing.T) {
	sessions := remembered{"id": {}}
	g := newGuard(t, withUser(sessions))
	if err := g.SignOut(request(t, "Cookie", "gatehouse_session=id")); !errors.Is(err, auth.ErrCrossSite) || len(sessions) != 1 {
		t.Errorf("without an origin: %v, %v", err, sessions)
	}
	if err := g.SignOut(request(t, "Cookie", "gatehouse_session=id", "Origin", "http://localhost")); err != nil || len(sessions) != 0 {
		t.Errorf("with an origin: %v, %v", err, sessions)
	}
	if err := g.SignOut(request(t)); err != nil {
		t.Errorf("without a session: %v", err)
	}
	if err := newGuard(t, withUser(nil)).SignOut(request(t)); err != nil {
		t.Errorf("where there are none: %v", err)
	}
}

func TestTheSessionOfARequestIsFoundWhateverElseItBrings(t *testing.T) {
	until := time.Now().Add(time.Hour)
	g := newGuard(t, Config{LoginRules: rules, Sessions: remembered{"one": {Scheme: "oidc", Credential: rules, ID: "sub:ana", Name: "ana", Expires: until}}, Cookie: Cookie{Lifetime: time.Hour}})
	for cookie, want := range map[string]bool{
		"gatehouse_session=one": true, "gatehouse_session=two": false, "": false, "other=one": false, "gatehouse_session=one; gatehouse_session=one": true, "gatehouse_session=two; gatehouse_session=one": true,
	} {
		s, ok := g.Session(request(t, "Cookie", cookie, "X-Api-Key", "x"))
		if ok != want || ok && (s.Name != "ana" || !s.Expires.Equal(until)) {
			t.Errorf("%q: %+v %v", cookie, s, ok)
		}
	}
	if _, ok := newGuard(t, Config{}).Session(request(t, "Cookie", "gatehouse_session=one")); ok {
		t.Error("there is a session where nobody can sign in")
	}
}
