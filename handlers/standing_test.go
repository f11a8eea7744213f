package handlers

import (
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/auth/issuer/issuertest"
	"gatehouse/auth/jwt"
)

// banners are the lines below the head of a page.
func (v viewed) banners() []string {
	var lines []string
	for _, n := range allBelow(v.root, classed("banner")) {
		lines = append(lines, wordsOf(n))
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
			s := serve(t, below("/pg"), everything(fake), func(c setup) { test.change(&c.Guard.Claims) })
			for _, who := range [][]string{s.signedIn(), s.begun("reader", auth.Reader)} {
				v := s.view("/status", who...)
				if text := v.text(); !contains(text, test.want) {
					t.Errorf("the status says %s", text)
				}
				if warning := len(allBelow(v.root, classed("text-warn"))) > 0; warning != test.warns {
					t.Errorf("the status warns: %v", warning)
				}
				for _, path := range []string{"/status", "/", "/docs/roles"} {
					lines := s.view(path, who...).banners()
					if got := strings.Join(lines, "\n"); test.banner != strings.Contains(got, test.want) || len(lines) > 1 {
						t.Errorf("%s has the banners %q", path, lines)
					}
				}
			}
			for _, who := range [][]string{nil, s.begun("nobody", auth.NoRole)} {
				if a := s.get("/pg/", append(who, aBrowser...)...); strings.Contains(a.body, "is admin") || strings.Contains(a.body, fake.Issuer()) {
					t.Errorf("a stranger reads %v", a)
				}
			}
		})
	}
}

func TestNoIssuerNoSentence(t *testing.T) {
	s := serve(t)
	if v := s.view("/status"); strings.Contains(v.text(), "is admin") || len(v.banners()) != 1 {
		t.Errorf("%v in %s", v.banners(), v.text())
	}
}
