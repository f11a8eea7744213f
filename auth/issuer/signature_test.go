package issuer_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"gatehouse/auth/issuer"
	"gatehouse/auth/issuer/issuertest"
)

// jwtKeySet is the interface of an OpenID Connect library's key sets.
type jwtKeySet interface {
	VerifySignature(ctx context.Context, jwt string) ([]byte, error)
}

var _ jwtKeySet = (*issuer.Issuer)(nil)

func TestASignatureGivesThePayload(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	for _, alg := range issuer.Algorithms() {
		payload, err := x.VerifySignature(t.Context(), f.Token(map[string]any{"alg": alg}, issuertest.WithAlg(alg)))
		var claims map[string]any
		if err != nil || json.Unmarshal(payload, &claims) != nil || claims["alg"] != alg {
			t.Errorf("%s: got %s, %v", alg, payload, err)
		}
	}
	wantFetches(t, f, 1, 1)
}

func TestASignatureThatIsNoneGivesNothing(t *testing.T) {
	f := issuertest.New(t)
	x := newTrial(t, f)
	good := f.Token(nil)
	x.mustVerify(good)
	parts := strings.Split(good, ".")
	for sentence, token := range map[string]string{
		"nothing":                       "",
		"two parts":                     parts[0] + "." + parts[1],
		"four parts":                    good + "." + parts[2],
		"no signature":                  parts[0] + "." + parts[1] + ".",
		"another payload":               parts[0] + ".e30." + parts[2],
		"JSON":                          `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"none":                          f.Token(nil, issuertest.WithAlg("none")),
		"HS256 with the PEM":            f.Token(nil, issuertest.WithAlg("HS256")),
		"HS256 with the modulus":        f.Token(nil, issuertest.WithAlg("HS256"), issuertest.WithKey(f.Modulus())),
		"a foreign key":                 f.Token(nil, issuertest.WithKey(f.Foreign())),
		"a foreign key in the header":   f.Token(nil, issuertest.WithKey(f.Foreign()), issuertest.WithHeader("jwk", f.JWK("RS256"))),
		"a foreign kid":                 f.Token(nil, issuertest.WithKid("x")),
		"a kid that is a number":        f.Token(nil, issuertest.WithKid(1)),
		"no kid among several keys":     f.Token(nil, issuertest.WithoutKid()),
		"the kid of a key of that kind": f.Token(nil, issuertest.WithKid(f.Kid("ES256"))),
		"critical extensions":           f.Token(nil, issuertest.WithHeader("crit", []string{"exp"}), issuertest.WithHeader("exp", 1)),
		"without end":                   f.Token(map[string]any{"x": strings.Repeat("x", 1<<20)}),
	} {
		if payload, err := x.VerifySignature(t.Context(), token); err == nil || payload != nil {
			t.Errorf("%s: got %s, %v", sentence, payload, err)
		}
	}
	wantFetches(t, f, 1, 1)
}

func TestASignatureThatCannotBeCheckedIsNotSaidToBeWrong(t *testing.T) {
	f := issuertest.New(t)
	f.Down()
	if _, err := newTrial(t, f).VerifySignature(t.Context(), f.Token(nil)); !errors.Is(err, issuer.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
