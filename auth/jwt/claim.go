package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
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
