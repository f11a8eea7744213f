package guard

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"gatehouse/auth"
	"gatehouse/auth/credential"
)

func TestDenialsAreReportedUnlessAStrangerIsShownTheWayIn(t *testing.T) {
	reader := auth.Session{Scheme: auth.OIDC, ID: "sub:rita", Name: "rita", Role: auth.Reader, Credential: rules, Expires: time.Now().Add(time.Hour)}
	c := withUser(remembered{"rita": reader})
	c.Tokens = credential.NewTokens([]string{"right"})
	c.Trusted = auth.Prefixes{netip.MustParsePrefix("0.0.0.0/0")}
	var reported []Denial
	c.Denied = func(d Denial) { reported = append(reported, d) }
	g := newGuard(t, c)
	push, read := g.Require(auth.Push), g.RequirePage(auth.Push)
	for _, test := range []struct {
		name    string
		do      fiber.Handler
		headers []string
		want    error // nil: nothing is reported
		who     string
		scheme  auth.Scheme
	}{
		{"no credential", push, nil, nil, "", ""},
		{"a cookie that means nothing any more", read, []string{"Cookie", "gatehouse_session=x"}, nil, "", ""},
		{"a wrong token", push, []string{"X-API-Key", "wrong"}, auth.ErrBadCredential, "", auth.APIToken},
		{"a wrong password", push, []string{"Authorization", "Basic YWxpY2U6d3Jvbmc="}, auth.ErrBadCredential, "", auth.Basic},
		{"a scheme that nobody knows", push, []string{"Authorization", "Digest x"}, auth.ErrBadCredential, "", auth.Anonymous},
		{"a role that may not", read, []string{"Cookie", "gatehouse_session=rita"}, auth.ErrForbidden, "sub:rita", auth.SessionCookie},
		{"two credentials of a kind", g.Admit, []string{"X-API-Key", "a", "X-API-Key", "b"}, auth.ErrAmbiguous, "", auth.Anonymous},
	} {
		reported = nil
		r := request(t, test.headers...)
		r.Path("/metrics/job/x")
		err := test.do(r)
		if !errors.As(err, new(*auth.DeniedError)) {
			t.Fatalf("%s: %v", test.name, err)
		}
		if test.want == nil {
			if len(reported) != 0 {
				t.Errorf("%s: %+v", test.name, reported)
			}
			continue
		}
		if len(reported) != 1 {
			t.Fatalf("%s: reported %d times", test.name, len(reported))
		}
		d := reported[0]
		if !errors.Is(d.Reason, test.want) || d.Principal.ID != test.who || d.Scheme != test.scheme || d.Method != "GET" || d.Path != "/metrics/job/x" {
			t.Errorf("%s: %+v", test.name, d)
		}
	}
}

func TestOtherSitesAndAddressesAreReported(t *testing.T) {
	var reported []Denial
	denied := func(d Denial) { reported = append(reported, d) }
	g := newGuard(t, Config{Denied: denied})
	c := request(t, "Sec-Fetch-Site", "cross-site")
	c.Method("DELETE")
	if err := g.Admit(c); !errors.Is(err, auth.ErrCrossSite) {
		t.Error(err)
	}
	g = newGuard(t, Config{Denied: denied, Settings: Settings{Allowed: auth.Prefixes{netip.MustParsePrefix("10.0.0.0/8")}}})
	c = request(t)
	c.Path("/" + strings.Repeat("x", 5000))
	if err := g.Admit(c); !errors.Is(err, auth.ErrAddress) {
		t.Error(err)
	}
	if len(reported) != 2 || reported[0].Method != "DELETE" || !errors.Is(reported[0].Reason, auth.ErrCrossSite) || len(reported[1].Path) != 256 || !errors.Is(reported[1].Reason, auth.ErrAddress) {
		t.Errorf("%+v", reported)
	}
}

func TestSignInsAreCountedByHowTheyWent(t *testing.T) {
	var counted []string
	decided := func(s auth.Scheme, r Result) { counted = append(counted, string(s)+" "+string(r)) }
	c := withUser(remembered{})
	c.Decided = decided
	g := newGuard(t, c)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(g.SignIn(request(t), "alice", "right"))
	if err := g.SignIn(request(t), "alice", "wrong"); !errors.Is(err, auth.ErrBadCredential) {
		t.Error(err)
	}
	must(g.Begin(request(t), auth.NewSessionID(), auth.Session{Scheme: auth.OIDC, ID: "sub:x", Role: auth.Reader}))
	// A sign-in without a session is not one.
	c.Sessions = forgetful{remembered{}}
	if err := newGuard(t, c).SignIn(request(t), "alice", "right"); !errors.Is(err, errFull) {
		t.Error(err)
	}
	if want := []string{"basic allowed", "basic refused", "oidc allowed"}; !slices.Equal(counted, want) {
		t.Errorf("got %q, want %q", counted, want)
	}
}
