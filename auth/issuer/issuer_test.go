package issuer_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
)

const (
	minGap = 10 * time.Second
	maxAge = time.Hour
)

// clock is a clock that only moves when a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// trial is the keys of a fake issuer.
type trial struct {
	*issuer.Issuer
	*clock
	t        testing.TB
	outcomes chan error // of fetches, in order
}

func newTrial(t testing.TB, f *issuertest.Fake, changes ...func(*issuer.Options)) *trial {
	t.Helper()
	x := &trial{t: t, clock: &clock{now: time.Unix(1e9, 0)}, outcomes: make(chan error, 1000)}
	o := issuer.Options{
		Issuer: f.Issuer(), RootCAs: f.CAs(), MinGap: minGap, MaxAge: maxAge,
		Observe: func(err error) { x.outcomes <- err },
		Now:     x.Now,
	}
	for _, change := range changes {
		change(&o)
	}
	x.Issuer = issuer.New(o)
	t.Cleanup(x.Close)
	return x
}

// impatient is for tests in which the issuer hangs.
func impatient(o *issuer.Options) { o.Timeout = time.Second }

// outcome is that of the next fetch.
func (x *trial) outcome() error {
	x.t.Helper()
	select {
	case err := <-x.outcomes:
		return err
	case <-time.After(time.Minute):
		x.t.Fatal("there was no fetch")
		return nil
	}
}

// verify checks the signature of a token as the server does.
func (x *trial) verify(token string) error {
	_, err := jwt.Parse(token, func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		return x.Key(context.Background(), kid, token.Method.Alg())
	})
	return err
}

func (x *trial) mustVerify(token string) {
	x.t.Helper()
	if err := x.verify(token); err != nil {
		x.t.Fatal(err)
	}
}

func (x *trial) wantError(want error, kid, alg string) {
	x.t.Helper()
	if got, err := x.Key(x.t.Context(), kid, alg); !errors.Is(err, want) || got != nil {
		x.t.Fatalf("kid %.40q, alg %q: got %v, %v; want %v", kid, alg, got, err, want)
	}
}

func wantFetches(t testing.TB, f *issuertest.Fake, discovery, jwks int) {
	t.Helper()
	if d, j := f.Fetches(); d != discovery || j != jwks {
		t.Fatalf("got %d discovery and %d key requests, want %d and %d", d, j, discovery, jwks)
	}
}

func TestTokensOfEachAlgorithmVerify(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	for _, alg := range issuer.Algorithms() {
		x.mustVerify(f.Token(nil, issuertest.WithAlg(alg)))
	}
	if err := x.verify(f.Token(nil, issuertest.WithKey(f.Foreign()))); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		t.Errorf("a token signed by another: got %v", err)
	}
	wantFetches(t, f, 1, 1)
}

func TestAlgorithmsThatAnybodyCanSignWithHaveNoKey(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	for _, alg := range []string{"", "none", "None", "HS256", "HS512", "RS1", "rs256", "ES256K", "RSA-OAEP", "dir"} {
		x.wantError(issuer.ErrUnknownKey, f.Kid("RS256"), alg)
		if issuer.KnownAlgorithm(alg) {
			t.Errorf("%q is known", alg)
		}
	}
	wantFetches(t, f, 0, 0)
	x.mustVerify(f.Token(nil))
	for _, token := range []string{
		f.Token(nil, issuertest.WithAlg("none")),
		f.Token(nil, issuertest.WithAlg("HS256")),
		f.Token(nil, issuertest.WithAlg("HS256"), issuertest.WithKey(f.Modulus())),
	} {
		if x.verify(token) == nil {
			t.Errorf("taken: %s", token)
		}
	}
}

func TestNothingIsAskedUntilAKeyIsNeeded(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	wantFetches(t, f, 0, 0)
	x.mustVerify(f.Token(nil))
	x.mustVerify(f.Token(nil))
	wantFetches(t, f, 1, 1)
}

