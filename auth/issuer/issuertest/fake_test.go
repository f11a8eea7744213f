package issuertest_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatehouse/auth/issuer/issuertest"
)

// read returns the status and the body at an address.
func read(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// part decodes a segment of a token.
func part(t *testing.T, token string, n int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
	m := map[string]any{}
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestATokenHasTheClaimsOfItsOptions(t *testing.T) {
	f := issuertest.New(t)
	plain := f.Token(nil)
	claims, header := part(t, plain, 1), part(t, plain, 0)
	if claims["iss"] != f.Issuer() || claims["aud"] != issuertest.Audience || claims["sub"] != issuertest.Subject ||
		claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
		t.Errorf("got claims %v", claims)
	}
	if header["alg"] != "RS256" || header["typ"] != "JWT" || header["kid"] != f.Kid("RS256") {
		t.Errorf("got header %v", header)
	}

	changed := f.Token(map[string]any{"aud": []string{"a", "b"}, "exp": issuertest.Drop, "groups": []any{}},
		issuertest.WithKid(7), issuertest.WithHeader("crit", []string{"x"}), issuertest.WithHeader("typ", issuertest.Drop))
	claims, header = part(t, changed, 1), part(t, changed, 0)
	if _, ok := claims["exp"]; ok || len(claims["aud"].([]any)) != 2 || claims["groups"] == nil {
		t.Errorf("got claims %v", claims)
	}
	if _, ok := header["typ"]; ok || header["kid"] != 7.0 || header["crit"] == nil {
		t.Errorf("got header %v", header)
	}
	if _, ok := part(t, f.Token(nil, issuertest.WithoutKid()), 0)["kid"]; ok {
		t.Error("there is a kid")
	}
	raw := f.Token(nil, issuertest.WithRawHeader(`{"alg":"none"}`), issuertest.WithPayload(`{}`))
	if len(part(t, raw, 0)) != 1 || len(part(t, raw, 1)) != 0 {
		t.Errorf("got %s", raw)
	}
}

func TestATokenIsSignedWithTheKeyAskedFor(t *testing.T) {
	f := issuertest.New(t)
	foreign := f.Foreign()
	for _, c := range []struct {
		alg     string
		options []issuertest.Option
		key     any // that verifies
	}{
		{"RS256", nil, f.Key("RS256").Public()},
		{"PS512", nil, f.Key("RS256").Public()},
		{"ES256", nil, f.Key("ES256").Public()},
		{"ES512", nil, f.Key("ES512").Public()},
		{"EdDSA", nil, f.Key("EdDSA").Public()},
		{"RS256", []issuertest.Option{issuertest.WithKey(foreign)}, foreign.Public()},
		{"RS256", []issuertest.Option{issuertest.WithKey(f.Weak())}, f.Weak().Public()},
		{"HS256", nil, f.PublicPEM()},
		{"HS256", []issuertest.Option{issuertest.WithKey(f.Modulus())}, f.Modulus()},
		{"HS384", []issuertest.Option{issuertest.WithKey(f.Secret())}, f.Secret()},
		{"none", nil, jwt.UnsafeAllowNoneSignatureType},
	} {
		token := f.Token(nil, append(c.options, issuertest.WithAlg(c.alg))...)
		_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return c.key, nil }, jwt.WithValidMethods([]string{c.alg}))
		if err != nil {
			t.Errorf("%s: %v", c.alg, err)
		}
		other := f.Foreign().Public()
		if _, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return other, nil }); err == nil {
			t.Errorf("%s: another key verifies it", c.alg)
		}
	}
}

