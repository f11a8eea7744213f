package webconfig

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/prometheus/common/config"
	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"
)

// maxCost bounds the work of a password's hash. Each step up doubles the time
// of a sign-in, of a wrong one too: 16 takes seconds.
const maxCost = 16

// parse takes the content of a web configuration file. What it returns is
// correct in itself; the files it names have not been looked at.
func parse(content []byte) (*web.Config, error) {
	c := &web.Config{TLSConfig: web.TLSConfig{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}}
	if err := decode(content, c); err != nil {
		return nil, err
	}
	if c.Users == nil && listsUsers(content) {
		c.Users = map[string]config.Secret{}
	}
	for _, check := range []func(*web.Config) error{checkRateLimit, checkHeaders, checkUsers, checkTLS} {
		if err := check(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// listsUsers reports whether a file has a list of users, even without any, or says
// nothing at all.
func listsUsers(content []byte) bool {
	var keys map[string]any
	err := yaml.Unmarshal(content, &keys)
	_, listed := keys["basic_auth_users"]
	return err == nil && (listed || len(keys) == 0)
}

// decode refuses more than one document: users in a second one would be
// overlooked. An empty file has none and is fine.
func decode(content []byte, c *web.Config) error {
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.SetStrict(true)
	err := d.Decode(c)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return explained(err)
	}
	if !errors.Is(d.Decode(new(any)), io.EOF) {
		return errors.New("more than one YAML document")
	}
	return nil
}

var (
	lineOf       = regexp.MustCompile(`^(?:yaml: )?(line \d+): `)
	unknownKey   = regexp.MustCompile(`^line \d+: field (\w{1,40}) not found`)
	repeatedKey  = regexp.MustCompile(`^line \d+: field (\w{1,40}) already`)
	unknownValue = regexp.MustCompile(`(?s)^unknown (cipher|curve|TLS version): (.{0,60})`)
)

// explained says what a YAML error is about. The errors themselves quote the
// file, which holds keys and hashes, and can have several lines.
func explained(err error) error {
	text := err.Error()
	if te := (*yaml.TypeError)(nil); errors.As(err, &te) && len(te.Errors) > 0 {
		text = te.Errors[0]
	}
	where := ""
	if m := lineOf.FindStringSubmatch(text); m != nil {
		where = m[1] + ": "
	}
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%sunknown key %q", where, m[1])
	}
	if m := repeatedKey.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("%skey %q is there twice", where, m[1])
	}
	if m := unknownValue.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("tls_server_config: unknown %s %q", m[1], m[2])
	}
	switch {
	case strings.Contains(text, "not found in type"):
		return errors.New(where + "unknown key")
	case strings.Contains(text, "already set in"):
		return errors.New(where + "a key is there twice")
	case strings.Contains(text, "cannot unmarshal"):
		return errors.New(where + "a value of the wrong kind")
	}
	return errors.New(where + "not valid YAML")
}

func checkRateLimit(c *web.Config) error {
	if c.RateLimiterConfig != (web.RateLimiterConfig{}) {
		return errors.New("rate_limit is not supported")
	}
	return nil
}

// headerValues are the headers that may be set, with the values that they may
// have; nil: any.
var headerValues = map[string][]string{
	"Content-Security-Policy":   nil,
	"Strict-Transport-Security": nil,
	"X-Content-Type-Options":    {"nosniff"},
	"X-Frame-Options":           {"deny", "sameorigin"},
	"X-XSS-Protection":          nil,
}

func checkHeaders(c *web.Config) error {
	headers := c.HTTPConfig.Header
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		values, known := headerValues[name]
		switch value := headers[name]; {
		case !known:
			return fmt.Errorf("http_server_config: header %q cannot be set; only %s can",
				name, strings.Join(slices.Sorted(maps.Keys(headerValues)), ", "))
		case strings.ContainsFunc(value, unicode.IsControl):
			return fmt.Errorf("http_server_config: header %s holds a line break or another control character", name)
		case values != nil && !slices.Contains(values, value):
			return fmt.Errorf("http_server_config: header %s must be %s", name, strings.Join(values, " or "))
		}
	}
	return nil
}

func checkUsers(c *web.Config) error {
	for _, name := range slices.Sorted(maps.Keys(c.Users)) {
		if name == "" || strings.Contains(name, ":") || strings.ContainsFunc(name, unicode.IsControl) {
			return fmt.Errorf("basic_auth_users: user name %q is empty or holds a colon or control character", name)
		}
		// bcrypt's own errors quote the hash.
		cost, err := bcrypt.Cost([]byte(c.Users[name]))
		if err != nil {
			return fmt.Errorf("basic_auth_users: what user %q has is not a bcrypt hash", name)
		}
		if cost > maxCost {
			return fmt.Errorf("basic_auth_users: the hash of user %q has cost %d; above %d a sign-in takes too long", name, cost, maxCost)
		}
	}
	return nil
}
