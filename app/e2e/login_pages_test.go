package e2e

import (
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
	tellsProvider(b, "nobody.looks")
	b.Holds(headingText, "You may not do that")
	b.IsAccessible(axe, "without a role")
	b.Follows("main a[href*='/auth/login?switch=1']")
	tellsProvider(b, "hostile.looks")
	b.Holds(harness.PageStatus, "complete 200 "+s.Origin)
	for range 3 {
		newVisitor(t).signsIn(s, "hostile.looks", "/")
	}
	b.LooksRight(s.At("/account"), axe)
}
