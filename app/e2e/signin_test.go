package e2e

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// people are the parts of one test: they share a provider, a server and a
// browser, of which each has a window of its own, for persons of its own.
var people = map[string]func(*testing.T, *site, *tab){
	"the role is shown and kept to":               theRoleIsShownAndKeptTo,
	"who has no role may change the account":      whoHasNoRoleMayChangeTheAccount,
	"the page that was asked for comes back":      thePageThatWasAskedForComesBack,
	"names are no more than text":                 namesAreNoMoreThanText,
	"groups come from wherever the provider says": groupsComeFromWhereverTheProviderSays,
	"signing out ends both sessions":              signingOutEndsBothSessions,
	"leaving the provider ends the session here":  leavingTheProviderEndsTheSessionHere,
	"all sessions are seen and ended":             allSessionsAreSeenAndEnded,
	"a login is finished once, where it began":    aLoginIsFinishedOnceWhereItBegan,
	"a login that is given up":                    aLoginThatIsGivenUp,
	"a page of another site can do nothing":       aPageOfAnotherSiteCanDoNothing,
	"the pages are accessible":                    pagesAroundTheLoginAreAccessible,
	"a client without a secret":                   aClientWithoutASecret,
}

func TestPeopleSignInAtAProvider(t *testing.T) {
	t.Parallel()
	s := startProvider(t).site(t).start(t)
	b := browserFor(t, 15*patience) // the parts wait for other tests too
	t.Run("people", func(t *testing.T) {
		for name, test := range people {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s.as(t), b.another(t))
			})
		}
	})
	// What they did is on record.
	last := b.another(t)
	last.open(s.at("/activity"))
	last.signsIn(s, "admin.looks")
	last.looksRight(s.at("/activity"), axeSource(t))
	// The width at which the table is the tightest.
	last.looks(720, "light")
	last.open(s.at("/activity"))
	if wide := last.run(`String(document.documentElement.scrollWidth)`); wide != "720" {
		t.Errorf("the activities take %s px of 720", wide)
	}
}

// grouping pushes a grouping and returns the path of its page.
func (s *site) grouping(job string) string {
	s.t.Helper()
	s.put("/metrics/job/"+job, "a 1\n", "X-API-Key", s.token)
	list := s.want(200, "GET", "/?m="+url.QueryEscape(fmt.Sprintf("job=%q", job)), "", "X-API-Key", s.token, "Accept", "text/html")
	found := regexp.MustCompile(`href="(/groupings/[^"?/]+)"`).FindStringSubmatch(list.body)
	if found == nil {
		s.t.Fatalf("no link to the grouping in %s", list.body)
	}
	return found[1]
}

// tries does a request from the page that is open, as its scripts could, and
// returns the status of the page that it leads to.
func (b *tab) tries(method, path string) string {
	b.t.Helper()
	return b.run(fmt.Sprintf(`fetch(%q, {method: %q, headers: {Accept: "text/html", "Content-Type": "application/x-www-form-urlencoded"}}).then(r => String(r.status), String)`, path, method))
}