func TestEachModeAnswersAsItSays(t *testing.T) {
	f := issuertest.New(t)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	discovery := f.Issuer() + "/.well-known/openid-configuration"
	kid := f.Kid("RS256")
	for _, c := range []struct {
		set    func(issuertest.Mode)
		url    string
		mode   issuertest.Mode
		status int
		part   string
		keys   int // -1: no key set
	}{
		{f.SetJWKS, f.JWKSURI(), issuertest.OK, 200, `"kid":"` + kid + `"`, 5},
		{f.SetJWKS, f.JWKSURI(), issuertest.Single, 200, kid, 1},
		{f.SetJWKS, f.JWKSURI(), issuertest.NoKid, 200, `"kty":"RSA"`, 1},
		{f.SetJWKS, f.JWKSURI(), issuertest.RS256, 200, `"alg":"RS256"`, 1},
		{f.SetJWKS, f.JWKSURI(), issuertest.WeakRSA, 200, kid, 1},
		{f.SetJWKS, f.JWKSURI(), issuertest.Oct, 200, `"kty":"oct"`, 1},
		{f.SetJWKS, f.JWKSURI(), issuertest.EncUse, 200, `"use":"enc"`, 5},
		{f.SetJWKS, f.JWKSURI(), issuertest.Private, 200, `"d":"`, 1},
		{f.SetJWKS, f.JWKSURI(), issuertest.Empty, 200, `{"keys":[]}`, 0},
		{f.SetJWKS, f.JWKSURI(), issuertest.Huge, 200, kid, 5},
		{f.SetJWKS, f.JWKSURI(), issuertest.HTML, 200, "<!doctype", -1},
		{f.SetJWKS, f.JWKSURI(), issuertest.NotFound, 404, "", -1},
		{f.SetJWKS, f.JWKSURI(), issuertest.ServerError, 500, "", -1},
		{f.SetJWKS, f.JWKSURI(), issuertest.Redirect, 302, "/keys/moved", -1},
		{f.SetJWKS, f.JWKSURI() + "/moved", issuertest.Redirect, 200, kid, 5},
		{f.SetDiscovery, discovery, issuertest.OK, 200, `"issuer":"` + f.Issuer() + `","jwks_uri":"` + f.JWKSURI(), -1},
		{f.SetDiscovery, discovery, issuertest.WrongIssuer, 200, "other.example", -1},
		{f.SetDiscovery, discovery, issuertest.SlashIssuer, 200, `"issuer":"` + f.Issuer() + `/"`, -1},
		{f.SetDiscovery, discovery, issuertest.NoJWKSURI, 200, `"jwks_uri":""`, -1},
		{f.SetDiscovery, discovery, issuertest.NotFound, 404, "", -1},
	} {
		c.set(c.mode)
		status, body := read(t, client, c.url)
		var set struct{ Keys []any }
		keys := -1
		if json.Unmarshal([]byte(body), &set) == nil && set.Keys != nil {
			keys = len(set.Keys)
		}
		if status != c.status || keys != c.keys || !strings.Contains(body, c.part) {
			t.Errorf("%q: got %d with %d keys\n%.200s", c.mode, status, keys, body)
		}
	}
}

func TestADocumentAndPathsMayBeAdded(t *testing.T) {
	f := issuertest.New(t)
	f.SetPath("/realms/r")
	f.Describe("token_endpoint", "https://a.example/token")
	f.Describe("jwks_uri", issuertest.Drop)
	if _, body := read(t, http.DefaultClient, f.Issuer()+"/.well-known/openid-configuration"); !strings.Contains(body, `"token_endpoint":"https://a.example/token"`) || strings.Contains(body, "jwks_uri") {
		t.Errorf("got %s", body)
	}
	f.Handle("/token", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if status, _ := read(t, http.DefaultClient, f.Issuer()+"/token"); status != http.StatusTeapot {
		t.Errorf("got %d", status)
	}
	if status, _ := read(t, http.DefaultClient, strings.TrimSuffix(f.Issuer(), "/realms/r")+"/token"); status != http.StatusNotFound {
		t.Errorf("got %d", status)
	}
}

func TestRotationReplacesOrAddsKeys(t *testing.T) {
	f := issuertest.New(t)
	first := f.Kid("RS256")
	f.Rotate(true)
	if _, body := read(t, http.DefaultClient, f.JWKSURI()); !strings.Contains(body, `"`+first+`"`) || !strings.Contains(body, `"`+f.Kid("RS256")+`"`) {
		t.Errorf("got %s", body)
	}
	f.Rotate(false)
	if _, body := read(t, http.DefaultClient, f.JWKSURI()); strings.Contains(body, `"`+first+`"`) || !strings.Contains(body, `"`+f.Kid("RS256")+`"`) {
		t.Errorf("got %s", body)
	}
}

func TestAnIssuerThatIsDownComesBackAtItsAddress(t *testing.T) {
	f := issuertest.NewTLS(t)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: f.CAs()}}}
	read(t, client, f.JWKSURI())
	f.Down()
	if resp, err := client.Get(f.JWKSURI()); err == nil {
		resp.Body.Close()
		t.Error("it answers")
	}
	f.Up()
	read(t, client, f.JWKSURI())
	if discovery, jwks := f.Fetches(); discovery != 0 || jwks != 2 {
		t.Errorf("got %d and %d requests", discovery, jwks)
	}
}

func TestWhatHangsGoesOnWithTheNextMode(t *testing.T) {
	f := issuertest.New(t)
	f.SetJWKS(issuertest.Hang)
	done := make(chan error, 1)
	go func() {
		resp, err := http.Get(f.JWKSURI())
		if err == nil {
			if resp.Body.Close(); resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		done <- err
	}()
	for tick := time.Tick(time.Millisecond); ; <-tick {
		if _, hanging := f.Fetches(); hanging == 1 {
			break
		}
	}
	select {
	case err := <-done:
		t.Fatalf("it didn't hang: %v", err)
	default:
	}
	f.SetJWKS(issuertest.OK)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNoKeyIsSharedByFakesOfTheSameTime(t *testing.T) {
	seen := map[string]bool{}
	for range 2 { // the second time with keys of the first
		t.Run("", func(t *testing.T) {
			clear(seen)
			a, b := issuertest.New(t), issuertest.New(t)
			for _, f := range []*issuertest.Fake{a, b} {
				seen[string(f.Modulus())] = true
				f.Rotate(true)
				seen[string(f.Modulus())] = true
			}
			if len(seen) != 4 {
				t.Errorf("got %d keys, want 4", len(seen))
			}
		})
	}
}
