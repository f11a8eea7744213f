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

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// another is the same browser in the hands of somebody else, who shares no
// cookie with the first, for a part of the test.
func (b *tab) another(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	next := &tab{t: t, ctx: ctx, requests: map[network.RequestID]string{}, statuses: map[network.RequestID]int{}}
	must(t, chromedp.Listen(ctx, func(event any) {
		next.heard(event)
		if dialog, opened := event.(*page.EventJavascriptDialogOpening); opened {
			t.Errorf("%s opens a dialog: %s", dialog.URL, dialog.Message)
		}
	}))
	return next.strictly().calm()
}

// cookies are those that the page would send. None may ever be logged.
func (b *tab) cookies() map[string]*network.Cookie {
	b.t.Helper()
	found, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	must(b.t, err)
	named := map[string]*network.Cookie{}
	for _, c := range found.Cookies {
		named[c.Name] = c
		if len(c.Value) >= 16 {
			hidden("a cookie "+c.Name, c.Value)
		}
	}
	return named
}

const headingText = `document.querySelector("h1")?.innerText ?? "nothing yet"`

// tellsProvider types a name into the provider's page, which does not ask for
// more.
func (b *tab) tellsProvider(name string) {
	b.t.Helper()
	b.holds(`(`+headingText+`) + document.activeElement.name`, "Who are you?name")
	b.press(name + enterKey)
}

// signsIn goes from the sign-in page that is open to the provider, and comes
// back as somebody to where the page stood.
func (b *tab) signsIn(s *site, name string) {
	b.t.Helper()
	at := b.run(`location.href`)
	b.follows("a#oidc")
	b.tellsProvider(name)
	b.arrives(at)
	b.holds(whoText, name)
	b.cookies()
}

// whoText is what the header says of who is signed in.
const whoText = `document.querySelector("header a[href$='/account']")?.innerText ?? "nobody"`

// follows clicks on what leads to another page, and waits until this one is
// left.
func (b *tab) follows(selector string) {
	b.t.Helper()
	b.holds(fmt.Sprintf(`String(document.readyState === "complete" && document.querySelector(%q) !== null)`, selector), "true")
	b.run(`window.stays = "still here"`)
	b.click(selector)
	b.holds(`window.stays ?? "left"`, "left")
}

// pageStatus is the address of the page, and the status of the answer that it is.
const pageStatus = `document.readyState + " " + performance.getEntriesByType("navigation")[0]?.responseStatus + " " + location.href`

// is waits for a page that is the answer to a request with a status.
func (b *tab) is(status int, url string) {
	b.t.Helper()
	b.holds(pageStatus, fmt.Sprintf("complete %d %s", status, url))
}

// silent fails if something on the page was forbidden or went wrong.
func (b *tab) silent() {
	b.t.Helper()
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		b.t.Errorf("%s: %s", b.run(`location.href`), complaints)
	}
}

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
	must(t, err)
	v := &visitor{t: t, jar: jar}
	v.http = &http.Client{
		Timeout:   patience,
		Jar:       jar,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Proxy: nil},
		CheckRedirect: func(next *http.Request, _ []*http.Request) error {
			if len(v.went) > 20 {
				return fmt.Errorf("it leads in circles: %q", v.went)
			}
			v.went = append(v.went, next.URL.String())
			for _, field := range []string{"state", "code", "nonce"} {
				if value := next.URL.Query().Get(field); value != "" {
					hidden("a "+field, value)
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
	answer
	at *url.URL
}

func (v *visitor) do(req *http.Request) viewed {
	v.t.Helper()
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	v.went, v.sets = []string{req.URL.String()}, nil
	resp, err := v.http.Do(req)
	must(v.t, err)
	defer resp.Body.Close()
	v.sets = append(v.sets, resp.Header.Values("Set-Cookie")...)
	text, err := io.ReadAll(resp.Body)
	must(v.t, err)
	v.hideCookies(resp.Request.URL)
	return viewed{answer{request: req.Method + " " + req.URL.String(), status: resp.StatusCode, header: resp.Header, body: string(text)}, resp.Request.URL}
}

// hideCookies: what the visitor is given is never to be logged.
func (v *visitor) hideCookies(at *url.URL) {
	for _, c := range v.jar.Cookies(at) {
		if len(c.Value) >= 16 {
			hidden("a cookie "+c.Name, c.Value)
		}
	}
}

// open opens a page, and goes wherever it leads.
func (v *visitor) open(address string) viewed {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), "GET", address, nil)
	must(v.t, err)
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
	must(v.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	return v.do(req)
}

// callback goes to the provider and back until just before the site is reached,
// and returns where the browser was to go.
func (v *visitor) callback(s *site, name string) string {
	v.t.Helper()
	v.stop = s.at("/auth/callback")
	defer func() { v.stop = "" }()
	v.signsIn(s, name, "/")
	last := v.went[len(v.went)-1]
	if !strings.HasPrefix(last, v.stop+"?") {
		v.t.Fatalf("the provider leads to %q", last)
	}
	return last
}

// signsIn signs in at the provider and comes back to an address of the site.
func (v *visitor) signsIn(s *site, name, next string) viewed {
	v.t.Helper()
	asked := v.open(s.at("/auth/login?next=" + url.QueryEscape(next)))
	if asked.status != 200 || !strings.Contains(asked.at.Path, "/interaction/") {
		v.t.Fatalf("%v at %v, want the provider's page", asked.answer, asked.at)
	}
	return v.submit(asked.at.String(), "name", name)
}

// leavesFor is the link that leads somebody on who has signed out.
var leavesFor = regexp.MustCompile(`<a id="leave"[^>]* href="([^"]+)"`)

// leaves signs out and goes on to the provider.
func (v *visitor) leaves(s *site) viewed {
	v.t.Helper()
	a := v.submit(s.at("/auth/logout"))
	link := leavesFor.FindStringSubmatch(a.body)
	if link == nil {
		v.t.Fatalf("nothing leads on in %v", a.answer)
	}
	return v.open(html.UnescapeString(link[1]))
}

// sees opens what must be answered with a status.
func (v *visitor) sees(status int, address string) viewed {
	v.t.Helper()
	a := v.open(address)
	if a.status != status {
		v.t.Fatalf("%v at %v, want %d", a.answer, a.at, status)
	}
	return a
}

// session is the visitor's session cookie at a site, "" without one.
func (v *visitor) session(s *site) string {
	for _, c := range v.jar.Cookies(mustURL(v.t, s.origin)) {
		if c.Name == s.cookie("session") {
			return c.Value
		}
	}
	return ""
}
