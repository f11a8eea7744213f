package jwt_test

import (
	"fmt"
	"testing"

	"gatehouse/auth"
	"gatehouse/auth/jwt"
)

func TestTheAdminsByAnIssuerAreOneSentence(t *testing.T) {
	const acme, gitlab = "https://login.acme.example", "https://gitlab.com"
	ops := map[string]auth.Role{"ops": auth.Admin, "root": auth.Admin, "dev": auth.Reader}
	many := map[string]auth.Role{}
	required := map[string]string{}
	for i := range 8 {
		many[fmt.Sprint("v", i)], required[fmt.Sprint("c", i)] = auth.Admin, "x"
	}
	for _, c := range []struct {
		rules            jwt.ClaimRules
		by               jwt.Entrance
		want             string
		admin, strangers bool
	}{
		{jwt.ClaimRules{Issuer: acme, DefaultRole: auth.Admin}, jwt.ByToken, "Everyone with a token of https://login.acme.example for the audience a or b is admin", true, false},
		{jwt.ClaimRules{Issuer: acme, DefaultRole: auth.Admin}, jwt.BySignIn, "Everyone who signs in at https://login.acme.example is admin", true, false},
		{jwt.ClaimRules{Issuer: acme, DefaultRole: auth.Admin}, jwt.ByBoth, "Everyone with a token of https://login.acme.example for the audience a or b, or who signs in there, is admin", true, false},
		{
			jwt.ClaimRules{Issuer: acme, DefaultRole: auth.Admin, Required: map[string]string{"team": "x", "hd": "acme.example"}},
			jwt.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin if the claim hd is acme.example and the claim team is x", true, false,
		},
		{
			jwt.ClaimRules{Issuer: acme, DefaultRole: auth.Admin, RoleMap: map[string]auth.Role{"dev": auth.Reader}},
			jwt.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin, unless the claim roles or groups gives another role", true, false,
		},
		{
			jwt.ClaimRules{Issuer: acme, RoleMap: ops},
			jwt.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin if the claim roles or groups has ops or root", false, false,
		},
		{
			jwt.ClaimRules{Issuer: acme, RoleMap: ops, RoleClaim: "team", DefaultRole: auth.Reader, Required: map[string]string{"hd": "x"}},
			jwt.ByBoth,
			"Everyone with a token of https://login.acme.example for the audience a or b, or who signs in there, is admin if the claim hd is x and the claim team has ops or root", false, false,
		},
		{jwt.ClaimRules{Issuer: acme, RoleMap: many}, jwt.BySignIn, "Everyone who signs in at https://login.acme.example is admin if the claim roles or groups has v0, v1, v2, v3, v4 or one of 3 more", false, false},
		{
			jwt.ClaimRules{Issuer: acme, DefaultRole: auth.Admin, Required: required},
			jwt.BySignIn,
			"Everyone who signs in at https://login.acme.example is admin if the claim c0 is x and the claim c1 is x and the claim c2 is x and the claim c3 is x and the claim c4 is x and 3 more claims are as required", true, false,
		},
		{jwt.ClaimRules{Issuer: acme, DefaultRole: auth.Reader}, jwt.ByToken, "Nobody with a token of https://login.acme.example for the audience a or b is admin", false, false},
		{jwt.ClaimRules{Issuer: acme, RoleMap: map[string]auth.Role{"dev": auth.Reader}}, jwt.BySignIn, "Nobody who signs in at https://login.acme.example is admin", false, false},
		{jwt.ClaimRules{Issuer: acme}, jwt.ByBoth, "Nobody with a token of https://login.acme.example for the audience a or b, or who signs in there, is admin", false, false},

		{jwt.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin}, jwt.ByToken, "Anyone in the world can get a token of https://gitlab.com for the audience a or b and becomes admin", true, true},
		{jwt.ClaimRules{Issuer: gitlab, DefaultRole: auth.Reader}, jwt.BySignIn, "Anyone in the world can sign in at https://gitlab.com and becomes reader", false, true},
		{jwt.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin}, jwt.ByBoth, "Anyone in the world can get a token of https://gitlab.com for the audience a or b, or sign in there, and becomes admin", true, true},
		{
			jwt.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin, Required: map[string]string{"iss": gitlab, "ref": "main"}},
			jwt.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes admin", true, true,
		},
		{
			jwt.ClaimRules{Issuer: gitlab, DefaultRole: auth.Pusher, RoleMap: ops},
			jwt.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes pusher, unless the claim roles or groups gives another role", false, true,
		},
		{
			jwt.ClaimRules{Issuer: gitlab, DefaultRole: auth.Admin, Required: map[string]string{"namespace_path": "acme", "ref": "main"}},
			jwt.BySignIn,
			"Everyone who signs in at https://gitlab.com is admin if the claim namespace_path is acme and the claim ref is main", true, false,
		},
		{jwt.ClaimRules{Issuer: gitlab, RoleMap: ops}, jwt.BySignIn, "Everyone who signs in at https://gitlab.com is admin if the claim roles or groups has ops or root", false, false},
		{
			jwt.ClaimRules{Issuer: gitlab, RoleMap: ops, RoleClaim: "aud"},
			jwt.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes admin, unless the claim aud gives another role", true, true,
		},
		{
			jwt.ClaimRules{Issuer: gitlab, RoleMap: map[string]auth.Role{"t1": auth.Admin, "9188040d-6c67-4c5b-b112-36a304b66dad": auth.Reader}, RoleClaim: "tid"},
			jwt.BySignIn,
			"Anyone in the world can sign in at https://gitlab.com and becomes reader, unless the claim tid gives another role", false, true,
		},
		{jwt.ClaimRules{Issuer: gitlab}, jwt.BySignIn, "Nobody who signs in at https://gitlab.com is admin", false, false},
	} {
		c.rules.Audiences = []string{"a", "b"}
		if got, want := c.rules.Standing(c.by), (jwt.Standing{Sentence: c.want, Admin: c.admin, Strangers: c.strangers}); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}