func TestBadOptionsShowAsUnavailableKeys(t *testing.T) {
	for _, o := range []issuer.Options{
		{},
		{Issuer: "accounts.example"},
		{Issuer: "ftp://accounts.example"},
		{Issuer: "https://"},
		{Issuer: "http://\x7f"},
		{Issuer: "https://a.example", JWKSURI: "keys.json"},
		{Issuer: "https://a.example", JWKSURI: "file:///etc/passwd"},
		{Issuer: "https://a.example", JWKSURI: "://"},
	} {
		i := issuer.New(o)
		if _, err := i.Key(t.Context(), "x", "RS256"); !errors.Is(err, issuer.ErrUnavailable) {
			t.Errorf("%+v: got %v", o, err)
		}
		i.Close()
	}
}

func TestKeysAreUnavailableUntilTheFirstSuccess(t *testing.T) {
	f := issuertest.New(t)
	f.Down()
	x := newTrial(t, f)
	kid := f.Kid("RS256")
	x.wantError(issuer.ErrUnavailable, kid, "RS256")
	if x.outcome() == nil {
		t.Fatal("the fetch succeeded")
	}
	f.Up()
	x.pass(minGap - 1)
	x.wantError(issuer.ErrUnavailable, kid, "RS256")
	wantFetches(t, f, 0, 0)
	x.pass(1)
	x.mustVerify(f.Token(nil))
}

func TestARotatedKeyIsFoundWithinTheGapWhateverIsForged(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	old := f.Token(nil)
	x.mustVerify(old)
	for round := range 3 {
		x.pass(minGap)
		x.wantError(issuer.ErrUnknownKey, "forged", "RS256") // takes the fetch
		f.Rotate(round == 0)
		x.wantError(issuer.ErrUnknownKey, f.Kid("RS256"), "RS256")
		for range 10 {
			x.pass(minGap / 10)
			x.wantError(issuer.ErrUnknownKey, "forged", "RS256") // the last one fetches
		}
		x.mustVerify(f.Token(nil))
		wantFetches(t, f, 2*round+3, 2*round+3)
		if gone := x.verify(old) != nil; gone != (round > 0) {
			t.Fatalf("round %d: the old key is gone: %v", round, gone)
		}
	}
}

func TestManyForgedKidsCostOneFetchPerGap(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	good := f.Token(nil)
	for gap := 1; gap <= 3; gap++ {
		var wg sync.WaitGroup
		for n := range 200 {
			wg.Go(func() {
				if n%4 == 0 {
					if err := x.verify(good); err != nil {
						t.Error(err)
					}
				}
				_, err := x.Key(context.Background(), fmt.Sprintf("forged-%d-%d", gap, n), "RS256")
				if !errors.Is(err, issuer.ErrUnknownKey) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		wantFetches(t, f, gap, gap)
		x.pass(minGap)
	}
}

func TestFiftyAskAtOnceAndAreAllAnsweredByOneFetch(t *testing.T) {
	f := issuertest.New(t)
	f.SetJWKS(issuertest.Hang)
	x := newTrial(t, f)
	token := f.Token(nil)
	started := make(chan struct{}, 50)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			started <- struct{}{}
			if err := x.verify(token); err != nil {
				t.Error(err)
			}
		})
	}
	for range 50 {
		<-started
	}
	f.SetJWKS(issuertest.OK)
	wg.Wait()
	wantFetches(t, f, 1, 1)
}

// badAnswers is all the ways not to answer with keys.
func badAnswers() map[string]func(*issuertest.Fake) {
	bad := map[string]func(*issuertest.Fake){"down": (*issuertest.Fake).Down}
	for _, m := range []issuertest.Mode{
		issuertest.NotFound, issuertest.ServerError, issuertest.HTML, issuertest.Huge, issuertest.Redirect, issuertest.Hang,
		issuertest.Empty, issuertest.WeakRSA, issuertest.Oct, issuertest.EncUse, issuertest.Private,
	} {
		bad[string(m)] = func(f *issuertest.Fake) { f.SetJWKS(m) }
	}
	for _, raw := range []string{`{"keys":[`, `{"keys":"none"}`, `{"status":"ok"}`, `[]`, `{"keys":[null,1,{},{"kty":"RSA"}]}`} {
		bad[raw] = func(f *issuertest.Fake) { f.SetRawJWKS(raw) }
	}
	return bad
}

