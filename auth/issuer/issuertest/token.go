package issuertest

import (
	"encoding/base64"
	"maps"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Defaults of tokens.
const (
	Audience = "gatehouse"
	Subject  = "alice"
)

type drop struct{}

// Drop as a claim or header leaves it out.
var Drop drop

// draft is a token before it is signed.
type draft struct {
	alg     string
	key     any
	header  map[string]any
	raw     string // the whole header instead, if not empty
	payload []byte
}

// Option makes a token differ from a good one.
type Option func(*draft)

// WithAlg signs with another algorithm than RS256, and its key; HS256 and the
// like with PublicPEM. With none there is no signature.
func WithAlg(alg string) Option { return func(d *draft) { d.alg = alg } }

// WithKey signs with that key, under the kid of the issuer's own: a
// crypto.Signer, or the bytes of a secret.
func WithKey(key any) Option { return func(d *draft) { d.key = key } }

// WithKid sets the kid, to whatever JSON can hold.
func WithKid(kid any) Option { return WithHeader("kid", kid) }

// WithoutKid leaves the kid out of the token, as NoKid does of the published
// key.
func WithoutKid() Option { return WithHeader("kid", Drop) }

// WithHeader sets a header, also alg, which doesn't change how the token is
// signed.
func WithHeader(name string, value any) Option {
	return func(d *draft) { d.header[name] = value }
}

// WithRawHeader sets the whole header, which doesn't change how the token is
// signed.
func WithRawHeader(raw string) Option { return func(d *draft) { d.raw = raw } }

// WithPayload signs that instead of claims.
func WithPayload(raw string) Option { return func(d *draft) { d.payload = []byte(raw) } }

// Token returns a token of the issuer that is good for an hour, but for what
// the claims, which are added, and the options, in their order, say.
func (f *Fake) Token(claims map[string]any, options ...Option) string {
	f.t.Helper()
	now := time.Now()
	all := map[string]any{
		"iss": f.Issuer(), "aud": Audience, "sub": Subject,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, claims)
	d := draft{alg: "RS256", header: map[string]any{}, payload: f.encode(withoutDropped(all))}
	for _, o := range options {
		o(&d)
	}
	own := f.signer(d.alg)
	header := map[string]any{"alg": d.alg, "typ": "JWT", "kid": own.kid}
	maps.Copy(header, d.header)
	switch {
	case d.key != nil:
	case d.alg == "none":
		d.key = jwt.UnsafeAllowNoneSignatureType
	case strings.HasPrefix(d.alg, "HS"):
		d.key = f.PublicPEM()
	default:
		d.key = own.private
	}
	if d.raw == "" {
		d.raw = string(f.encode(withoutDropped(header)))
	}
	return f.sign(d)
}

func (f *Fake) sign(d draft) string {
	f.t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(d.raw)) + "." + base64.RawURLEncoding.EncodeToString(d.payload)
	method := jwt.GetSigningMethod(d.alg)
	if method == nil {
		f.t.Fatalf("the fake doesn't know the algorithm %q", d.alg)
	}
	signature, err := method.Sign(text, d.key)
	if err != nil {
		f.t.Fatalf("the fake can't sign with %s: %v", d.alg, err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func withoutDropped(m map[string]any) map[string]any {
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == Drop })
	return m
}
