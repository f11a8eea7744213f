package access

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"gatehouse/app/e2e/harness"
)

// door is a server as people reach it on a host where there are others, each
// with a user of its own who has the name of the door.
type door struct {
	*harness.Site
	base string // address, without a slash at its end
	path string // of its cookies, where there is no https
	user string
}

// twoPorts are servers without an external URL: only their stores distinguish
// them.
func twoPorts(t *testing.T) []door {
	t.Helper()
	var doors []door
	for _, name := range []string{"first", "second"} {
		s := harness.NewSite(t, asUser(name)).Start(t)
		doors = append(doors, door{s, s.Origin, "/", name})
	}
	return doors
}

func asUser(name string) []string {
	return []string{"PUSHGATEWAY_AUTH_USER=" + name, "PUSHGATEWAY_AUTH_PASS=" + samePassword, "AUTH_LOCALHOST_BYPASS=false"}
}

// samePassword is that of all users here, in whose place no other is of use.
const samePassword = "the password of all servers here"

// twoPaths are servers behind one proxy.
func twoPaths(proxied func(*testing.T, *harness.Server, ...string) *harness.Server) func(t *testing.T) []door {
	return func(t *testing.T) []door {
		t.Helper()
		prefixes := []string{"", "/staging"}
		var doors []door
		for _, prefix := range prefixes {
			name := "of" + strings.ReplaceAll(prefix, "/", "-")
			doors = append(doors, door{harness.NewSite(t, asUser(name)), "", cmp.Or(prefix, "/"), name})
		}
		origin := proxied(t, doors[0].Server, "}", "location /staging/ {", "proxy_pass "+doors[1].URL+";").URL
		for i := range doors {
			doors[i].base = origin + prefixes[i]
			doors[i].Args = append(doors[i].Args, "--web.external-url="+doors[i].base)
			doors[i].Start(t)
		}
		return doors
	}
}

// enters signs in at a door and finds itself there.
func enters(b *harness.Tab, d door) {
	b.T.Helper()
	b.Open(d.base + "/account")
	b.Is(401, d.base+"/account")
	b.Run(fmt.Sprintf(`document.querySelector("input[name=name]").value = %q; document.querySelector("input[name=password]").value = %q; "typed"`, d.user, samePassword))
	b.Follows("main form button")
	b.Is(200, d.base+"/account")
	b.Holds(harness.WhoText, d.user)
	b.Cookies()
}

// isIn finds itself signed in at a door still, or not any more.
func isIn(b *harness.Tab, d door, want bool) {
	b.T.Helper()
	b.Open(d.base + "/account")
	if !want {
		b.Is(401, d.base+"/account")
		return
	}
	b.Is(200, d.base+"/account")
	b.Holds(harness.WhoText, d.user)
}

// keeps has the browser keep a cookie, as if the server behind a door had set it.
func keeps(b *harness.Tab, d door, name, value string) {
	b.T.Helper()
	path, secure := d.path, strings.HasPrefix(d.base, "https")
	if secure {
		path = "/"
	}
	_, err := chromedp.Call(b.Ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: d.base, Path: path, HTTPOnly: new(true), Secure: new(secure), SameSite: network.CookieSameSiteLax})
	harness.Must(b.T, err)
}

// forgets has the browser forget a cookie.
func forgets(b *harness.Tab, name, url string) {
	b.T.Helper()
	_, err := chromedp.Call(b.Ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: url})
	harness.Must(b.T, err)
}

func TestServersOnOneHostLeaveEachOthersPeopleSignedIn(t *testing.T) {
	t.Parallel()
	all := harness.StartBrowserFor(t, 9*harness.Patience, "ignore-certificate-errors=true")
	for name, test := range map[string]struct {
		doors         func(t *testing.T) []door
		cookie, named string // before and with a store's digits
	}{
		"two ports":           {twoPorts, "gatehouse_session", "gatehouse_session_"},
		"two paths":           {twoPaths(harness.StartNginx), "gatehouse_session", "gatehouse_session_"},
		"two paths and https": {twoPaths(harness.StartNginxTLS), "__Host-gatehouse", "__Host-gatehouse-"},
	} {
		t.Run(name, func(t *testing.T) {
			doors, b := test.doors(t), all.Another(t)
			first, second := doors[0], doors[1]
			enters(b, first)
			enters(b, second)
			isIn(b, first, true)

			// What servers of before have left there is in nobody's way.
			for _, d := range doors {
				keeps(b, d, test.cookie, "of-another-server")
			}
			isIn(b, first, true)
			isIn(b, second, true)

			// The session of a server that has been replaced by a newer version.
			own := test.named + second.CookieSuffix()
			b.Open(second.base + "/docs")
			session := b.Cookies()[own]
			if session == nil {
				t.Fatalf("no cookie %s", own)
			}
			forgets(b, own, second.base+"/")
			isIn(b, second, false)
			keeps(b, second, test.cookie, session.Value)
			isIn(b, second, true)
			isIn(b, first, true)
			b.Follows("header form button")
			isIn(b, first, false)
			isIn(b, second, true)
			b.Follows("header form button")
			isIn(b, second, false)
			if c := b.Cookies()[test.cookie]; c != nil && c.Value == session.Value {
				t.Error("the browser keeps the cookie of a session that is over")
			}
			enters(b, first)
			enters(b, second)
			b.Silent()
		})
	}
}

func TestSignInsAtTwoServersOnOneHostDoNotMeet(t *testing.T) {
	t.Parallel()
	p := harness.StartProvider(t)
	first, second := p.NewSite(t).Start(t), p.NewSite(t).Start(t)
	v := harness.NewVisitor(t)
	begun := v.Callback(first, "reader.both")
	v.Sees(200, second.At("/auth/login?next=/account")) // the provider knows who it is
	if a := v.Sees(200, begun); !strings.HasPrefix(a.At.String(), first.Origin) {
		t.Errorf("the first sign-in leads to %v", a.At)
	}
	v.Sees(200, first.At("/account"))
	v.Sees(200, second.At("/account"))
	v.Leaves(first)
	v.Sees(401, first.At("/account"))
	v.Sees(200, second.At("/account"))
}
