package access

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func pagesAroundTheLoginAreAccessible(t *testing.T, s *harness.Site, b *harness.Tab) {
	axe := harness.AxeSource(t)
	for _, path := range []string{"/login", "/auth/callback?code=x&state=y"} {
		b.LooksRight(s.At(path), axe)
	}
	b.Open(s.At("/"))
	b.Follows("a#oidc")
	b.TellsProvider("nobody.looks")
	b.Holds(harness.HeadingText, "Not allowed")
	b.IsAccessible(axe, "without a role")
	b.Follows("main a[href*='/auth/login?switch=1']")
	b.TellsProvider("hostile.looks")
	b.Holds(harness.PageStatus, "complete 200 "+s.Origin)
	for range 3 {
		harness.NewVisitor(t).SignsIn(s, "hostile.looks", "/")
	}
	b.LooksRight(s.At("/account"), axe)
}

// people are the parts of one test: they share a provider, a server and a
// browser, of which each has a window of its own, for persons of its own.
var people = map[string]func(*testing.T, *harness.Site, *harness.Tab){
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
	s := harness.StartProvider(t).NewSite(t).Start(t)
	b := harness.StartBrowserFor(t, 15*harness.Patience) // the parts wait for other tests too
	t.Run("people", func(t *testing.T) {
		for name, test := range people {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, s.As(t), b.Another(t))
			})
		}
	})
	// Their changes are on record.
	last := b.Another(t)
	last.Open(s.At("/activity"))
	last.SignsIn(s, "admin.looks")
	last.LooksRight(s.At("/activity"), harness.AxeSource(t))
	// The width at which the table is the tightest.
	last.Looks(720, "light")
	last.Open(s.At("/activity"))
	if wide := last.Run(`String(document.documentElement.scrollWidth)`); wide != "720" {
		t.Errorf("the activities take %s px of 720", wide)
	}
}

// groupingPath pushes a grouping and returns the path of its page.
func groupingPath(s *harness.Site, job string) string {
	s.T.Helper()
	s.Put("/metrics/job/"+job, "a 1\n", "X-API-Key", s.Token)
	list := s.Want(200, "GET", "/?m="+url.QueryEscape(fmt.Sprintf("job=%q", job)), "", "X-API-Key", s.Token, "Accept", "text/html")
	found := regexp.MustCompile(`href="(/groupings/[^"?/]+)"`).FindStringSubmatch(list.Body)
	if found == nil {
		s.T.Fatalf("no link to the grouping in %s", list.Body)
	}
	return found[1]
}

// tries does a request from the page that is open, as its scripts could, and
// returns the status of the page that it leads to.
func tries(b *harness.Tab, method, path string) string {
	b.T.Helper()
	return b.Run(fmt.Sprintf(`fetch(%q, {method: %q, headers: {Accept: "text/html", "Content-Type": "application/x-www-form-urlencoded"}}).then(r => String(r.status), String)`, path, method))
}

func theRoleIsShownAndKeptTo(t *testing.T, s *harness.Site, b *harness.Tab) {
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
			b := b.Another(t)
			grouping := groupingPath(s, "of-"+test.role)
			b.Open(s.At(grouping))
			b.Is(401, s.At(grouping))
			b.SignsIn(s, test.role+".roles")
			b.Holds(harness.WhoText, test.role+".roles", test.role)
			links := b.Run(`[...document.querySelectorAll("a[href$='/activity'], a[href$='/tokens'], a[href$='/delete']")].map(a => a.getAttribute("href").split("/").at(-1)).join(" ")`)
			if links != test.links {
				t.Errorf("there are links to %q, want %q", links, test.links)
			}
			for request, want := range test.status {
				method, path, _ := strings.Cut(strings.Replace(request, "GROUPING", grouping, 1), " ")
				if got := tries(b, method, path); got != want {
					t.Errorf("%s: %s, want %s", request, got, want)
				}
			}
			// A cookie is for pages: it neither pushes nor changes what others do.
			for _, method := range []string{"PUT", "POST", "DELETE"} {
				if got := tries(b, method, "/metrics/job/by-cookie"); got != "401" && got != "403" {
					t.Errorf("%s with a cookie: %s", method, got)
				}
			}
			s.Want(404, "GET", "/metrics/job/by-cookie", "", "X-API-Key", s.Token)
			if strings.Contains(test.links, "delete") {
				b.Open(s.At(grouping + "/delete"))
				b.Follows("main form .btn-danger")
				b.Holds(harness.PageStatus, "complete 200 "+s.At("/deleted/"))
				s.Want(404, "GET", "/metrics/job/of-"+test.role, "", "X-API-Key", s.Token)
			}
			b.Silent()
		})
	}
}

