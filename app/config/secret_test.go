package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
)

const (
	longToken = "J0eFhJ3n-first-token"
	longKey   = "pm5rGkX2-scrape-key"
)

// written puts text into a file of the test.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsComeFromTheEnvironmentAndFromFiles(t *testing.T) {
	file := func(text string) string { return written(t, text) }
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want AuthOptions
	}{
		{"none", nil, nil, AuthOptions{}},
		{
			"a user", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_PASS": " s3cret: with:colons "},
			AuthOptions{BasicUser: "admin", BasicPassword: " s3cret: with:colons "},
		},
		{
			"a user on the command line",
			[]string{"--auth.basic-user=ann"},
			map[string]string{"PUSHGATEWAY_AUTH_USER_FILE": "/does/not/exist", "PUSHGATEWAY_AUTH_PASS": "p"},
			AuthOptions{BasicUser: "ann", BasicPassword: "p"},
		},
		{
			"a user and a password in files", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER_FILE": file("admin\n"), "PUSHGATEWAY_AUTH_PASS_FILE": file("grün\r\n")},
			AuthOptions{BasicUser: "admin", BasicPassword: "grün"},
		},
		{
			"a password that ends with a newline of its own", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_PASS_FILE": file("p\n\n")},
			AuthOptions{BasicUser: "admin", BasicPassword: "p\n"},
		},
		{
			"the longest password", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_PASS": strings.Repeat("p", 1024)},
			AuthOptions{BasicUser: "admin", BasicPassword: strings.Repeat("p", 1024)},
		},
		{
			"tokens", nil,
			map[string]string{"API_TOKENS": " " + longToken + " ,,b,\n c,"},
			AuthOptions{Tokens: []string{longToken, "b", "c"}},
		},
		{
			"tokens in the lines of a file", nil,
			map[string]string{"API_TOKENS_FILE": file(longToken + "\r\n\r\nb\r\n")},
			AuthOptions{Tokens: []string{longToken, "b"}},
		},
		{"the same token twice", nil, map[string]string{"API_TOKENS": "a,a"}, AuthOptions{Tokens: []string{"a", "a"}}},
		{
			"the largest file", nil,
			map[string]string{"API_TOKENS_FILE": file(strings.Repeat("t", 64<<10-1) + "\n")},
			AuthOptions{Tokens: []string{strings.Repeat("t", 64<<10-1)}},
		},
		{"a scrape key", nil, map[string]string{"METRICS_VERIFICATION_KEY": "!k,e~"}, AuthOptions{ScrapeKey: "!k,e~"}},
		{"a scrape key in a file", nil, map[string]string{"METRICS_VERIFICATION_KEY_FILE": file(longKey)}, AuthOptions{ScrapeKey: longKey}},
		{
			"the secret of a client",
			[]string{"--oidc.client-id=x", "--oidc.issuer=https://a.example", "--web.external-url=https://b.example"},
			map[string]string{"OIDC_CLIENT_SECRET": " a secret: 100% + ä"},
			AuthOptions{ClientSecret: " a secret: 100% + ä"},
		},
		{
			"the secret of a client in a file",
			[]string{"--oidc.client-id=x", "--oidc.issuer=https://a.example", "--web.external-url=https://b.example"},
			map[string]string{"OIDC_CLIENT_SECRET_FILE": file("s\n")},
			AuthOptions{ClientSecret: "s"},
		},
		{
			"empty variables count as unset", nil,
			map[string]string{"METRICS_VERIFICATION_KEY": "k", "METRICS_VERIFICATION_KEY_FILE": "", "API_TOKENS": "", "PUSHGATEWAY_AUTH_PASS": ""},
			AuthOptions{ScrapeKey: "k"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			got := parse(t, test.args...).Auth
			if got.BasicUser != test.want.BasicUser || got.BasicPassword != test.want.BasicPassword ||
				!slices.Equal(got.Tokens, test.want.Tokens) || got.ScrapeKey != test.want.ScrapeKey || got.ClientSecret != test.want.ClientSecret {
				t.Errorf("got %q %q %q %q %q, want %q %q %q %q %q", got.BasicUser, got.BasicPassword, got.Tokens, got.ScrapeKey, got.ClientSecret,
					test.want.BasicUser, test.want.BasicPassword, test.want.Tokens, test.want.ScrapeKey, test.want.ClientSecret)
			}
		})
	}
}

