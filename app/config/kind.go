package config

import (
	"reflect"
	"strings"
	"time"

	"gatehouse/auth"
	"gatehouse/auth/jwt"
)

// kind is how texts become the value of a setting. Its errors say what is expected.
type kind struct {
	toggle bool // a flag without a value
	list   bool // a repeatable flag
	check  func(text string) error
	// parse puts the value of texts into a field, or says what is wrong with them.
	parse func(field reflect.Value, texts []string) []wrong
	mask  func(text string) string // leaves out what may be secret. nil: nothing is
}

// kinds are those of which the tags of settings speak.
var kinds = map[string]kind{
	"boolean":         toggle(one(parseBoolean)),
	"negation":        toggle(one(func(s string) (bool, error) { b, err := parseBoolean(s); return !b, err })),
	"text":            checked(func(string) error { return nil }),
	"count":           one(parseCount),
	"bytes":           one(parseBytes),
	"bytes or none":   one(parseBytesOrNone),
	"duration":        one(parseDuration),
	"timeout":         one(parseTimeout),
	"lifetime":        one(parseLifetime),
	"idle":            one(parseIdle),
	"scrape interval": one(parseScrapeInterval),
	"socket mode":     one(parseSocketMode),
	"socket owner":    one(parseSocketOwner),
	"socket path":     checked(func(s string) error { return checkSocketPath(s, true) }),
	"external url":    one(parseExternalURL),
	"route prefix":    one(parseRoutePrefix),
	"telemetry path":  checked(checkTelemetryPath),
	"user":            masked(checked(checkUser), withoutUsersPassword),
	"issuer":          checked(checkIssuer),
	"jwks uri":        masked(checked(checkJWKSURI), withoutQuery),
	"client id":       checked(checkClientID),
	"role":            one(parseRole),
	"role if any":     one(parseRoleIfAny),

	"texts":            many(func(string) error { return nil }, same),
	"listen addresses": many(func(s string) error { _, err := ParseAddress(s); return err }, parseAddresses),
	"networks":         many(checkNetwork, auth.ParsePrefixes),
	"proxies":          many(checkProxy, parseProxies),
	"scopes":           many(checkScopes, parseScopes),
	"claims":           many(checkClaim, jwt.ParseRequiredClaims),
	"role map":         many(checkRoleMapping, jwt.ParseRoleMap),
	"variables":        many(checkVariable, same),
}

// usualKinds are those of settings whose tags name none.
var usualKinds = map[reflect.Type]string{
	reflect.TypeFor[bool]():          "boolean",
	reflect.TypeFor[string]():        "text",
	reflect.TypeFor[int]():           "count",
	reflect.TypeFor[int64]():         "bytes",
	reflect.TypeFor[time.Duration](): "duration",
	reflect.TypeFor[[]string]():      "texts",
}

// one is of a single text.
func one[T any](parse func(string) (T, error)) kind {
	return kind{
		check: func(text string) error { _, err := parse(text); return err },
		parse: func(field reflect.Value, texts []string) []wrong {
			var text string
			if len(texts) > 0 {
				text = texts[0]
			}
			value, err := parse(text)
			*field.Addr().Interface().(*T) = value
			if err != nil {
				return []wrong{{text, err.Error()}}
			}
			return nil
		},
	}
}

// checked is of a text that stays as it is.
func checked(check func(string) error) kind {
	return one(func(s string) (string, error) { return s, check(s) })
}

// many is of any number of texts, of which each is checked before all are parsed.
func many[T any](check func(string) error, parse func([]string) (T, error)) kind {
	return kind{list: true, check: check, parse: func(field reflect.Value, texts []string) []wrong {
		var bad []wrong
		for _, text := range texts {
			if err := check(text); err != nil {
				bad = append(bad, wrong{text, err.Error()})
			}
		}
		value, err := parse(texts)
		*field.Addr().Interface().(*T) = value
		if err != nil && bad == nil {
			bad = []wrong{{strings.Join(texts, ","), err.Error()}}
		}
		return bad
	}}
}

func same(texts []string) ([]string, error) { return texts, nil }

func toggle(k kind) kind {
	k.toggle = true
	return k
}

func masked(k kind, mask func(string) string) kind {
	k.mask = mask
	return k
}