func TestABadAnswerKeepsTheOldKeys(t *testing.T) {
	for name, turn := range badAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := issuertest.New(t)
			x := newTrial(t, f, impatient)
			token := f.Token(nil)
			x.mustVerify(token)
			if err := x.outcome(); err != nil {
				t.Fatal(err)
			}

			turn(f)
			x.pass(maxAge) // a fetch for the age, in the background
			x.mustVerify(token)
			if x.outcome() == nil {
				t.Fatal("the fetch succeeded")
			}
			x.mustVerify(token)
			x.pass(minGap) // and one for the kid
			x.wantError(issuer.ErrUnknownKey, "other", "RS256")
			if x.outcome() == nil {
				t.Fatal("the fetch succeeded")
			}
			x.mustVerify(token)

			f.Up()
			f.SetJWKS(issuertest.OK)
			f.Rotate(true)
			x.pass(minGap)
			x.mustVerify(f.Token(nil))
			if slices.ContainsFunc(f.Requests(), func(path string) bool { return strings.HasSuffix(path, "/moved") }) {
				t.Error("a redirect was followed")
			}
		})
	}
}

func TestABadFirstAnswerIsNoKeys(t *testing.T) {
	for name, turn := range badAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := issuertest.New(t)
			turn(f)
			x := newTrial(t, f, impatient)
			for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
				x.wantError(issuer.ErrUnavailable, f.Kid(alg), alg)
			}
			x.wantError(issuer.ErrUnavailable, "", "RS256")
		})
	}
}

func TestOldKeysServeWhileNewOnesAreFetchedForTheirAge(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	token := f.Token(nil)
	x.mustVerify(token)
	x.outcome()
	x.pass(maxAge - 1)
	x.mustVerify(token)
	wantFetches(t, f, 1, 1)

	f.SetJWKS(issuertest.Hang)
	f.Rotate(false)
	x.pass(1)
	x.mustVerify(token) // doesn't wait
	f.SetJWKS(issuertest.OK)
	if err := x.outcome(); err != nil {
		t.Fatal(err)
	}
	x.mustVerify(f.Token(nil)) // waits for the end of the fetch, if need be
	if err := x.verify(token); !errors.Is(err, issuer.ErrUnknownKey) {
		t.Errorf("a key that is gone: got %v", err)
	}
	wantFetches(t, f, 2, 2)
}