func TestSecretsThatAreNoGoodAreRefused(t *testing.T) {
	user := []string{"--auth.basic-user=admin"}
	dir, empty, newline := t.TempDir(), written(t, ""), written(t, "\r\n")
	large, commas := written(t, strings.Repeat("secret,", 10_000)), written(t, ",\n ,\n")
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want []string
	}{
		{
			"both ways at once", user,
			map[string]string{"API_TOKENS": longToken, "API_TOKENS_FILE": "x", "PUSHGATEWAY_AUTH_PASS": "secret", "PUSHGATEWAY_AUTH_PASS_FILE": "x"},
			[]string{
				"PUSHGATEWAY_AUTH_PASS and PUSHGATEWAY_AUTH_PASS_FILE are both set: unset one of them",
				"API_TOKENS and API_TOKENS_FILE are both set: unset one of them",
			},
		},
		{
			"a user in both ways", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin", "PUSHGATEWAY_AUTH_USER_FILE": "x", "PUSHGATEWAY_AUTH_PASS": "secret"},
			[]string{"PUSHGATEWAY_AUTH_USER and PUSHGATEWAY_AUTH_USER_FILE are both set: unset one of them"},
		},
		{
			"files that can't be read", user,
			map[string]string{"API_TOKENS_FILE": dir + "/none", "METRICS_VERIFICATION_KEY_FILE": dir, "PUSHGATEWAY_AUTH_PASS_FILE": empty},
			[]string{
				fmt.Sprintf("PUSHGATEWAY_AUTH_PASS_FILE %q: the file is empty", empty),
				fmt.Sprintf("API_TOKENS_FILE %q: no such file or directory", dir+"/none"),
				fmt.Sprintf("METRICS_VERIFICATION_KEY_FILE %q: is a directory", dir),
			},
		},
		{
			"files that hold nothing", nil,
			map[string]string{"API_TOKENS_FILE": commas, "METRICS_VERIFICATION_KEY_FILE": newline},
			[]string{
				"API_TOKENS_FILE: expected at least one token; unset it to have none",
				fmt.Sprintf("METRICS_VERIFICATION_KEY_FILE %q: the file is empty", newline),
			},
		},
		{
			"a file that is too large", nil,
			map[string]string{"API_TOKENS_FILE": large},
			[]string{fmt.Sprintf("API_TOKENS_FILE %q: the file is larger than 65536 bytes", large)},
		},
		{
			"a file without end", nil,
			map[string]string{"API_TOKENS_FILE": "/dev/zero"},
			[]string{`API_TOKENS_FILE "/dev/zero": the file is larger than 65536 bytes`},
		},
		{
			"tokens that hold nothing", nil,
			map[string]string{"API_TOKENS": " , "},
			[]string{"API_TOKENS: expected at least one token; unset it to have none"},
		},
		{
			"a token with a space", nil,
			map[string]string{"API_TOKENS": longToken + ",secret one"},
			[]string{"API_TOKENS: token 2 holds something other than visible ASCII characters; commas or newlines separate tokens"},
		},
		{
			"a token with a letter that no header holds", nil,
			map[string]string{"API_TOKENS": "secrét"},
			[]string{"API_TOKENS: token 1 holds something other than visible ASCII characters; commas or newlines separate tokens"},
		},
		{
			"a scrape key with a space at its end", nil,
			map[string]string{"METRICS_VERIFICATION_KEY": "secret "},
			[]string{"METRICS_VERIFICATION_KEY: expected visible ASCII characters only, without spaces"},
		},
		{
			"a password that is too long", user,
			map[string]string{"PUSHGATEWAY_AUTH_PASS": strings.Repeat("secret", 171)},
			[]string{"PUSHGATEWAY_AUTH_PASS: expected UTF-8 text of at most 1024 bytes"},
		},
		{
			"a password that is no text", user,
			map[string]string{"PUSHGATEWAY_AUTH_PASS": "secret\xff"},
			[]string{"PUSHGATEWAY_AUTH_PASS: expected UTF-8 text of at most 1024 bytes"},
		},
		{
			"a user given with the password",
			[]string{"--auth.basic-user=admin:secret"},
			map[string]string{"PUSHGATEWAY_AUTH_PASS": "secret"},
			[]string{`--auth.basic-user "admin:xxxxx": expected a name without colon and control characters`},
		},
		{
			"the same in the environment", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER": "admin:secret", "PUSHGATEWAY_AUTH_PASS": "secret"},
			[]string{`--auth.basic-user (from PUSHGATEWAY_AUTH_USER) "admin:xxxxx": expected a name without colon and control characters`},
		},
		{
			"the same in a file", nil,
			map[string]string{"PUSHGATEWAY_AUTH_USER_FILE": written(t, "admin:secret"), "PUSHGATEWAY_AUTH_PASS": "secret"},
			[]string{"PUSHGATEWAY_AUTH_USER_FILE: expected a name without colon and control characters"},
		},
		{
			"a secret on the command line",
			[]string{"--api-tokens=secret"},
			nil,
			[]string{"unknown long flag '--api-tokens'; --help lists all flags"},
		},
		{
			"a single token", nil,
			map[string]string{"API_TOKEN": "secret", "API_TOKEN_FILE": "secret"},
			[]string{"API_TOKEN is not read: set API_TOKENS instead", "API_TOKEN_FILE is not read: set API_TOKENS_FILE instead"},
		},
		{
			"names with a prefix that the variable has not", nil,
			map[string]string{
				"GATEHOUSE_API_TOKENS": "secret", "GATEHOUSE_API_TOKENS_FILE": "secret", "GATEHOUSE_AUTH_BASIC_USER": "secret",
				"GATEHOUSE_AUTH_LOCALHOST_BYPASS": "false", "GATEHOUSE_JWKS_URI": "secret", "GATEHOUSE_JWT_AUDIENCE": "a", "GATEHOUSE_JWT_ISSUER": "secret",
				"GATEHOUSE_JWT_JWKS_URI": "secret", "GATEHOUSE_METRICS_VERIFICATION_KEY": "secret", "GATEHOUSE_OIDC_CA_FILE": "secret",
				"GATEHOUSE_PUSHGATEWAY_AUTH_PASS": "secret", "JWT_ISSUER_FILE": "secret",
			},
			[]string{
				"GATEHOUSE_API_TOKENS is not read: set API_TOKENS instead",
				"GATEHOUSE_API_TOKENS_FILE is not read: set API_TOKENS_FILE instead",
				"GATEHOUSE_AUTH_BASIC_USER is not read: set PUSHGATEWAY_AUTH_USER instead",
				"GATEHOUSE_AUTH_LOCALHOST_BYPASS is not read: set AUTH_LOCALHOST_BYPASS instead",
				"GATEHOUSE_JWKS_URI is not read: set JWKS_URI instead",
				"GATEHOUSE_JWT_AUDIENCE is not read: set JWT_AUDIENCE instead",
				"GATEHOUSE_JWT_ISSUER is not read: set JWT_ISSUER instead",
				"GATEHOUSE_JWT_JWKS_URI is not read: set JWKS_URI instead",
				"GATEHOUSE_METRICS_VERIFICATION_KEY is not read: set METRICS_VERIFICATION_KEY instead",
				"GATEHOUSE_OIDC_CA_FILE is not read: set OIDC_CA_FILE instead",
				"GATEHOUSE_PUSHGATEWAY_AUTH_PASS is not read: set PUSHGATEWAY_AUTH_PASS instead",
				"JWT_ISSUER_FILE is not read: set JWT_ISSUER instead",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { wantProblems(t, test.args, test.env, test.want) })
	}
}