func whoHasNoRoleMayChangeTheAccount(t *testing.T, s *harness.Site, b *harness.Tab) {
	b.Open(s.At("/"))
	b.Follows("a#oidc")
	b.TellsProvider("nobody.first")
	b.Holds(harness.HeadingText, "Not allowed")
	b.Holds(harness.MainText, "nobody.first")
	b.Holds(harness.PageStatus, "complete 403 "+s.Origin)
	for _, c := range b.Cookies() {
		if strings.Contains(c.Name, "session") {
			t.Errorf("there is a cookie %s", c.Name)
		}
	}
	b.Silent()
	b.Follows("main a[href*='/auth/login?switch=1']")
	b.TellsProvider("reader.second")
	b.Holds(harness.WhoText, "reader.second")
	b.Silent()

	// The other way out leads out of the provider too.
	b = b.Another(t)
	b.Open(s.At("/"))
	b.Follows("a#oidc")
	b.TellsProvider("nobody.third")
	b.Holds(harness.HeadingText, "Not allowed")
	b.Follows("main a[href^='" + s.Provider.Issuer + "']")
	leavesProvider(b, s)
	b.Open(s.At("/"))
	b.Follows("a#oidc")
	b.TellsProvider("reader.fourth")
	b.Arrives(s.At("/"))
}

func thePageThatWasAskedForComesBack(t *testing.T, s *harness.Site, b *harness.Tab) {
	grouping := groupingPath(s, "deep")
	for _, path := range []string{grouping + "?view=raw", "/activity?kind=delete&q=a%20b%2Fc", "/?q=%3Cb%3E&m=job%3D%22deep%22"} {
		b := b.Another(t)
		b.Open(s.At(path))
		b.Is(401, s.At(path))
		b.Holds(harness.HeadingText, "Sign in")
		b.SignsIn(s, "admin.deep")
		b.Is(200, s.At(path))
	}
	// Only to where it is ours.
	v := harness.NewVisitor(t)
	for _, next := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "/%2F/evil.example", "/auth/login", "javascript:alert(1)", "/\r\nSet-Cookie: a=b"} {
		a := v.Open(s.At("/auth/login?next=" + url.QueryEscape(next)))
		if strings.Contains(a.At.Path, "/interaction/") {
			a = v.Submit(a.At.String(), "name", "reader.next")
		}
		if a.Status != 200 || a.At.Scheme+"://"+a.At.Host != s.Origin {
			t.Errorf("next=%q leads to %v: %d", next, a.At, a.Status)
		}
	}
}

