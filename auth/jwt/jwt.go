// Package jwt holds the rules for bearer tokens, ID tokens and logout tokens,
// before anybody looks for the key of their signature. A token that is not for
// us costs the issuer no request, and the log says what is wrong with it.
//
// The dates, the issuer and the audience of a token are checked here and nowhere
// else, by ClaimRules. The libraries that verify the signatures
// leave them alone: none of them has a leeway that could be set for both kinds of
// tokens, so that two clocks, or two sets of rules, would decide.
package jwt

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"gatehouse/auth/issuer"
)

// Kind is the purpose of a token. Its header may name it, and then a token of
// one kind is not valid as one of another.
type Kind struct{ types []string }

// The kinds of tokens.
var (
	Bearer = Kind{[]string{"jwt", "at+jwt"}}     // RFC 9068, and ID tokens
	ID     = Kind{[]string{"jwt"}}               // OpenID Connect Core 1.0
	Logout = Kind{[]string{"jwt", "logout+jwt"}} // OpenID Connect Back-Channel Logout 1.0
)

var (
	errForm = errors.New("it is not a signed JWT")
	errAlg  = errors.New("it is not signed as it has to be: its algorithm is not allowed")
	errType = errors.New("typ is that of another kind of token")
	errCrit = errors.New("critical extensions are not supported")
	errKid  = errors.New("kid is not a string")
)

// Check returns why a token of the kind, of which the signature is not verified,
// can't be for us: the header, or one of the rules. The error is for the log; it
// repeats nothing of the token.
func (k Kind) Check(header map[string]any, c Claims, rules ClaimRules, now time.Time) error {
	if err := k.checkHeader(header); err != nil {
		return err
	}
	return rules.Check(c, now)
}

func (k Kind) checkHeader(header map[string]any) error {
	alg, _ := header["alg"].(string)
	if !issuer.KnownAlgorithm(alg) {
		return errAlg
	}
	if typ, given := header["typ"]; given && !k.isType(typ) {
		return errType
	}
	if _, given := header["crit"]; given {
		return errCrit
	}
	if kid, given := header["kid"]; given {
		if _, isText := kid.(string); !isText {
			return errKid
		}
	}
	return nil
}

// isType reports whether typ is one that tokens of the kind have (RFC 7519,
// 5.1).
func (k Kind) isType(typ any) bool {
	s, _ := typ.(string)
	return slices.Contains(k.types, strings.TrimPrefix(strings.ToLower(s), "application/"))
}

// Parse returns the header and the claims of a token in compact form. Neither is
// worth anything: nothing is verified. Errors repeat nothing of the token.
func Parse(raw string) (header, claims Claims, err error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, nil, errForm
	}
	if header, err = parsePart(parts[0]); err != nil {
		return nil, nil, err
	}
	if claims, err = parsePart(parts[1]); err != nil {
		return nil, nil, err
	}
	return header, claims, nil
}

func parsePart(part string) (Claims, error) {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil, errForm
	}
	return ParseClaims(raw)
}