func TestTheAuthoritiesOfTheIssuerAreRead(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<32, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	good := written(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	issuer := []string{"--jwt.issuer=https://a.example", "--jwt.audience=a"}
	t.Run("a file with a certificate", func(t *testing.T) {
		t.Setenv("OIDC_CA_FILE", good)
		want := x509.NewCertPool()
		want.AddCert(cert)
		if o := parse(t, issuer...); !o.Auth.IssuerCAs.Equal(want) {
			t.Error("the authority is not in the pool")
		}
	})
	t.Run("no file", func(t *testing.T) {
		if o := parse(t, issuer...); o.Auth.IssuerCAs != nil {
			t.Error("there is a pool, so that the system's authorities don't count")
		}
	})
	t.Run("a file without certificate", func(t *testing.T) {
		bad := written(t, "-----BEGIN CERTIFICATE-----\n")
		wantProblems(t, issuer, map[string]string{"OIDC_CA_FILE": bad},
			[]string{fmt.Sprintf("--oidc.ca-file (from OIDC_CA_FILE) %q: expected a PEM file with at least one certificate", bad)})
	})
}

func TestNoSecretIsShown(t *testing.T) {
	const user, password, token, key, client = "user-of-a-file", "s3cret-password", "s3cret-token", "s3cret-key", "s3cret-of-a-client"
	t.Setenv("PUSHGATEWAY_AUTH_USER_FILE", written(t, user))
	t.Setenv("PUSHGATEWAY_AUTH_PASS", password)
	t.Setenv("API_TOKENS", token+","+key)
	t.Setenv("METRICS_VERIFICATION_KEY", key)
	t.Setenv("OIDC_CLIENT_SECRET", client)
	o := parse(t, "--oidc.client-id=x", "--oidc.issuer=https://a.example", "--web.external-url=https://b.example")
	if o.Auth.ClientSecret != client || o.Auth.BasicUser != user || o.Auth.BasicPassword != password || len(o.Auth.Tokens) != 2 || o.Auth.ScrapeKey != key || len(o.Notes) != 4 {
		t.Fatalf("not all has been read; %d notes", len(o.Notes))
	}
	shown := map[string]string{
		"the flags": fmt.Sprint(o.Flags),
		"the notes": fmt.Sprint(o.Notes),
		"String":    o.Auth.String(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		shown[verb] = fmt.Sprintf(verb, o)
		shown[verb+" of a pointer"] = fmt.Sprintf(verb, &o)
		shown[verb+" of Auth"] = fmt.Sprintf(verb, o.Auth)
		shown[verb+" of a pointer to Auth"] = fmt.Sprintf(verb, []any{&o.Auth, map[string]AuthOptions{"x": o.Auth}})
	}
	for name, v := range map[string]any{"JSON": o, "JSON of Auth": &o.Auth} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown[name] = string(text)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("x", "options", o, "pointer", &o, "auth", o.Auth, "pointer to auth", &o.Auth)
	}
	shown["the log"] = log.String()
	_, err := Parse([]string{"--log.level=no", "--jwt.audience=x", "--web.external-url=x"}, io.Discard)
	shown["an error"] = fmt.Sprint(err)
	for where, text := range shown {
		for _, secret := range []string{user, password, token, key, client} {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s shows %s: %s", where, secret, text)
			}
		}
	}
}