func groupsComeFromWhereverTheProviderSays(t *testing.T, s *harness.Site, _ *harness.Tab) {
	v := harness.NewVisitor(t)
	for _, test := range []struct{ name, want string }{
		{"asked.userinfo", "pusher"}, // they are not in the ID token
		{"many.groups", "pusher"},    // a token of 10 KB and more
	} {
		v := harness.NewVisitor(t)
		a := v.SignsIn(s, test.name, "/account")
		if a.Status != 200 || a.At.Path != "/account" || !strings.Contains(a.Body, test.name) || !strings.Contains(a.Body, test.want) {
			t.Errorf("%s: %v at %v", test.name, a.Answer, a.At)
		}
		// A large token does not get in the way of leaving.
		if a = v.Leaves(s); a.Status != 200 || !strings.Contains(a.Body, "Leave the provider?") {
			t.Errorf("%s leaves for %v: %v", test.name, a.At, a.Answer)
		}
	}
	if a := v.SignsIn(s, "nested.claims", "/"); a.Status != 403 || v.Session(s) != "" {
		t.Errorf("claims that were not asked for give %v", a.Answer)
	}
}

func TestRolesComeFromTheClaimThatIsNamed(t *testing.T) {
	t.Parallel()
	p := harness.StartProvider(t)
	// Such a claim is not asked for: the provider sends it with every token.
	for claim, want := range map[string]string{"realm_access.roles": "pusher", "https://gatehouse.example/roles": "reader"} {
		s := p.NewSite(t, "--auth.role-claim="+claim).Start(t)
		a := harness.NewVisitor(t).SignsIn(s, "nested.claims", "/account")
		if a.Status != 200 || !strings.Contains(a.Body, want) {
			t.Errorf("%s: %v at %v, want %s", claim, a.Answer, a.At, want)
		}
	}
}

func aClientWithoutASecret(t *testing.T, s *harness.Site, _ *harness.Tab) {
	public := harness.NewSite(t, nil, harness.RoleMap)
	public.Provider = s.Provider
	public.Register(t, harness.ClientMetadata{}).Start(t)
	v := harness.NewVisitor(t)
	if a := v.SignsIn(public, "pusher.public", "/account"); a.Status != 200 || !strings.Contains(a.Body, "pusher.public") {
		t.Errorf("%v at %v", a.Answer, a.At)
	}
	// Another client's cookie and code are nothing here: cookies don't
	// distinguish ports, and the browser sends all of them.
	if a := v.Open(s.At("/account")); a.Status != 401 {
		t.Errorf("the session of one server at another: %v", a.Answer)
	}
}

// hostileName is how the names begin that the provider's hostile person has.
const hostileName = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{7*7}}`

func namesAreNoMoreThanText(t *testing.T, s *harness.Site, b *harness.Tab) {
	grouping := groupingPath(s, "of-the-hostile")
	b.Open(s.At(grouping))
	b.Follows("a#oidc")
	b.TellsProvider("hostile.text")
	b.Arrives(s.At(grouping))
	b.Cookies()
	check := func(page string) {
		t.Helper()
		b.Holds(`document.readyState + document.body.textContent`, "complete", hostileName[:40])
		if made := b.Run(`String(document.querySelectorAll("img[src=x], body script:not([src])").length)`); made != "0" {
			t.Errorf("%s: the name has become %s elements", page, made)
		}
		// What turns the text around must not turn what comes after it.
		if loose := b.Run(`[...document.querySelectorAll("body *")].filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.includes("\u202E")) && !["bdi", "title", "option"].includes(e.localName) && !e.closest("bdi") && getComputedStyle(e).unicodeBidi === "normal").map(e => e.outerHTML.slice(0, 100)).join("\n")`); loose != "" {
			t.Errorf("%s: the name turns around what follows it: %s", page, loose)
		}
		if wide := b.Run(`String(document.documentElement.scrollWidth > innerWidth)`); wide != "false" {
			t.Errorf("%s: scrolls sideways", page)
		}
		b.Silent()
	}
	check("the grouping")
	b.Open(s.At(grouping + "/delete"))
	check("the delete")
	b.Follows("main form .btn-danger")
	b.Holds(harness.PageStatus, "complete 200 "+s.At("/deleted/"))
	for _, page := range []string{"/", "/account", "/activity", "/activity?kind=sign_in", "/tokens", grouping} {
		b.Open(s.At(page))
		check(page)
	}
}
