package issuer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
)

// describe gives a fake the endpoints of a sign-in.
func describe(f *issuertest.Fake) {
	f.Describe("authorization_endpoint", "https://a.example/authorize")
	f.Describe("token_endpoint", "https://a.example/token")
}

func (x *trial) mustDescribe() issuer.Metadata {
	x.t.Helper()
	m, err := x.Metadata(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	return m
}

func (x *trial) wantNoMetadata(part string) {
	x.t.Helper()
	m, err := x.Metadata(x.t.Context())
	if !errors.Is(err, issuer.ErrNoMetadata) || !strings.Contains(err.Error(), part) || m.TokenEndpoint != "" {
		x.t.Errorf("got %+v, %v; want %q", m, err, part)
	}
}

func TestMetadataIsWhatTheDocumentSays(t *testing.T) {
	f := issuertest.New(t)
	describe(f)
	f.Describe("userinfo_endpoint", "https://a.example/userinfo")
	f.Describe("end_session_endpoint", "http://a.example/logout")
	f.Describe("scopes_supported", []string{"openid", "groups"})
	f.Describe("token_endpoint_auth_methods_supported", []string{"client_secret_post"})
	f.Describe("id_token_signing_alg_values_supported", []string{"RS256"})
	f.Describe("authorization_response_iss_parameter_supported", true)
	m := newTrial(t, f).mustDescribe()
	if m.AuthorizationEndpoint != "https://a.example/authorize" || m.TokenEndpoint != "https://a.example/token" ||
		m.UserinfoEndpoint != "https://a.example/userinfo" || m.EndSessionEndpoint != "http://a.example/logout" ||
		!slices.Equal(m.Scopes, []string{"openid", "groups"}) || !slices.Equal(m.TokenAuthMethods, []string{"client_secret_post"}) ||
		!slices.Equal(m.SigningAlgorithms, []string{"RS256"}) || !m.IssParameter {
		t.Errorf("got %+v", m)
	}
}

func TestMetadataIsReadOnceAnHour(t *testing.T) {
	f := issuertest.New(t)
	describe(f)
	x := newTrial(t, f)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { x.mustDescribe() })
	}
	all.Wait()
	x.pass(maxAge - time.Second)
	x.mustDescribe()
	wantFetches(t, f, 1, 0)
	f.Describe("token_endpoint", "https://b.example/token")
	x.pass(time.Second)
	if got := x.mustDescribe().TokenEndpoint; got != "https://b.example/token" {
		t.Errorf("got %q", got)
	}
	wantFetches(t, f, 2, 0)
}

func TestMetadataIsTriedAnewAfterAFailure(t *testing.T) {
	f := issuertest.New(t)
	describe(f)
	x := newTrial(t, f)
	f.SetDiscovery(issuertest.ServerError)
	for range 10 {
		x.wantNoMetadata("status 500")
	}
	wantFetches(t, f, 1, 0)
	x.pass(minGap - time.Second)
	x.wantNoMetadata("status 500")
	f.SetDiscovery(issuertest.OK)
	x.pass(time.Second)
	x.mustDescribe()
	wantFetches(t, f, 2, 0)
}

func TestOldMetadataServesWhileTheIssuerIsDown(t *testing.T) {
	f := issuertest.New(t)
	describe(f)
	x := newTrial(t, f)
	x.mustDescribe()
	f.SetDiscovery(issuertest.WrongIssuer)
	x.pass(maxAge)
	x.mustDescribe()
	x.mustDescribe()
	wantFetches(t, f, 2, 0)
	f.SetDiscovery(issuertest.OK)
	f.Describe("token_endpoint", "https://b.example/token")
	x.pass(minGap)
	if got := x.mustDescribe().TokenEndpoint; got != "https://b.example/token" {
		t.Errorf("got %q", got)
	}
}

func TestACallerThatDoesNotWaitGetsTheOldDocument(t *testing.T) {
	f := issuertest.New(t)
	describe(f)
	x := newTrial(t, f, impatient)
	ended, end := context.WithCancel(t.Context())
	end()
	f.SetDiscovery(issuertest.Hang)
	if _, err := x.Metadata(ended); !errors.Is(err, issuer.ErrNoMetadata) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.SetDiscovery(issuertest.OK)
	x.mustDescribe() // waits for what the first has begun
	wantFetches(t, f, 1, 0)
	f.SetDiscovery(issuertest.Hang)
	x.pass(maxAge)
	if _, err := x.Metadata(ended); err != nil {
		t.Error(err)
	}
}

func TestOneDocumentIsForKeysAndMetadata(t *testing.T) {
	f := issuertest.New(t)
	describe(f)

	metadataFirst := newTrial(t, f)
	metadataFirst.mustDescribe()
	metadataFirst.mustVerify(f.Token(nil))
	wantFetches(t, f, 1, 1)
	f.Rotate(false)
	metadataFirst.pass(minGap)
	metadataFirst.mustVerify(f.Token(nil)) // where the keys are may be news too
	wantFetches(t, f, 2, 2)

	keysFirst := newTrial(t, f)
	keysFirst.mustVerify(f.Token(nil))
	keysFirst.mustDescribe()
	wantFetches(t, f, 3, 3)

	late := newTrial(t, f)
	late.mustDescribe()
	late.pass(10 * time.Minute)
	late.mustVerify(f.Token(nil))
	wantFetches(t, f, 5, 4)
}

func TestKeysDoNotNeedMetadata(t *testing.T) {
	f := issuertest.New(t)
	f.Describe("token_endpoint", []string{"not", "a", "string"})
	x := newTrial(t, f)
	x.mustVerify(f.Token(nil))
	x.wantNoMetadata("not a discovery document")

	elsewhere := newTrial(t, f, func(o *issuer.Options) { o.JWKSURI = f.JWKSURI() })
	describe(f)
	elsewhere.mustVerify(f.Token(nil))
	elsewhere.mustDescribe()
}

func TestMetadataOfABadDocumentIsNone(t *testing.T) {
	for _, c := range []struct {
		sentence, field string
		value           any
		refusal         string
	}{
		{"another issuer", "issuer", "https://b.example", "is not the configured"},
		{"no authorization endpoint", "authorization_endpoint", issuertest.Drop, "authorization_endpoint is not an absolute"},
		{"no token endpoint", "token_endpoint", "", "token_endpoint is not an absolute"},
		{"a path", "token_endpoint", "/token", "token_endpoint is not an absolute"},
		{"a script", "authorization_endpoint", "javascript:alert(1)", "authorization_endpoint is not an absolute"},
		{"a host without scheme", "userinfo_endpoint", "//a.example", "userinfo_endpoint is not an absolute"},
		{"a file", "end_session_endpoint", "file:///x", "end_session_endpoint is not an absolute"},
		{"http instead of https", "token_endpoint", "http://a.example/token", "token_endpoint is not https"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			f := issuertest.NewTLS(t)
			describe(f)
			f.Describe(c.field, c.value)
			newTrial(t, f).wantNoMetadata(c.refusal)
		})
	}
	newTrial(t, issuertest.New(t), func(o *issuer.Options) { o.Issuer = "ldap://a.example" }).wantNoMetadata("the issuer is not")
}

func TestCloseEndsTheReadingOfMetadata(t *testing.T) {
	f := issuertest.New(t)
	f.SetDiscovery(issuertest.Hang)
	x := newTrial(t, f)
	ended, end := context.WithCancel(t.Context())
	end()
	_, _ = x.Metadata(ended)
	x.Close()
	x.wantNoMetadata("canceled")
}