func TestNoFlagIsASecret(t *testing.T) {
	for name := range flagNames() {
		for _, word := range []string{"password", "secret", "token", "verification", "credential"} {
			if strings.Contains(name, word) {
				t.Errorf("--%s: a command line is no place for secrets", name)
			}
		}
	}
	for _, secret := range secrets[1:] { // but the user
		for _, s := range newParser().settings {
			if s.variable == secret.variable {
				t.Errorf("%s is the variable of --%s", secret.variable, s.name)
			}
		}
	}
}

func TestEveryOptionOfAuthIsFilled(t *testing.T) {
	for name, value := range map[string]string{
		"PUSHGATEWAY_AUTH_USER": "u", "PUSHGATEWAY_AUTH_PASS": "p", "API_TOKENS": longToken, "METRICS_VERIFICATION_KEY": longKey,
		"JWT_ISSUER": "https://a.example", "JWT_AUDIENCE": "a", "JWKS_URI": "https://a.example/k",
		"OIDC_CLIENT_ID": "c", "OIDC_CLIENT_SECRET": "s", "OIDC_SCOPES": "groups",
	} {
		t.Setenv(name, value)
	}
	o := parse(t, "--web.external-url=https://b.example", "--auth.client-certificate-role=reader", "--web.config.file=x", "--auth.allowed-cidrs=::1", "--metrics.allowed-cidrs=::1", "--web.trusted-proxies=::1,unix",
		"--auth.role-claim=x", "--auth.role-map=a=reader", "--auth.default-role=admin", "--jwt.required-claims=a=b")
	o.Auth.IssuerCAFile, o.Auth.IssuerCAs = "x", x509.NewCertPool() // have a test of their own
	o.Auth.Open = true                                              // can't be beside the others
	if len(o.TrustedProxies) != 1 || !o.TrustSockets {
		t.Errorf("trusted are %v and sockets: %v", o.TrustedProxies, o.TrustSockets)
	}
	v := reflect.ValueOf(o.Auth)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is empty", v.Type().Field(i).Name)
		}
	}
	if o.Auth.CertificateRole != auth.Reader || o.Auth.Claims.DefaultRole != auth.Admin {
		t.Errorf("certificates have the role %s, tokens %s", o.Auth.CertificateRole, o.Auth.Claims.DefaultRole)
	}
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"", ",", "a", " a ,b\r\nc", "a b", "ä", "a\x00b", longToken + "," + longKey} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var p parser
		err := p.takeTokens("X", s)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || (len(s) > 100 && strings.Contains(err.Error(), s)) {
				t.Errorf("the error of %q is %q", s, err)
			}
			return
		}
		if len(p.Auth.Tokens) == 0 {
			t.Errorf("%q is taken without a token", s)
		}
		for _, token := range p.Auth.Tokens {
			if token == "" || !visible(token) || strings.Contains(token, ",") || !strings.Contains(s, token) {
				t.Errorf("%q has the token %q", s, token)
			}
		}
		if again := splitTokens(strings.Join(p.Auth.Tokens, "\n")); !slices.Equal(again, p.Auth.Tokens) {
			t.Errorf("%q gives %q, then %q", s, p.Auth.Tokens, again)
		}
	})
}

func FuzzSecretFiles(f *testing.F) {
	for _, s := range []string{"", "\n", "\r\n", "a", "a\n", "a\r\n", "a\n\n", "a\r", "\x00"} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "secret")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := readSecretFile(path)
		rest, whole := strings.CutPrefix(string(text), s)
		switch {
		case err != nil && len(strings.TrimRight(string(text), "\r\n")) > 0 && len(text) <= maxSecretFile:
			t.Errorf("%q is refused: %v", text, err)
		case err == nil && (s == "" || !whole || !slices.Contains([]string{"", "\n", "\r\n"}, rest)):
			t.Errorf("%q gives %q", text, s)
		}
	})
}