func theRoleIsShownAndKeptTo(t *testing.T, s *site, b *tab) {
	for _, test := range []struct {
		role   string
		status map[string]string // of a request
		links  string            // those that lead to what not all may do
	}{
		{"admin", map[string]string{"GET /activity": "200", "GET /tokens": "200", "POST GROUPING/delete": "400", "POST /tokens/new": "422"}, "activity tokens delete"},
		{"pusher", map[string]string{"GET /activity": "403", "GET /tokens": "403", "POST GROUPING/delete": "400", "POST /tokens/new": "403"}, "delete"},
		{"reader", map[string]string{"GET /activity": "403", "GET /tokens": "403", "POST GROUPING/delete": "403", "POST /tokens/new": "403"}, ""},
	} {
		t.Run(test.role, func(t *testing.T) {
			b := b.another(t)
			grouping := s.grouping("of-" + test.role)
			b.open(s.at(grouping))
			b.is(401, s.at(grouping))
			b.signsIn(s, test.role+".roles")
			b.holds(whoText, test.role+".roles", test.role)
			links := b.run(`[...document.querySelectorAll("a[href$='/activity'], a[href$='/tokens'], a[href$='/delete']")].map(a => a.getAttribute("href").split("/").at(-1)).join(" ")`)
			if links != test.links {
				t.Errorf("there are links to %q, want %q", links, test.links)
			}
			for request, want := range test.status {
				method, path, _ := strings.Cut(strings.Replace(request, "GROUPING", grouping, 1), " ")
				if got := b.tries(method, path); got != want {
					t.Errorf("%s: %s, want %s", request, got, want)
				}
			}
			// A cookie is for pages: it neither pushes nor changes what others do.
			for _, method := range []string{"PUT", "POST", "DELETE"} {
				if got := b.tries(method, "/metrics/job/by-cookie"); got != "401" && got != "403" {
					t.Errorf("%s with a cookie: %s", method, got)
				}
			}
			s.want(404, "GET", "/metrics/job/by-cookie", "", "X-API-Key", s.token)
			if strings.Contains(test.links, "delete") {
				b.open(s.at(grouping + "/delete"))
				b.follows("main form .btn-danger")
				b.holds(pageStatus, "complete 200 "+s.at("/deleted/"))
				s.want(404, "GET", "/metrics/job/of-"+test.role, "", "X-API-Key", s.token)
			}
			b.silent()
		})
	}
}

func whoHasNoRoleMayChangeTheAccount(t *testing.T, s *site, b *tab) {
	b.open(s.at("/"))
	b.follows("a#oidc")
	b.tellsProvider("nobody.first")
	b.holds(headingText, "Not allowed")
	b.holds(mainText, "nobody.first")
	b.holds(pageStatus, "complete 403 "+s.origin)
	for _, c := range b.cookies() {
		if strings.Contains(c.Name, "session") {
			t.Errorf("there is a cookie %s", c.Name)
		}
	}
	b.silent()
	b.follows("main a[href*='/auth/login?switch=1']")
	b.tellsProvider("reader.second")
	b.holds(whoText, "reader.second")
	b.silent()

	// The other way out leads out of the provider too.
	b = b.another(t)
	b.open(s.at("/"))
	b.follows("a#oidc")
	b.tellsProvider("nobody.third")
	b.holds(headingText, "Not allowed")
	b.follows("main a[href^='" + s.provider.issuer + "']")
	b.leavesProvider(s)
	b.open(s.at("/"))
	b.follows("a#oidc")
	b.tellsProvider("reader.fourth")
	b.arrives(s.at("/"))
}

func thePageThatWasAskedForComesBack(t *testing.T, s *site, b *tab) {
	grouping := s.grouping("deep")
	for _, path := range []string{grouping + "?view=raw", "/activity?kind=delete&q=a%20b%2Fc", "/?q=%3Cb%3E&m=job%3D%22deep%22"} {
		b := b.another(t)
		b.open(s.at(path))
		b.is(401, s.at(path))
		b.holds(headingText, "Sign in")
		b.signsIn(s, "admin.deep")
		b.is(200, s.at(path))
	}
	// Only to where it is ours.
	v := newVisitor(t)
	for _, next := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "/%2F/evil.example", "/auth/login", "javascript:alert(1)", "/\r\nSet-Cookie: a=b"} {
		a := v.open(s.at("/auth/login?next=" + url.QueryEscape(next)))
		if strings.Contains(a.at.Path, "/interaction/") {
			a = v.submit(a.at.String(), "name", "reader.next")
		}
		if a.status != 200 || a.at.Scheme+"://"+a.at.Host != s.origin {
			t.Errorf("next=%q leads to %v: %d", next, a.at, a.status)
		}
	}
}

