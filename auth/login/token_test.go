package login

import (
	"testing"
	"time"

	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
)

func TestGoogleSpellsItselfInTwoWaysAndIsOne(t *testing.T) {
	f := issuertest.New(t)
	const google = "https://accounts.google.com"
	newProvider := func(iss string) *Provider {
		keys := issuer.New(issuer.Options{Issuer: iss, JWKSURI: f.JWKSURI()})
		t.Cleanup(keys.Close)
		return New(Options{Issuer: iss, ClientID: "c", Keys: keys})
	}
	for _, c := range []struct {
		configured, iss string
		ok              bool
	}{
		{google, google, true},
		{google, "accounts.google.com", true},
		{google, "http://accounts.google.com", false},
		{"https://a.example", "a.example", false},
		{"https://a.example", "accounts.google.com", false},
	} {
		p := newProvider(c.configured)
		raw := f.Token(map[string]any{"iss": c.iss, "aud": "c", "nonce": "n", "sub": "u"})
		claims, err := p.verify(t.Context(), issuer.Metadata{}, raw, "n", "")
		if (err == nil) != c.ok {
			t.Errorf("%s by %s: got %v", c.iss, c.configured, err)
		}
		if c.ok && p.rules.ID(claims) != "sub:"+google+" u" {
			t.Errorf("got %q", p.rules.ID(claims))
		}
	}
}

func TestATokenThatIsNotForUsCostsNoRequest(t *testing.T) {
	f := issuertest.New(t)
	keys := issuer.New(issuer.Options{Issuer: f.Issuer()})
	t.Cleanup(keys.Close)
	p := New(Options{Issuer: f.Issuer(), ClientID: "c", Keys: keys})
	for _, raw := range []string{
		"", "..", "a.b.c", "{}", f.Token(nil), f.Token(map[string]any{"aud": "c", "exp": 1}),
		f.Token(map[string]any{"aud": "c", "iss": "https://other.example"}),
		f.Token(map[string]any{"aud": "c"}, issuertest.WithHeader("typ", "at+jwt")),
		f.Token(map[string]any{"aud": "c"}, issuertest.WithAlg("none")),
		f.Token(map[string]any{"aud": "c"}, issuertest.WithAlg("HS256")),
	} {
		if _, err := p.VerifyLogout(t.Context(), raw); err == nil {
			t.Errorf("%.40q is good", raw)
		}
		if _, err := p.verify(t.Context(), issuer.Metadata{}, raw, "", ""); err == nil {
			t.Errorf("%.40q is good", raw)
		}
	}
	if got := f.Requests(); len(got) > 0 {
		t.Errorf("asked for %q", got)
	}
}

func TestAnIDIsForgottenWhenItsTimeIsOver(t *testing.T) {
	o, now := newOnce(), time.Unix(1e9, 0)
	until := now.Add(time.Minute)
	for _, c := range []struct {
		at   time.Time
		want bool
	}{{now, true}, {now, false}, {until, false}, {until.Add(1), true}} {
		if got := o.use("id", c.at, until); got != c.want {
			t.Errorf("%v: got %v", c.at, got)
		}
	}
	for i := range 2 * maxOnce {
		o.use(string(rune(i)), now, until)
	}
	if o.used.Len() != maxOnce {
		t.Errorf("remembers %d", o.used.Len())
	}
}
