package auth_test

import (
	"fmt"
	"testing"

	"gatehouse/auth"
)

func TestWhoIsAdminByAnIssuerIsOneSentence(t *testing.T) {
	const acme, gitlab = "https://login.acme.example", "https://gitlab.com"
	ops := map[string]auth.Role{"ops": auth.Admin, "root": auth.Admin, "dev": auth.Reader}
	many := map[string]auth.Role{}
	required := map[string]string{}
	for i := range 8 {
		many[fmt.Sprint("v", i)], required[fmt.Sprint("c", i)] = auth.Admin, "x"
	}
	for _, c := range []struct {
		rules            auth.ClaimRules
		by               auth.Entrance
		want             string
		admin, strangers bool
	}{
		{auth.ClaimRules{Issuer: acme, DefaultRole: auth.Admin}, auth.ByToken, "Everyone with a token of https://login.acme.example for the audience a or b is admin", true, false},
		{auth.ClaimRules{Issuer: acme, DefaultRole: auth.Admin}, auth.BySignIn, "Everyone who signs in at https://login.acme.example is admin", true, false},
		{auth.ClaimRules{Issuer: acme, DefaultRole: auth.Admin}, auth.ByBoth, "Everyone with a token of https://login.acme.example for the audience a or b, or who signs in there, is admin", true, false},
		{
			auth.ClaimRules{Issuer: acme, DefaultRole: auth.Admin, Required: map[string]string{"team": "x", "hd": "acme.example"}},
			auth.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin if the claim hd is acme.example and the claim team is x", true, false,
		},
		{
			auth.ClaimRules{Issuer: acme, DefaultRole: auth.Admin, RoleMap: map[string]auth.Role{"dev": auth.Reader}},
			auth.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin, unless the claim roles or groups gives another role", true, false,
		},
		{
			auth.ClaimRules{Issuer: acme, RoleMap: ops},
			auth.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin if the claim roles or groups has ops or root", false, false,
		},
		{
			auth.ClaimRules{Issuer: acme, RoleMap: ops, RoleClaim: "team", DefaultRole: auth.Reader, Required: map[string]string{"hd": "x"}},
			auth.ByBoth,
			"Everyone with a token of https://login.acme.example for the audience a or b, or who signs in there, is admin if the claim hd is x and the claim team has ops or root", false, false,
		},
		{auth.ClaimRules{Issuer: acme, RoleMap: many}, auth.BySignIn, "Everyone who signs in at https://login.acme.example is admin if the claim roles or groups has v0, v1, v2, v3, v4 or one of 3 more", false, false},
		{
			auth.ClaimRules{Issuer: acme, DefaultRole: auth.Admin, Required: required},
			auth.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin if the claim c0 is x and the claim c1 is x and the claim c2 is x and the claim c3 is x and the claim c4 is x and 3 more claims are as required", true, false,
		},
		{auth.ClaimRules{Issuer: acme, DefaultRole: auth.Reader}, auth.ByToken, "Nobody with a token of https://login.acme.example for the audience a or b is admin", false, false},
		{auth.ClaimRules{Issuer: acme, RoleMap: map[string]auth.Role{"dev": auth.Reader}}, auth.BySignIn, "Nobody who signs in at https://login.acme.example is admin", false, false},
		{auth.ClaimRules{Issuer: acme}, auth.ByBoth, "Nobody with a token of https://login.acme.example for the audience a or b, or who signs in there, is admin", false, false},

		{auth.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin}, auth.ByToken, "Anyone in the world can get a token of https://gitlab.com for the audience a or b and becomes admin", true, true},
		{auth.ClaimRules{Issuer: gitlab, DefaultRole: auth.Reader}, auth.BySignIn, "Anyone in the world can sign in at https://gitlab.com and becomes reader", false, true},
		{auth.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin}, auth.ByBoth, "Anyone in the world can get a token of https://gitlab.com for the audience a or b, or sign in there, and becomes admin", true, true},
		{
			auth.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin, Required: map[string]string{"iss": gitlab, "ref": "main"}},
			auth.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes admin", true, true,
		},
		{
			auth.ClaimRules{Issuer: gitlab, DefaultRole: auth.Pusher, RoleMap: ops},
			auth.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes pusher, unless the claim roles or groups gives another role", false, true,
		},
		{
			auth.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin, Required: map[string]string{"namespace_path": "acme", "ref": "main"}},
			auth.BySignIn,
			"Everyone who signs in at https://gitlab.com is admin if the claim namespace_path is acme and the claim ref is main", true, false,
		},
		{auth.ClaimRules{Issuer: gitlab, RoleMap: ops}, auth.BySignIn, "Everyone who signs in at https://gitlab.com is admin if the claim roles or groups has ops or root", false, false},
		{
			auth.ClaimRules{Issuer: gitlab, RoleMap: ops, RoleClaim: "aud"},
			auth.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes admin, unless the claim aud gives another role", true, true,
		},
		{
			auth.ClaimRules{Issuer: gitlab, RoleMap: map[string]auth.Role{"t1": auth.Admin, "9188040d-6c67-4c5b-b112-36a304b66dad": auth.Reader}, RoleClaim: "tid"},
			auth.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes reader, unless the claim tid gives another role", false, true,
		},
		{auth.ClaimRules{Issuer: gitlab}, auth.BySignIn, "Nobody who signs in at https://gitlab.com is admin", false, false},
	} {
		c.rules.Audiences = []string{"a", "b"}
		if got, want := c.rules.Standing(c.by), (auth.Standing{Sentence: c.want, Admin: c.admin, Strangers: c.strangers}); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}
