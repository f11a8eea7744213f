package issuer

import (
	"net/url"
	"strings"
	"testing"
)

func TestADiscoveryDocument(t *testing.T) {
	const own = "https://a.example"
	for _, c := range []struct {
		sentence, issuer, raw string
		want, refusal         string
	}{
		{"names the keys", own, `{"issuer":"https://a.example","jwks_uri":"https://a.example/k"}`, "https://a.example/k", ""},
		{"may name another host", own, `{"issuer":"https://a.example","jwks_uri":"https://keys.example/k?v=1"}`, "https://keys.example/k?v=1", ""},
		{"may go up to https", "http://a.example", `{"issuer":"http://a.example","jwks_uri":"https://a.example/k"}`, "https://a.example/k", ""},
		{"may stay with http", "http://a.example", `{"issuer":"http://a.example","jwks_uri":"http://a.example/k"}`, "http://a.example/k", ""},
		{"may spell https in capitals", "HTTPS://a.example", `{"issuer":"HTTPS://a.example","jwks_uri":"Https://a.example/k"}`, "Https://a.example/k", ""},

		{"may not go down to http", own, `{"issuer":"https://a.example","jwks_uri":"http://a.example/k"}`, "", "not https"},
		{"nor from capitals", "HTTPS://a.example", `{"issuer":"HTTPS://a.example","jwks_uri":"http://a.example/k"}`, "", "not https"},
		{"must be of the issuer", own, `{"issuer":"https://b.example","jwks_uri":"https://a.example/k"}`, "", `"https://b.example" is not`},
		{"must be of exactly the issuer", own, `{"issuer":"https://A.example","jwks_uri":"https://a.example/k"}`, "", "is not"},
		{"must have an issuer", own, `{"jwks_uri":"https://a.example/k"}`, "", "no issuer"},
		{"may not add a slash", own, `{"issuer":"https://a.example/","jwks_uri":"https://a.example/k"}`, "", "slash at the end only"},
		{"may not lack a slash", own + "/", `{"issuer":"https://a.example","jwks_uri":"https://a.example/k"}`, "", "slash at the end only"},
		{"must name keys", own, `{"issuer":"https://a.example"}`, "", "jwks_uri is not an absolute"},
		{"must give a whole address", own, `{"issuer":"https://a.example","jwks_uri":"/k"}`, "", "jwks_uri is not an absolute"},
		{"even with a host", own, `{"issuer":"https://a.example","jwks_uri":"//a.example/k"}`, "", "jwks_uri is not an absolute"},
		{"must give a host", own, `{"issuer":"https://a.example","jwks_uri":"https:///k"}`, "", "jwks_uri is not an absolute"},
		{"may not name a file", own, `{"issuer":"https://a.example","jwks_uri":"file:///etc/passwd"}`, "", "jwks_uri is not an absolute"},
		{"must be an object", own, `[]`, "", "not a discovery document"},
		{"must be JSON", own, `<html>`, "", "not a discovery document"},
		{"must have strings", own, `{"issuer":["https://a.example"]}`, "", "not a discovery document"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got, err := discover([]byte(c.raw), c.issuer)
			if got != c.want || (err == nil) != (c.refusal == "") || err != nil && !strings.Contains(err.Error(), c.refusal) {
				t.Errorf("got %q, %v; want %q, %q", got, err, c.want, c.refusal)
			}
		})
	}
}

func TestAnAddressIsShownWithoutSecrets(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example":                       "https://a.example",
		"https://u:p@a.example:8443/k%2F?key=s#s": "https://a.example:8443/k%2F",
		"u:p@a.example":                           "(no URL)",
		"https://u:p@a.example/%zz":               "(no URL)",
		"":                                        "(no URL)",
	} {
		if got := shown(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}

func FuzzDiscover(f *testing.F) {
	for _, raw := range []string{
		`{"issuer":"https://a.example","jwks_uri":"https://a.example/k"}`,
		`{"issuer":"https://a.example","jwks_uri":"http://a.example/k"}`,
		`{"issuer":"https://a.example/","jwks_uri":"//x"}`,
		`{"issuer":null}`, `[]`, ``, `<html>`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := discover(raw, "https://a.example")
		if err != nil {
			return
		}
		if u, err := url.Parse(got); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("got %q", got)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	for _, raw := range []string{
		`{"issuer":"https://a.example","authorization_endpoint":"https://a.example/a","token_endpoint":"https://a.example/t"}`,
		`{"issuer":"https://a.example","authorization_endpoint":"http://a.example/a","token_endpoint":"//a.example"}`,
		`{"issuer":"https://a.example","scopes_supported":{}}`,
		`{"issuer":null}`, `[]`, ``, `<html>`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseMetadata(raw, "https://a.example")
		if err != nil {
			return
		}
		for _, address := range []string{m.AuthorizationEndpoint, m.TokenEndpoint, m.UserinfoEndpoint, m.EndSessionEndpoint} {
			if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
				t.Errorf("got %q", address)
			}
		}
		if m.AuthorizationEndpoint == "" || m.TokenEndpoint == "" {
			t.Errorf("got %+v", m)
		}
	})
}
