package jwt

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gatehouse/auth"
)

// Claims are the claims of a JWT, as ParseClaims decodes them: numbers are
// json.Number, so that none loses digits.
type Claims map[string]any

var (
	errNoObject   = errors.New("the claims are not a JSON object")
	errClaimTwice = errors.New("a claim is given twice")
)

// ParseClaims decodes one JSON object. A claim that is given twice is refused,
// since programs differ in which of them they believe. Errors repeat nothing
// of what was read.
func ParseClaims(raw []byte) (Claims, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errNoObject
	}
	claims := Claims{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, errNoObject
		}
		if _, twice := claims[name]; twice {
			return nil, errClaimTwice
		}
		var value any
		if d.Decode(&value) != nil {
			return nil, errNoObject
		}
		claims[name] = value
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, errNoObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return claims, nil
}

// UnmarshalJSON is ParseClaims, for decoders of tokens.
func (c *Claims) UnmarshalJSON(raw []byte) error {
	claims, err := ParseClaims(raw)
	if err == nil {
		*c = claims
	}
	return err
}

// claim finds a claim by its name or by a path of names with dots between. Names
// may hold dots themselves, as those that are URLs or are Kubernetes' do, so at
// each step the longest name that exists is taken, and only that one.
func (c Claims) claim(path string) (any, bool) {
	object := map[string]any(c)
	for {
		value, rest, found := step(object, path)
		if !found || rest == "" {
			return value, found
		}
		below, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		object, path = below, rest[1:]
	}
}

// step finds the longest beginning of a path that names something in an object.
// The rest of the path, if there is any, begins with a dot.
func step(object map[string]any, path string) (value any, rest string, found bool) {
	for end := len(path); end >= 0; end = strings.LastIndexByte(path[:end], '.') {
		if value, found = object[path[:end]]; found {
			return value, path[end:], true
		}
	}
	return nil, "", false
}

// text is a claim that has to be a string; otherwise "".
func (c Claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// affirms reports whether a claim is true. Some issuers write it as a string.
func (c Claims) affirms(name string) bool { return c[name] == true || c[name] == "true" }

// seconds is a claim that has to be a moment, in seconds since 1970.
func (c Claims) seconds(name string) (s float64, ok bool) {
	n, ok := c[name].(json.Number)
	if !ok {
		return 0, false
	}
	s, err := n.Float64()
	return s, err == nil
}

// maxValues is the number of a list's values that are read.
const maxValues = 10_000

// values are the elements of a list. What is no list counts as a list of one.
func values(v any) []any {
	list, ok := v.([]any)
	if !ok {
		return []any{v}
	}
	return list[:min(len(list), maxValues)]
}

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

// ParseRoleMap takes assignments value=role. A value may itself hold =, as
// distinguished names do.
func ParseRoleMap(s []string) (map[string]auth.Role, error) {
	roles := make(map[string]auth.Role, len(s))
	for _, entry := range s {
		i := strings.LastIndexByte(entry, '=')
		if i <= 0 {
			return nil, fmt.Errorf("expected value=role, not %q", entry)
		}
		value := entry[:i]
		role, err := auth.ParseRole(entry[i+1:])
		if err != nil {
			return nil, fmt.Errorf("the role of %q: %w", value, err)
		}
		if other, twice := roles[value]; twice && other != role {
			return nil, fmt.Errorf("%q is given two roles, %s and %s", value, other, role)
		}
		roles[value] = role
	}
	return roles, nil
}

// ParseRequiredClaims takes conditions claim=value. A value may hold =.
func ParseRequiredClaims(s []string) (map[string]string, error) {
	required := make(map[string]string, len(s))
	for _, entry := range s {
		claim, value, _ := strings.Cut(entry, "=")
		if claim == "" || value == "" {
			return nil, fmt.Errorf("expected claim=value, not %q", entry)
		}
		if other, twice := required[claim]; twice && other != value {
			return nil, fmt.Errorf("the claim %q is required to be both %q and %q", claim, other, value)
		}
		required[claim] = value
	}
	return required, nil
}
