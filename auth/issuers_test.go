package auth_test

import (
	"strings"
	"testing"

	"gatehouse/auth"
)

func TestPublicIssuersAreKnown(t *testing.T) {
	for issuer, want := range map[string]auth.Publicity{
		"https://accounts.google.com":  auth.AnyAccount,
		"https://accounts.google.com/": auth.AnyAccount,
		"https://Accounts.Google.com":  auth.AnyAccount,
		"accounts.google.com":          auth.AnyAccount,

		"https://token.actions.githubusercontent.com":            auth.AnyAudience,
		"https://token.actions.githubusercontent.com/enterprise": auth.AnyAudience,
		"https://gitlab.com":         auth.AnyAudience,
		"https://GITLAB.com/":        auth.AnyAudience,
		"https://gitlab.com:443":     auth.AnyAudience,
		"https://gitlab.com.":        auth.AnyAudience,
		"https://someone@gitlab.com": auth.AnyAudience,

		"https://login.microsoftonline.com/common":                                    auth.AnyAudience,
		"https://login.microsoftonline.com/common/v2.0":                               auth.AnyAudience,
		"https://login.microsoftonline.com/Organizations/v2.0":                        auth.AnyAudience,
		"https://LOGIN.microsoftonline.com/consumers/v2.0/":                           auth.AnyAudience,
		"https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0": auth.AnyAudience,
		"https://login.microsoftonline.com/9188040D-6C67-4C5B-B112-36A304B66DAD":      auth.AnyAudience,
		"https://login.windows.net/common":                                            auth.AnyAudience,
		"https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/":               auth.AnyAudience,
		"https://sts.windows.net/common/":                                             auth.AnyAudience,

		"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0": auth.NotPublic,
		"https://sts.windows.net/11111111-2222-3333-4444-555555555555/":               auth.NotPublic,
		"https://login.microsoftonline.com/commons/v2.0":                              auth.NotPublic,
		"https://gitlab.example.com":                                                  auth.NotPublic,
		"https://gitlab.com.example.com":                                              auth.NotPublic,
		"https://example.com/gitlab.com":                                              auth.NotPublic,
		"https://keycloak.test/realms/common":                                         auth.NotPublic,
		"https://t.auth0.com/":                                                        auth.NotPublic,
		"":                                                                            auth.NotPublic,
		"https://":                                                                    auth.NotPublic,
		"https://[":                                                                   auth.NotPublic,
	} {
		if got := auth.PublicIssuer(issuer); got != want {
			t.Errorf("%q: got %d, want %d", issuer, got, want)
		}
	}
}

func FuzzPublicIssuer(f *testing.F) {
	for _, s := range []string{"https://gitlab.com", "accounts.google.com", "https://sts.windows.net/common/", "https://[::1]:1/x", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, issuer string) {
		if auth.PublicIssuer(issuer) == auth.NotPublic {
			return
		}
		if l := strings.ToLower(issuer); !strings.Contains(l, ".com") && !strings.Contains(l, ".net") && !strings.Contains(l, "%") {
			t.Errorf("%q is taken for public", issuer)
		}
	})
}
