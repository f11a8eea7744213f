package e2e

import (
	"testing"
)

func pagesAroundTheLoginAreAccessible(t *testing.T, s *site, b *tab) {
	axe := axeSource(t)
	for _, path := range []string{"/login", "/auth/callback?code=x&state=y"} {
		b.looksRight(s.at(path), axe)
	}
	b.open(s.at("/"))
	b.follows("a#oidc")
	b.tellsProvider("nobody.looks")
	b.holds(headingText, "Not allowed")
	b.isAccessible(axe, "without a role")
	b.follows("main a[href*='/auth/login?switch=1']")
	b.tellsProvider("hostile.looks")
	b.holds(pageStatus, "complete 200 "+s.origin)
	for range 3 {
		newVisitor(t).signsIn(s, "hostile.looks", "/")
	}
	b.looksRight(s.at("/account"), axe)
}