func TestACallerThatDoesNotWaitGetsNoKey(t *testing.T) {
	f := issuertest.New(t)
	f.SetJWKS(issuertest.Hang)
	x := newTrial(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		_, err := x.Key(ctx, f.Kid("RS256"), "RS256")
		if !errors.Is(err, issuer.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		x.pass(minGap) // a fetch that takes longer than the gap is still the only one
	}
	f.SetJWKS(issuertest.OK)
	x.mustVerify(f.Token(nil))
	wantFetches(t, f, 1, 1)
}

func TestAClockThatIsSetBackDoesNotStopFetches(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	x.mustVerify(f.Token(nil))
	f.Rotate(false)
	x.pass(-24 * time.Hour)
	x.mustVerify(f.Token(nil))
}

func TestAKeyIsFoundByKidTypeAndAlgorithm(t *testing.T) {
	const unknown = "unknown"
	f := issuertest.New(t)
	rsa, ec, ed := f.Kid("RS256"), f.Kid("ES256"), f.Kid("EdDSA")
	for _, c := range []struct {
		sentence string
		mode     issuertest.Mode
		kid, alg string
		found    bool
	}{
		{"an RSA key without alg serves RS512", issuertest.OK, rsa, "RS512", true},
		{"an RSA key without alg serves PS256", issuertest.OK, rsa, "PS256", true},
		{"a key with alg serves it", issuertest.RS256, rsa, "RS256", true},
		{"a key with alg serves no other", issuertest.RS256, rsa, "PS256", false},
		{"an RSA key serves no ES256", issuertest.OK, rsa, "ES256", false},
		{"an EC key serves no RS256", issuertest.OK, ec, "RS256", false},
		{"an EC key serves no other curve", issuertest.OK, ec, "ES384", false},
		{"an Ed25519 key serves no ES256", issuertest.OK, ed, "ES256", false},
		{"a lone key serves tokens without kid", issuertest.Single, "", "RS256", true},
		{"but only those of its type", issuertest.Single, "", "ES256", false},
		{"a lone key without kid serves them too", issuertest.NoKid, "", "PS384", true},
		{"but no token that names a key", issuertest.NoKid, rsa, "RS256", false},
		{"one of several keys serves none without kid", issuertest.OK, "", "EdDSA", false},
		{"a lone key with kid serves no other", issuertest.Single, unknown, "RS256", false},
		{"case counts", issuertest.OK, strings.ToUpper(rsa), "RS256", false},
		{"spaces count", issuertest.OK, rsa + " ", "RS256", false},
		{"a path is only a name", issuertest.OK, "../../keys", "RS256", false},
		{"so is a piece of SQL", issuertest.OK, "x' OR '1'='1", "RS256", false},
		{"and a NUL", issuertest.OK, rsa + "\x00", "RS256", false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			f.SetJWKS(c.mode)
			x := newTrial(t, f)
			_, err := x.Key(t.Context(), c.kid, c.alg)
			if c.found && err != nil || !c.found && !errors.Is(err, issuer.ErrUnknownKey) {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, path := range f.Requests() {
		if path != "/keys" && path != "/.well-known/openid-configuration" {
			t.Errorf("%s was asked for", path)
		}
	}
}

func TestAKidThatIsTooLongCostsNoFetch(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	x.wantError(issuer.ErrUnknownKey, strings.Repeat("x", 1<<10+1), "RS256")
	wantFetches(t, f, 0, 0)
	x.wantError(issuer.ErrUnknownKey, strings.Repeat("x", 1<<10), "RS256")
	wantFetches(t, f, 1, 1)
}

func TestHeadersOfTokensNeverNameAnAddress(t *testing.T) {
	f, other := issuertest.New(t), issuertest.New(t)
	x := newTrial(t, f)
	for _, name := range []string{"jku", "x5u"} {
		token := f.Token(nil, issuertest.WithKey(other.Key("RS256")), issuertest.WithHeader(name, other.JWKSURI()))
		if err := x.verify(token); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := other.Requests(); got != nil {
		t.Errorf("got requests for %q", got)
	}
}

func set(t testing.TB, keys ...any) string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestKeysOfDifferentTypesMayShareAKid(t *testing.T) {
	f := issuertest.New(t)
	ec, rsa := f.JWK("ES256"), f.JWK("RS256")
	ec["kid"] = rsa["kid"]
	f.SetRawJWKS(set(t, ec, rsa))
	x := newTrial(t, f)
	x.mustVerify(f.Token(nil))
	x.mustVerify(f.Token(nil, issuertest.WithAlg("ES256"), issuertest.WithKid(rsa["kid"])))
}

func TestTheSourceOfKeysIs(t *testing.T) {
	const discovery, keys, fallback = "/.well-known/openid-configuration", "/keys", "/.well-known/jwks.json"
	for _, c := range []struct {
		sentence, path string
		mode           issuertest.Mode
		requests       []string
		refusal        string // part of the error; empty: keys come
	}{
		{"what discovery names", "", issuertest.OK, []string{discovery, keys}, ""},
		{"also for an issuer that ends in a slash", "/", issuertest.OK, []string{discovery, keys}, ""},
		{"also for an issuer with a path", "/realms/r", issuertest.OK, []string{"/realms/r" + discovery, "/realms/r" + keys}, ""},
		{"the default path where there is no discovery", "", issuertest.NotFound, []string{discovery, fallback}, ""},
		{"there too when the issuer ends in a slash", "/", issuertest.NotFound, []string{discovery, fallback}, ""},
		{"there too when the issuer has a path", "/r/", issuertest.NotFound, []string{"/r" + discovery, "/r" + fallback}, ""},
		{"the default path while discovery is broken", "", issuertest.ServerError, []string{discovery, fallback}, ""},
		{"the default path while discovery hangs", "", issuertest.Hang, []string{discovery, fallback}, ""},
		{"the default path where discovery moved", "", issuertest.Redirect, []string{discovery, fallback}, ""},
		{"none with the document of another issuer", "", issuertest.WrongIssuer, []string{discovery}, `"https://other.example" is not the configured`},
		{"none with a slash too many", "", issuertest.SlashIssuer, []string{discovery}, "in the slash at the end only"},
		{"none with a page for discovery", "", issuertest.HTML, []string{discovery}, "not a discovery document"},
		{"none for an issuer with a query", "?x=y", issuertest.OK, nil, "a query or a fragment"},
		{"none for an issuer with a fragment", "#x", issuertest.OK, nil, "a query or a fragment"},
		{"none with a huge discovery document", "", issuertest.Huge, []string{discovery}, "larger than 1 MiB"},
		{"none with a document that names no keys", "", issuertest.NoJWKSURI, []string{discovery}, "jwks_uri"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			f := issuertest.New(t)
			f.SetPath(c.path)
			f.SetDiscovery(c.mode)
			x := newTrial(t, f, impatient)
			_, err := x.Key(t.Context(), f.Kid("RS256"), "RS256")
			if c.refusal == "" && err != nil || c.refusal != "" && (!errors.Is(err, issuer.ErrUnavailable) || !strings.Contains(err.Error(), c.refusal)) {
				t.Errorf("got %v", err)
			}
			if got := f.Requests(); !slices.Equal(got, c.requests) {
				t.Errorf("got requests for %q, want %q", got, c.requests)
			}
		})
	}
}

func TestAConfiguredAddressOfKeysIsTheOnlyOne(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f, func(o *issuer.Options) { o.Issuer, o.JWKSURI = "accounts.example", f.JWKSURI() })
	x.mustVerify(f.Token(nil))
	f.SetJWKS(issuertest.NotFound)
	x.pass(minGap)
	x.wantError(issuer.ErrUnknownKey, "other", "RS256")
	if got := f.Requests(); !slices.Equal(got, []string{"/keys", "/keys"}) {
		t.Errorf("got requests for %q", got)
	}
}

func TestAnAddressOnceDiscoveredOutlivesDiscovery(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	x.mustVerify(f.Token(nil))
	f.SetDiscovery(issuertest.ServerError)
	f.Rotate(false)
	x.pass(minGap)
	x.mustVerify(f.Token(nil))
	if got := f.Requests(); slices.Contains(got, "/.well-known/jwks.json") {
		t.Errorf("got requests for %q", got)
	}
}

func TestKeysComeOverTLSFromTrustedIssuersOnly(t *testing.T) {
	f, other := issuertest.NewTLS(t), issuertest.NewTLS(t)
	newTrial(t, f).mustVerify(f.Token(nil))
	wantFetches(t, f, 1, 1)
	for name, roots := range map[string]*x509.CertPool{"of the system": nil, "of another": other.CAs()} {
		x := newTrial(t, f, func(o *issuer.Options) { o.RootCAs = roots })
		x.wantError(issuer.ErrUnavailable, f.Kid("RS256"), "RS256")
		if err := x.outcome(); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("authorities %s: got %v", name, err)
		}
	}
	wantFetches(t, f, 1, 1)
}

func TestDiscoveryMayNotLeaveTLS(t *testing.T) {
	f := issuertest.NewTLS(t)
	f.SetDiscovery(issuertest.Downgrade)
	x := newTrial(t, f)
	x.wantError(issuer.ErrUnavailable, f.Kid("RS256"), "RS256")
	if err := x.outcome(); err == nil || !strings.Contains(err.Error(), "is not https") {
		t.Errorf("got %v", err)
	}
	wantFetches(t, f, 1, 0)
}

func TestCloseEndsTheFetchAndKeepsTheKeys(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	token := f.Token(nil)
	x.mustVerify(token)
	x.outcome()
	f.SetJWKS(issuertest.Hang)
	x.pass(maxAge)
	x.mustVerify(token)
	x.Close()
	x.Close()
	x.pass(maxAge)
	x.mustVerify(token)
	x.wantError(issuer.ErrUnknownKey, "other", "RS256")
	if len(x.outcomes) > 0 {
		t.Errorf("the end was taken for a failure: %v", <-x.outcomes)
	}

	never := newTrial(t, f)
	never.Close()
	before := f.Requests()
	never.wantError(issuer.ErrUnavailable, f.Kid("RS256"), "RS256")
	if got := f.Requests(); len(got) != len(before) {
		t.Errorf("got requests for %q after the end", got[len(before):])
	}
}

func TestTheLogHasWhatIsNewAndNoSecret(t *testing.T) {
	f := issuertest.New(t)
	var log bytes.Buffer
	logged := func() string {
		defer log.Reset()
		return log.String()
	}
	x := newTrial(t, f, func(o *issuer.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		o.JWKSURI = strings.Replace(f.JWKSURI(), "http://", "http://alice:hunter2@", 1) + "?key=hunter2#hunter2"
	})
	step := func(what string, lines int, parts ...string) {
		t.Helper()
		x.pass(minGap)
		x.wantError(issuer.ErrUnknownKey, "other", "RS256")
		x.outcome()
		got := logged()
		if strings.Count(got, "\n") != lines {
			t.Errorf("%s: got\n%swant %d lines", what, got, lines)
		}
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("%s: got\n%swithout %q", what, got, part)
			}
		}
		if strings.Contains(got, "hunter2") || strings.Contains(got, "alice") {
			t.Errorf("%s: got\n%s", what, got)
		}
	}
	step("the first success", 1, "level=INFO", "url="+f.JWKSURI()+" ", "by=configuration", "keys=5")
	step("the second", 0)
	f.SetJWKS(issuertest.ServerError)
	step("a failure", 1, "level=WARN", f.JWKSURI()+": status 500")
	step("the same", 0)
	f.SetJWKS(issuertest.NotFound)
	step("another", 1, "level=WARN", "status 404")
	f.SetJWKS(issuertest.OK)
	step("the recovery", 1, "level=INFO", "again")
	f.SetJWKS(issuertest.NotFound)
	step("a failure that was there before", 1, "level=WARN", "status 404")
}

func TestAChangeOfTheSourceIsLogged(t *testing.T) {
	f := issuertest.New(t)
	var log bytes.Buffer
	f.SetDiscovery(issuertest.NotFound)
	x := newTrial(t, f, func(o *issuer.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, c := range []struct {
		mode issuertest.Mode
		want string
	}{
		{issuertest.NotFound, `by="default path"`},
		{issuertest.OK, "by=discovery"},
		{issuertest.ServerError, ""}, // what discovery said before still holds
	} {
		f.SetDiscovery(c.mode)
		x.wantError(issuer.ErrUnknownKey, "other", "RS256")
		x.outcome()
		got := log.String()
		log.Reset()
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("%q: got %q, want %q", c.mode, got, c.want)
		}
		x.pass(minGap)
	}
}