func groupsComeFromWhereverTheProviderSays(t *testing.T, s *site, _ *tab) {
	v := newVisitor(t)
	for _, test := range []struct{ name, want string }{
		{"asked.userinfo", "pusher"}, // they are not in the ID token
		{"many.groups", "pusher"},    // a token of 10 KB and more
	} {
		v := newVisitor(t)
		a := v.signsIn(s, test.name, "/account")
		if a.status != 200 || a.at.Path != "/account" || !strings.Contains(a.body, test.name) || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %v at %v", test.name, a.answer, a.at)
		}
		// A large token does not get in the way of leaving.
		if a = v.leaves(s); a.status != 200 || !strings.Contains(a.body, "Leave the provider?") {
			t.Errorf("%s leaves for %v: %v", test.name, a.at, a.answer)
		}
	}
	if a := v.signsIn(s, "nested.claims", "/"); a.status != 403 || v.session(s) != "" {
		t.Errorf("claims that were not asked for give %v", a.answer)
	}
}

func TestRolesComeFromTheClaimThatIsNamed(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	// Such a claim is not asked for: the provider tells it with every token.
	for claim, want := range map[string]string{"realm_access.roles": "pusher", "https://gatehouse.example/roles": "reader"} {
		s := p.site(t, "--auth.role-claim="+claim).start(t)
		a := newVisitor(t).signsIn(s, "nested.claims", "/account")
		if a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %v at %v, want %s", claim, a.answer, a.at, want)
		}
	}
}

func aClientWithoutASecret(t *testing.T, s *site, _ *tab) {
	public := newSite(t, nil, roleMap)
	public.provider = s.provider
	public.register(t, clientMetadata{}).start(t)
	v := newVisitor(t)
	if a := v.signsIn(public, "pusher.public", "/account"); a.status != 200 || !strings.Contains(a.body, "pusher.public") {
		t.Errorf("%v at %v", a.answer, a.at)
	}
	// Another client's cookie and code are nothing here: cookies don't tell ports
	// apart, and the browser sends all of them.
	if a := v.open(s.at("/account")); a.status != 401 {
		t.Errorf("the session of one server at another: %v", a.answer)
	}
}

// hostileName is how the names begin that the provider's hostile person has.
const hostileName = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{7*7}}`

func namesAreNoMoreThanText(t *testing.T, s *site, b *tab) {
	grouping := s.grouping("of-the-hostile")
	b.open(s.at(grouping))
	b.follows("a#oidc")
	b.tellsProvider("hostile.text")
	b.arrives(s.at(grouping))
	b.cookies()
	check := func(page string) {
		t.Helper()
		b.holds(`document.readyState + document.body.textContent`, "complete", hostileName[:40])
		if made := b.run(`String(document.querySelectorAll("img[src=x], body script:not([src])").length)`); made != "0" {
			t.Errorf("%s: the name has become %s elements", page, made)
		}
		// What turns the text around must not turn what comes after it.
		if loose := b.run(`[...document.querySelectorAll("body *")].filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.includes("\u202E")) && !["bdi", "title", "option"].includes(e.localName) && !e.closest("bdi") && getComputedStyle(e).unicodeBidi === "normal").map(e => e.outerHTML.slice(0, 100)).join("\n")`); loose != "" {
			t.Errorf("%s: the name turns around what follows it: %s", page, loose)
		}
		if wide := b.run(`String(document.documentElement.scrollWidth > innerWidth)`); wide != "false" {
			t.Errorf("%s: scrolls sideways", page)
		}
		b.silent()
	}
	check("the grouping")
	b.open(s.at(grouping + "/delete"))
	check("the delete")
	b.follows("main form .btn-danger")
	b.holds(pageStatus, "complete 200 "+s.at("/deleted/"))
	for _, page := range []string{"/", "/account", "/activity", "/activity?kind=sign_in", "/tokens", grouping} {
		b.open(s.at(page))
		check(page)
	}
}
