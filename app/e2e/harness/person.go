package harness

import (
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// HeadingText is the heading of a page, also while it comes.
const HeadingText = `document.querySelector("h1")?.innerText ?? "nothing yet"`

// TellsProvider types a name into the provider's page, which does not ask for
// more.
func (b *Tab) TellsProvider(name string) {
	b.T.Helper()
	b.Holds(`(`+HeadingText+`) + document.activeElement.name`, "Who are you?name")
	b.Press(name + EnterKey)
}

// SignsIn goes from the sign-in page that is open to the provider, and comes
// back as somebody to where the page stood.
func (b *Tab) SignsIn(s *Site, name string) {
	b.T.Helper()
	at := b.Run(`location.href`)
	b.Follows("a#oidc")
	b.TellsProvider(name)
	b.Arrives(at)
	b.Holds(WhoText, name)
	b.Cookies()
}

// WhoText is the name of the signed-in user in the header.
const WhoText = `document.querySelector("header a[href$='/account']")?.innerText ?? "nobody"`

// Visitor is somebody with a browser that runs no scripts and shows nothing,
// which is enough where a page's behaviour is not the subject.
type Visitor struct {
	t    *testing.T
	Jar  *cookiejar.Jar
	http *http.Client
	Stop string   // the address that redirects are not followed to, or its beginning
	went []string // the addresses of the last walk, the one not followed to too
	Sets []string // the cookies that were set on it, as they came
}

// NewVisitor makes a visitor without a cookie.
func NewVisitor(t *testing.T) *Visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	Must(t, err)
	v := &Visitor{t: t, Jar: jar}
	v.http = &http.Client{
		Timeout:   Patience,
		Jar:       jar,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Proxy: nil},
		CheckRedirect: func(next *http.Request, _ []*http.Request) error {
			if len(v.went) > 20 {
				return fmt.Errorf("it leads in circles: %q", v.went)
			}
			v.went = append(v.went, next.URL.String())
			for _, field := range []string{"state", "code", "nonce"} {
				if value := next.URL.Query().Get(field); value != "" {
					KeepSecret("a "+field, value)
				}
			}
			if v.Stop != "" && strings.HasPrefix(next.URL.String(), v.Stop) {
				return http.ErrUseLastResponse
			}
			v.Sets = append(v.Sets, next.Response.Header.Values("Set-Cookie")...)
			return nil
		},
	}
	t.Cleanup(v.http.CloseIdleConnections)
	return v
}

// Viewed is what a visitor sees, and where.
type Viewed struct {
	Answer
	At *url.URL
}

// Problem fails unless a page says that a login has failed, and of nothing else.
func (a Viewed) Problem(t *testing.T, what string, statuses ...int) {
	t.Helper()
	ok := false
	for _, status := range statuses {
		ok = ok || a.Status == status
	}
	if !ok || !strings.Contains(a.Body, "<h1") || !strings.Contains(a.Body, "Try again") {
		t.Errorf("%s: %v, want a page with status %v", what, a.Answer, statuses)
	}
	if a.Header.Get("Cache-Control") != "no-store" || strings.Contains(a.At.RawQuery, "state=") || strings.Contains(a.At.RawQuery, "code=") {
		t.Errorf("%s: Cache-Control: %s at %s", what, a.Header.Get("Cache-Control"), a.At)
	}
}

func (v *Visitor) do(req *http.Request) Viewed {
	v.t.Helper()
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	v.went, v.Sets = []string{req.URL.String()}, nil
	resp, err := v.http.Do(req)
	Must(v.t, err)
	defer resp.Body.Close()
	v.Sets = append(v.Sets, resp.Header.Values("Set-Cookie")...)
	text, err := io.ReadAll(resp.Body)
	Must(v.t, err)
	v.hideCookies(resp.Request.URL)
	return Viewed{Answer{Request: req.Method + " " + req.URL.String(), Status: resp.StatusCode, Header: resp.Header, Body: string(text)}, resp.Request.URL}
}

// hideCookies keeps what the visitor is given out of all logs.
func (v *Visitor) hideCookies(at *url.URL) {
	for _, c := range v.Jar.Cookies(at) {
		if len(c.Value) >= 16 {
			KeepSecret("a cookie "+c.Name, c.Value)
		}
	}
}

// Open opens a page, and goes wherever it leads.
func (v *Visitor) Open(address string) Viewed {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), "GET", address, nil)
	Must(v.t, err)
	return v.do(req)
}

// Submit sends a form of a page of the same site.
func (v *Visitor) Submit(address string, fields ...string) Viewed {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(v.t.Context(), "POST", address, strings.NewReader(form.Encode()))
	Must(v.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	return v.do(req)
}

// Callback goes to the provider and back until just before the site is reached,
// and returns where the browser was to go.
func (v *Visitor) Callback(s *Site, name string) string {
	v.t.Helper()
	v.Stop = s.At("/auth/callback")
	defer func() { v.Stop = "" }()
	v.SignsIn(s, name, "/")
	last := v.went[len(v.went)-1]
	if !strings.HasPrefix(last, v.Stop+"?") {
		v.t.Fatalf("the provider leads to %q", last)
	}
	return last
}

// SignsIn signs in at the provider and comes back to an address of the site.
func (v *Visitor) SignsIn(s *Site, name, next string) Viewed {
	v.t.Helper()
	asked := v.Open(s.At("/auth/login?next=" + url.QueryEscape(next)))
	if asked.Status != 200 || !strings.Contains(asked.At.Path, "/interaction/") {
		v.t.Fatalf("%v at %v, want the provider's page", asked.Answer, asked.At)
	}
	return v.Submit(asked.At.String(), "name", name)
}

// SetCookies returns the cookies that were set with a name.
func (v *Visitor) SetCookies(name string) (found []string) {
	for _, c := range v.Sets {
		if strings.HasPrefix(c, name+"=") {
			found = append(found, c)
		}
	}
	return found
}

// LeavesFor is the link that leads a user on after signing out.
var LeavesFor = regexp.MustCompile(`<a id="leave"[^>]* href="([^"]+)"`)

// Leaves signs out and goes on to the provider.
func (v *Visitor) Leaves(s *Site) Viewed {
	v.t.Helper()
	a := v.Submit(s.At("/auth/logout"))
	link := LeavesFor.FindStringSubmatch(a.Body)
	if link == nil {
		v.t.Fatalf("nothing leads on in %v", a.Answer)
	}
	return v.Open(html.UnescapeString(link[1]))
}

// Sees opens what must be answered with a status.
func (v *Visitor) Sees(status int, address string) Viewed {
	v.t.Helper()
	a := v.Open(address)
	if a.Status != status {
		v.t.Fatalf("%v at %v, want %d", a.Answer, a.At, status)
	}
	return a
}

// Session returns the visitor's session cookie at a site, "" without one.
func (v *Visitor) Session(s *Site) string {
	for _, c := range v.Jar.Cookies(MustURL(v.t, s.Origin)) {
		if c.Name == s.CookieName("session") {
			return c.Value
		}
	}
	return ""
}

// MustURL parses an address.
func MustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	Must(t, err)
	return u
}
