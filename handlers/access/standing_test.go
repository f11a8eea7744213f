package access_test

import (
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/jwt"
	"gatehouse/handlers/handlertest"
)

// bannersOf are the lines below the head of a page.
func bannersOf(v handlertest.View) []string {
	var lines []string
	for _, n := range handlertest.FindAll(v.Root, handlertest.HasClass("banner")) {
		lines = append(lines, handlertest.WordsOf(n))
	}
	return lines
}

func TestPagesSayWhoIsAdminByAnIssuer(t *testing.T) {
	fake := issuertest.New(t)
	const gitlab = "https://gitlab.com"
	for _, test := range []struct {
		name   string
		change func(*jwt.ClaimRules)
		want   string // "" for none; in the status
		banner bool
		warns  bool
	}{
		{"everyone", func(r *jwt.ClaimRules) { r.RoleMap, r.DefaultRole = nil, auth.Admin }, "Everyone with a token of " + fake.Issuer() + " for the audience gatehouse or other-audience is admin.", true, false},
		{
			"everyone with a claim", func(r *jwt.ClaimRules) {
				r.RoleMap, r.DefaultRole, r.Required = nil, auth.Admin, map[string]string{"<b>": "x"}
			}, "is admin if the claim <b> is x.", true, false,
		},
		{"some", func(*jwt.ClaimRules) {}, "is admin if the claim roles or groups has admins.", false, false},
		{"nobody", func(r *jwt.ClaimRules) { r.RoleMap = nil }, "Nobody with a token of ", false, false},
		{"strangers", func(r *jwt.ClaimRules) { r.Issuer, r.RoleMap, r.DefaultRole = gitlab, nil, auth.Admin }, "Anyone in the world can get a token of https://gitlab.com for the audience gatehouse or other-audience and becomes admin.", true, true},
		{"strangers who are less", func(r *jwt.ClaimRules) { r.Issuer, r.RoleMap, r.DefaultRole = gitlab, nil, auth.Pusher }, "Anyone in the world can get a token of https://gitlab.com for the audience gatehouse or other-audience and becomes pusher.", false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := handlertest.Start(t, handlertest.Below("/pg"), handlertest.EveryCredential(fake), func(c handlertest.Setup) { test.change(&c.Guard.Claims) })
			for _, who := range [][]string{s.SignIn(), s.StartSession("reader", auth.Reader)} {
				v := s.Open("/status", who...)
				if text := v.Text(); !handlertest.Contains(text, test.want) {
					t.Errorf("the status says %s", text)
				}
				if warning := len(handlertest.FindAll(v.Root, handlertest.HasClass("text-warn"))) > 0; warning != test.warns {
					t.Errorf("the status warns: %v", warning)
				}
				for _, path := range []string{"/status", "/", "/docs/roles"} {
					lines := bannersOf(s.Open(path, who...))
					if got := strings.Join(lines, "\n"); test.banner != strings.Contains(got, test.want) || len(lines) > 1 {
						t.Errorf("%s has the banners %q", path, lines)
					}
				}
			}
			for _, who := range [][]string{nil, s.StartSession("nobody", auth.NoRole)} {
				if a := s.Get("/pg/", append(who, handlertest.BrowserHeaders...)...); strings.Contains(a.Body, "is admin") || strings.Contains(a.Body, fake.Issuer()) {
					t.Errorf("a stranger reads %v", a)
				}
			}
		})
	}
}

func TestNoIssuerNoSentence(t *testing.T) {
	s := handlertest.Start(t)
	if v := s.Open("/status"); strings.Contains(v.Text(), "is admin") || len(bannersOf(v)) != 1 {
		t.Errorf("%v in %s", bannersOf(v), v.Text())
	}
}
