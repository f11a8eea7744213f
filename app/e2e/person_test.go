package e2e

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

	"gatehouse/app/e2e/harness"
)

const headingText = `document.querySelector("h1")?.innerText ?? "nothing yet"`

// tellsProvider types a name into the provider's page, which does not ask for
// more.
func tellsProvider(b *harness.Tab, name string) {
	b.T.Helper()
	b.Holds(`(`+headingText+`) + document.activeElement.name`, "Who are you?name")
	b.Press(name + harness.EnterKey)
}

// signsIn goes from the sign-in page that is open to the provider, and comes
// back as somebody to where the page stood.
func signsIn(b *harness.Tab, s *harness.Site, name string) {
	b.T.Helper()
	at := b.Run(`location.href`)
	b.Follows("a#oidc")
	tellsProvider(b, name)
	b.Arrives(at)
	b.Holds(whoText, name)
	b.Cookies()
}

// whoText is what the header says of who is signed in.
const whoText = `document.querySelector("header a[href$='/account']")?.innerText ?? "nobody"`

// visitor is somebody with a browser that runs no scripts and shows nothing,
// which is enough where a page's behaviour is not the subject.
type visitor struct {
	t    *testing.T
	jar  *cookiejar.Jar
	http *http.Client
	stop string   // the address that redirects are not followed to, or its beginning
	went []string // the addresses of the last walk, the one not followed to too
	sets []string // the cookies that were set on it, as they came
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	harness.Must(t, err)
	v := &visitor{t: t, jar: jar}
	v.http = &http.Client{
		Timeout:   harness.Patience,
		Jar:       jar,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Proxy: nil},
		CheckRedirect: func(next *http.Request, _ []*http.Request) error {
			if len(v.went) > 20 {
				return fmt.Errorf("it leads in circles: %q", v.went)
			}
			v.went = append(v.went, next.URL.String())
			for _, field := range []string{"state", "code", "nonce"} {
				if value := next.URL.Query().Get(field); value != "" {
					harness.KeepSecret("a "+field, value)
				}
			}
			if v.stop != "" && strings.HasPrefix(next.URL.String(), v.stop) {
				return http.ErrUseLastResponse
			}
			v.sets = append(v.sets, next.Response.Header.Values("Set-Cookie")...)
			return nil
		},
	}
	t.Cleanup(v.http.CloseIdleConnections)
	return v
}

// viewed is what a visitor sees, and where.
type viewed struct {
	harness.Answer
	at *url.URL
}

func (v *visitor) do(req *http.Request) viewed {
	v.t.Helper()
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	v.went, v.sets = []string{req.URL.String()}, nil
	resp, err := v.http.Do(req)
	harness.Must(v.t, err)
	defer resp.Body.Close()
	v.sets = append(v.sets, resp.Header.Values("Set-Cookie")...)
	text, err := io.ReadAll(resp.Body)
	harness.Must(v.t, err)
	v.hideCookies(resp.Request.URL)
	return viewed{harness.Answer{Request: req.Method + " " + req.URL.String(), Status: resp.StatusCode, Header: resp.Header, Body: string(text)}, resp.Request.URL}
}

// hideCookies: what the visitor is given is never to be logged.
func (v *visitor) hideCookies(at *url.URL) {
	for _, c := range v.jar.Cookies(at) {
		if len(c.Value) >= 16 {
			harness.KeepSecret("a cookie "+c.Name, c.Value)
		}
	}
}

// open opens a page, and goes wherever it leads.
func (v *visitor) open(address string) viewed {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), "GET", address, nil)
	harness.Must(v.t, err)
	return v.do(req)
}

// submit sends a form of a page of the same site.
func (v *visitor) submit(address string, fields ...string) viewed {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(v.t.Context(), "POST", address, strings.NewReader(form.Encode()))
	harness.Must(v.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	return v.do(req)
}

// callback goes to the provider and back until just before the site is reached,
// and returns where the browser was to go.
func (v *visitor) callback(s *harness.Site, name string) string {
	v.t.Helper()
	v.stop = s.At("/auth/callback")
	defer func() { v.stop = "" }()
	v.signsIn(s, name, "/")
	last := v.went[len(v.went)-1]
	if !strings.HasPrefix(last, v.stop+"?") {
		v.t.Fatalf("the provider leads to %q", last)
	}
	return last
}

// signsIn signs in at the provider and comes back to an address of the site.
func (v *visitor) signsIn(s *harness.Site, name, next string) viewed {
	v.t.Helper()
	asked := v.open(s.At("/auth/login?next=" + url.QueryEscape(next)))
	if asked.Status != 200 || !strings.Contains(asked.at.Path, "/interaction/") {
		v.t.Fatalf("%v at %v, want the provider's page", asked.Answer, asked.at)
	}
	return v.submit(asked.at.String(), "name", name)
}

// leavesFor is the link that leads somebody on who has signed out.
var leavesFor = regexp.MustCompile(`<a id="leave"[^>]* href="([^"]+)"`)

// leaves signs out and goes on to the provider.
func (v *visitor) leaves(s *harness.Site) viewed {
	v.t.Helper()
	a := v.submit(s.At("/auth/logout"))
	link := leavesFor.FindStringSubmatch(a.Body)
	if link == nil {
		v.t.Fatalf("nothing leads on in %v", a.Answer)
	}
	return v.open(html.UnescapeString(link[1]))
}

// sees opens what must be answered with a status.
func (v *visitor) sees(status int, address string) viewed {
	v.t.Helper()
	a := v.open(address)
	if a.Status != status {
		v.t.Fatalf("%v at %v, want %d", a.Answer, a.at, status)
	}
	return a
}

// session is the visitor's session cookie at a site, "" without one.
func (v *visitor) session(s *harness.Site) string {
	for _, c := range v.jar.Cookies(mustURL(v.t, s.Origin)) {
		if c.Name == s.CookieName("session") {
			return c.Value
		}
	}
	return ""
}
