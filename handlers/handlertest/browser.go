package handlertest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"gatehouse/auth"
	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/jwt"
	"gatehouse/auth/login"
	"gatehouse/auth/login/logintest"
)

// PublicAddress is the external URL of servers with a provider.
const PublicAddress = "http://gate.example.org"

// roles maps the groups of people in tests.
var roles = map[string]auth.Role{"readers": auth.Reader, "pushers": auth.Pusher, "admins": auth.Admin}

// WithProvider lets people sign in at a provider, which issues JWTs too.
func WithProvider(p *logintest.Provider) func(Setup) {
	return func(c Setup) {
		if c.ExternalURL == nil {
			ExternalURL(PublicAddress + c.RoutePrefix)(c)
		}
		keys := issuer.New(issuer.Options{Issuer: p.Issuer(), MinGap: time.Millisecond, Logger: c.Logger})
		rules := func(audience string) jwt.ClaimRules {
			return jwt.ClaimRules{Issuer: p.Issuer(), Audiences: []string{audience}, RoleMap: roles}
		}
		c.Guard.Issuer, c.Guard.Claims, c.Guard.Login = keys, rules(issuertest.Audience), rules(logintest.ClientID)
		c.Guard.Provider = login.New(login.Options{
			Issuer: p.Issuer(), ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, Rules: c.Guard.Login, Keys: keys,
			RedirectURL: c.ExternalURL.Scheme + "://" + c.ExternalURL.Host + c.RoutePrefix + "/auth/callback", Logger: c.Logger,
			Secret: func(context.Context) ([]byte, error) { return bytes.Repeat([]byte("s"), 32), nil },
		})
	}
}

// Member returns the claims of a person in groups.
func Member(sub string, groups ...string) map[string]any {
	return map[string]any{"sub": sub, "preferred_username": sub, "groups": groups, "sid": "sid-of-" + sub}
}

// Browser is a browser with its cookies.
type Browser struct {
	Server  *Server
	Cookies map[string]string
}

// Browser returns a browser without cookies.
func (s *Server) Browser() *Browser { return &Browser{Server: s, Cookies: map[string]string{}} }

// Ask sends a request with the cookies and keeps those of the answer.
func (b *Browser) Ask(method, target, body string, headers ...string) Answer {
	b.Server.T.Helper()
	var cookies []string
	for name, value := range b.Cookies {
		cookies = append(cookies, name+"="+value)
	}
	if len(cookies) > 0 {
		headers = append(headers, "Cookie", strings.Join(cookies, "; "))
	}
	a := b.Server.Do(method, target, body, headers...)
	for _, k := range (&http.Response{Header: a.Header}).Cookies() {
		if b.Cookies[k.Name] = k.Value; k.Value == "" {
			delete(b.Cookies, k.Name)
		}
	}
	return a
}

// Get opens a page.
func (b *Browser) Get(target string) Answer {
	b.Server.T.Helper()
	return b.Ask("GET", target, "", BrowserHeaders...)
}

// Post sends a form of the server's own pages.
func (b *Browser) Post(target, form string) Answer {
	b.Server.T.Helper()
	return b.Ask("POST", target, form, FormHeaders...)
}

// Follow returns where a redirect leads, which must be on the server.
func (b *Browser) Follow(a Answer) string {
	b.Server.T.Helper()
	target := a.Header.Get("Location")
	if a.Status != 303 || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		b.Server.T.Fatalf("leads to %q: %v", target, a)
	}
	return target
}

// Callback goes to the provider, as a link says, and returns where that sends the
// browser back to.
func (b *Browser) Callback(p *logintest.Provider, link string, person map[string]any) string {
	b.Server.T.Helper()
	a := b.Get(link)
	if a.Status != 303 || a.Header.Get("Cache-Control") != "no-store" {
		b.Server.T.Fatalf("%v %v", a, a.Header)
	}
	back, err := p.SignIn(a.Header.Get("Location"), person)
	Must(b.Server.T, err)
	return back.RequestURI()
}

// SignIn signs in a person with a role.
func (b *Browser) SignIn(p *logintest.Provider, person map[string]any) *Browser {
	b.Server.T.Helper()
	a := b.Get(b.Callback(p, b.Server.Prefix+"/auth/login", person))
	if b.Follow(a); b.Session() == "" {
		b.Server.T.Fatalf("no session: %v %v", a, a.Header)
	}
	return b
}

// Session returns the value of the session's cookie.
func (b *Browser) Session() string {
	return b.Cookies["gatehouse_session"] + b.Cookies["__Host-gatehouse"]
}

// Role returns the role that the account page shows, or the status of its answer.
func (b *Browser) Role() string {
	a := b.Get(b.Server.Prefix + "/account")
	if a.Status != 200 {
		return fmt.Sprint(a.Status)
	}
	return ParsePage(b.Server.T, a).Facts()["Role"]
}

// ParsePage parses an answer as a page.
func ParsePage(t testing.TB, a Answer) View {
	t.Helper()
	root, err := html.Parse(strings.NewReader(a.Body))
	Must(t, err)
	return View{a, root}
}

// FindOne returns the only element of a page that matches.
func FindOne(t testing.TB, a Answer, like func(*html.Node) bool) *html.Node {
	t.Helper()
	found := FindAll(ParsePage(t, a).Root, like)
	if len(found) != 1 {
		t.Fatalf("%d elements: %v\n%s", len(found), a, a.Body)
	}
	return found[0]
}

// HasID matches the element with an id.
func HasID(id string) func(*html.Node) bool {
	return func(n *html.Node) bool { return Attribute(n, "id") == id }
}
