package e2e

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// door is a server as people reach it on a host where there are others, each
// with a user of its own who has the name of the door.
type door struct {
	*site
	base string // address, without a slash at its end
	path string // of its cookies, where there is no https
	user string
}

// twoPorts are servers without an external URL: nothing but their stores tells
// them apart.
func twoPorts(t *testing.T) []door {
	t.Helper()
	var doors []door
	for _, name := range []string{"first", "second"} {
		s := newSite(t, asUser(name)).start(t)
		doors = append(doors, door{s, s.origin, "/", name})
	}
	return doors
}

func asUser(name string) []string {
	return []string{"PUSHGATEWAY_AUTH_USER=" + name, "PUSHGATEWAY_AUTH_PASS=" + samePassword, "AUTH_LOCALHOST_BYPASS=false"}
}

// samePassword is that of all users here, in whose place no other is of use.
const samePassword = "the password of all servers here"

// twoPaths are servers behind one proxy.
func twoPaths(proxied func(*testing.T, *server, ...string) *server) func(t *testing.T) []door {
	return func(t *testing.T) []door {
		t.Helper()
		prefixes := []string{"", "/staging"}
		var doors []door
		for _, prefix := range prefixes {
			name := "of" + strings.ReplaceAll(prefix, "/", "-")
			doors = append(doors, door{newSite(t, asUser(name)), "", cmp.Or(prefix, "/"), name})
		}
		origin := proxied(t, doors[0].server, "}", "location /staging/ {", "proxy_pass "+doors[1].url+";").url
		for i := range doors {
			doors[i].base = origin + prefixes[i]
			doors[i].args = append(doors[i].args, "--web.external-url="+doors[i].base)
			doors[i].start(t)
		}
		return doors
	}
}

// enters signs in at a door and finds itself there.
func (b *tab) enters(d door) {
	b.t.Helper()
	b.open(d.base + "/account")
	b.is(401, d.base+"/account")
	b.run(fmt.Sprintf(`document.querySelector("input[name=name]").value = %q; document.querySelector("input[name=password]").value = %q; "typed"`, d.user, samePassword))
	b.follows("main form button")
	b.is(200, d.base+"/account")
	b.holds(whoText, d.user)
	b.cookies()
}

// isIn finds itself signed in at a door still, or not any more.
func (b *tab) isIn(d door, want bool) {
	b.t.Helper()
	b.open(d.base + "/account")
	if !want {
		b.is(401, d.base+"/account")
		return
	}
	b.is(200, d.base+"/account")
	b.holds(whoText, d.user)
}

// keeps has the browser keep a cookie, as if the server behind a door had set it.
func (b *tab) keeps(d door, name, value string) {
	b.t.Helper()
	path, secure := d.path, strings.HasPrefix(d.base, "https")
	if secure {
		path = "/"
	}
	_, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: d.base, Path: path, HTTPOnly: new(true), Secure: new(secure), SameSite: network.CookieSameSiteLax})
	must(b.t, err)
}

// forgets has the browser forget a cookie.
func (b *tab) forgets(name, url string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: url})
	must(b.t, err)
}

func TestServersOnOneHostLeaveEachOthersPeopleSignedIn(t *testing.T) {
	t.Parallel()
	all := browserFor(t, 9*patience, "ignore-certificate-errors=true")
	for name, test := range map[string]struct {
		doors         func(t *testing.T) []door
		cookie, named string // before and with a store's digits
	}{
		"two ports":           {twoPorts, "gatehouse_session", "gatehouse_session_"},
		"two paths":           {twoPaths(startNginx), "gatehouse_session", "gatehouse_session_"},
		"two paths and https": {twoPaths(startNginxTLS), "__Host-gatehouse", "__Host-gatehouse-"},
	} {
		t.Run(name, func(t *testing.T) {
			doors, b := test.doors(t), all.another(t)
			first, second := doors[0], doors[1]
			b.enters(first)
			b.enters(second)
			b.isIn(first, true)

			// What servers of before have left there is in nobody's way.
			for _, d := range doors {
				b.keeps(d, test.cookie, "of-another-server")
			}
			b.isIn(first, true)
			b.isIn(second, true)

			// The session of a server that has been replaced by a newer version.
			own := test.named + second.suffix()
			b.open(second.base + "/docs")
			session := b.cookies()[own]
			if session == nil {
				t.Fatalf("no cookie %s", own)
			}
			b.forgets(own, second.base+"/")
			b.isIn(second, false)
			b.keeps(second, test.cookie, session.Value)
			b.isIn(second, true)
			b.isIn(first, true)
			b.follows("header form button")
			b.isIn(first, false)
			b.isIn(second, true)
			b.follows("header form button")
			b.isIn(second, false)
			if c := b.cookies()[test.cookie]; c != nil && c.Value == session.Value {
				t.Error("the browser keeps the cookie of a session that is over")
			}
			b.enters(first)
			b.enters(second)
			b.silent()
		})
	}
}

func TestSignInsAtTwoServersOnOneHostDoNotMeet(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	first, second := p.site(t).start(t), p.site(t).start(t)
	v := newVisitor(t)
	begun := v.callback(first, "reader.both")
	v.sees(200, second.at("/auth/login?next=/account")) // the provider knows who it is
	if a := v.sees(200, begun); !strings.HasPrefix(a.at.String(), first.origin) {
		t.Errorf("the first sign-in leads to %v", a.at)
	}
	v.sees(200, first.at("/account"))
	v.sees(200, second.at("/account"))
	v.leaves(first)
	v.sees(401, first.at("/account"))
	v.sees(200, second.at("/account"))
}
