package jwt

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehouse/auth"
)

const (
	// Leeway is the tolerated error of an issuer's clock, in either direction.
	Leeway = 30 * time.Second
	// maxLifetime bounds how far ahead a token may expire.
	maxLifetime = 366 * 24 * time.Hour
)

// ClaimRules say which tokens are for us and what they may do. All methods are
// pure functions of the rules, the claims and the time. The signature is the
// business of others: nothing here is worth anything without it.
type ClaimRules struct {
	Issuer      string               // iss has to be equal byte for byte
	Audiences   []string             // aud has to hold one of them
	Required    map[string]string    // claims, by name or path, and the value that each has to have
	RoleClaim   string               // name or path; "": roles if there is such a claim, else groups
	RoleMap     map[string]auth.Role // by value of the claim; the highest role counts
	DefaultRole auth.Role            // of tokens without a value in RoleMap
}

var (
	errIssuer     = errors.New("iss is not the issuer")
	errAudience   = errors.New("aud names none of the audiences")
	errNoExpiry   = errors.New("exp is missing or no moment")
	errExpired    = errors.New("exp has passed")
	errFarExpiry  = errors.New("exp is more than 366 days ahead")
	errNotBefore  = errors.New("nbf is no moment")
	errNotYet     = errors.New("nbf has not come yet")
	errNoRequired = errors.New("a required claim is missing or has another value")
)

// Check says why claims are not for us: the issuer, the audience, the time or a
// required claim. The error is for the log. It names the failing claim and
// repeats nothing of the token.
func (r ClaimRules) Check(c Claims, now time.Time) error {
	switch {
	case !r.issued(c):
		return errIssuer
	case !r.addressed(c):
		return errAudience
	}
	if err := timely(c, float64(now.UnixMilli())/1000); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Required)) {
		if v, _ := c.claim(name); !slices.ContainsFunc(values(v), equals(r.Required[name])) {
			return fmt.Errorf("%w: %q", errNoRequired, name)
		}
	}
	return nil
}

// issued reports whether iss is the issuer. Google spells its own in two ways.
func (r ClaimRules) issued(c Claims) bool {
	iss := c.text("iss")
	return iss != "" && (iss == r.Issuer || r.Issuer == googleIssuer && iss == "accounts.google.com")
}

func (r ClaimRules) addressed(c Claims) bool {
	return slices.ContainsFunc(values(c["aud"]), func(v any) bool {
		aud, _ := v.(string)
		return aud != "" && slices.Contains(r.Audiences, aud)
	})
}

func timely(c Claims, now float64) error {
	exp, ok := c.seconds("exp")
	switch {
	case !ok || exp <= 0:
		return errNoExpiry
	case exp < now-Leeway.Seconds():
		return errExpired
	case exp > now+(maxLifetime+Leeway).Seconds():
		return errFarExpiry
	}
	if _, given := c["nbf"]; !given {
		return nil
	}
	nbf, ok := c.seconds("nbf")
	switch {
	case !ok:
		return errNotBefore
	case nbf > now+Leeway.Seconds():
		return errNotYet
	}
	return nil
}

// equals compares with a value as the configuration writes it.
func equals(want string) func(any) bool {
	return func(v any) bool {
		switch v := v.(type) {
		case string:
			return v == want
		case json.Number:
			return v.String() == want
		case bool:
			return strconv.FormatBool(v) == want
		}
		return false
	}
}

// Role returns the role that the claims grant. Only strings are looked up in
// the role map. An issuer that refers to the groups instead of listing them
// grants nothing by them.
func (r ClaimRules) Role(c Claims) auth.Role {
	granted, _ := r.granted(c)
	role, mapped := auth.NoRole, false
	for _, v := range values(granted) {
		name, ok := v.(string)
		if !ok {
			continue
		}
		if granted, ok := r.RoleMap[name]; ok {
			role, mapped = max(role, granted), true
		}
	}
	if !mapped {
		return r.DefaultRole
	}
	return role
}

// granted is the claim that decides about the role.
func (r ClaimRules) granted(c Claims) (any, bool) {
	if r.RoleClaim != "" {
		return c.claim(r.RoleClaim)
	}
	if roles, ok := c["roles"]; ok {
		return roles, true
	}
	groups, ok := c["groups"]
	return groups, ok
}

// Decides reports whether the claim is there that decides about the role,
// whatever it says.
func (r ClaimRules) Decides(c Claims) bool {
	_, ok := r.granted(c)
	return ok
}

// Refers reports whether the claim that decides about the role is missing, and
// the issuer only says where to ask for it, as some do for users in many groups
// (OpenID Connect Core 1.0, 5.6.2).
func (r ClaimRules) Refers(c Claims) bool {
	elsewhere, _ := c["_claim_names"].(map[string]any)
	return !r.Decides(c) && r.Decides(elsewhere)
}

// ID returns the identity of a token's owner, unique among all issuers; empty:
// the token does not have one.
func (r ClaimRules) ID(c Claims) string {
	subject := c.text("sub")
	if subject == "" {
		return ""
	}
	return auth.SubjectID(r.Issuer, subject)
}

// Fingerprint changes with everything that decides about roles.
func (r ClaimRules) Fingerprint() []byte {
	r.Audiences = slices.Sorted(slices.Values(r.Audiences))
	rules, err := json.Marshal(r) // maps come sorted
	if err != nil {
		panic(err) // it holds nothing but strings and numbers
	}
	sum := sha256.Sum256(rules)
	return sum[:]
}

// Name returns the name for logs and pages: one line of at most 256 bytes,
// perhaps empty. Issuers let people choose it, so it identifies nobody.
func (r ClaimRules) Name(c Claims) string {
	candidates := []string{c.text("preferred_username"), c.text("email"), c.text("sub")}
	if !c.affirms("email_verified") {
		candidates[1] = ""
	}
	for _, s := range candidates {
		if s = printable(s, 256); s != "" {
			return s
		}
	}
	return ""
}

// printable drops characters without a shape, such as control characters and
// those that change the direction of the text after them.
func printable(s string, limit int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s))
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
