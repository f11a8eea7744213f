package webconfig

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/crypto/bcrypt"
)

// secret is in files where no message may repeat it.
const secret = "hunter2"

var quiet = slog.New(slog.DiscardHandler)

func hashed(t testing.TB, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// open writes the text into a file and opens it.
func open(t testing.TB, text string) (*File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.yml")
	writeFile(t, path, text)
	return Open(path, quiet)
}

func TestAFileThatSaysNothingAsksForNothing(t *testing.T) {
	for text, listed := range map[string]bool{ // whether there is a list of users
		"": true, "\n": true, "# only a comment\n": true, "---\n": true, "{}": true, "null": true,
		"http_server_config:\n  http2: true\n  headers:\n": false, "http_server_config: {http2: false}": false,
		"tls_server_config:\nbasic_auth_users:\n": true, "basic_auth_users: {}\n": true, "basic_auth_users: null\n": true,
		"tls_server_config: {min_version: TLS13}": false, "rate_limit:\n": false,
	} {
		f, err := open(t, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if f.TLS() || f.ClientCertificates() != None || (f.Users() != nil) != listed || len(f.Users()) > 0 || f.Headers() != nil {
			t.Errorf("%q: got TLS %t, certificates %s, users %v, headers %v", text, f.TLS(), f.ClientCertificates(), f.Users(), f.Headers())
		}
	}
}

func TestWithoutAFileNothingIsAskedFor(t *testing.T) {
	f := Empty()
	f.Watch(t.Context(), time.Hour, func() { t.Error("told of a change") })
	if err := f.Reload(); err != nil || f.TLS() || f.ClientCertificates() != None || f.Users() != nil || f.Headers() != nil {
		t.Errorf("got %v, TLS %t, certificates %s, users %v, headers %v", err, f.TLS(), f.ClientCertificates(), f.Users(), f.Headers())
	}
}

func TestUsersAndHeadersAreRead(t *testing.T) {
	alice, bob := hashed(t, "a"), hashed(t, "b")
	f, err := open(t, `
basic_auth_users:
  alice: `+alice+`
  "bob the builder": `+strings.Replace(bob, "$2a$", "$2y$", 1)+`
http_server_config:
  headers:
    Strict-Transport-Security: max-age=31536000
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "0"
`)
	if err != nil {
		t.Fatal(err)
	}
	wantUsers := map[string]string{"alice": alice, "bob the builder": strings.Replace(bob, "$2a$", "$2y$", 1)}
	wantHeaders := map[string]string{
		"Strict-Transport-Security": "max-age=31536000", "Content-Security-Policy": "default-src 'self'",
		"X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff", "X-XSS-Protection": "0",
	}
	if !maps.Equal(f.Users(), wantUsers) || !maps.Equal(f.Headers(), wantHeaders) {
		t.Errorf("got %v, %v, want %v, %v", f.Users(), f.Headers(), wantUsers, wantHeaders)
	}
}

func TestAMistakeIsNamedWithoutWhatIsSecret(t *testing.T) {
	good := hashed(t, "a")
	costly := strings.Replace(good, "$04$", "$17$", 1)
	tls := "tls_server_config: {cert: x, key: " + secret + ", "
	tests := []struct{ name, text, want string }{
		{"unknown section", "auth_users: {}", `line 1: unknown key "auth_users"`},
		{"unknown key", "tls_server_config:\n  certfile: x", `line 2: unknown key "certfile"`},
		{"users without indentation", "basic_auth_users:\nalice: " + secret, `line 2: unknown key "alice"`},
		{"a key that is a sentence", "'a b': 1", "line 1: unknown key"},
		{"section twice", "basic_auth_users: {}\nbasic_auth_users: {}", `line 2: key "basic_auth_users" is there twice`},
		{"user twice", "basic_auth_users:\n  a: " + secret + "\n  a: " + secret, "line 3: a key is there twice"},
		{"list for users", "basic_auth_users: [" + secret + "]", "line 1: a value of the wrong kind"},
		{"number of words", "http_server_config: {http2: " + secret + "}", "line 1: a value of the wrong kind"},
		{"only a word", secret, "line 1: a value of the wrong kind"},
		{"not YAML", "basic_auth_users:\n  a: b: " + secret, "line 2: not valid YAML"},
		{"password like an alias", "basic_auth_users: {a: *" + secret + "}", "not valid YAML"},
		{"password like a tag", "basic_auth_users: {a: !!int " + secret + "}", "not valid YAML"},
		{"key outside its block", "tls_server_config:\n  key: |\n  -----BEGIN\n  " + secret, "not valid YAML"},
		{"two documents", "basic_auth_users:\n---\nbasic_auth_users: {a: " + secret + "}", "more than one YAML document"},
		{"rate limit", "rate_limit: {interval: 1s, burst: 20}", "rate_limit is not supported"},
		{"rate limit without interval", "rate_limit: {burst: 20}", "rate_limit is not supported"},

		{"header of our own", "http_server_config: {headers: {Server: x}}", `header "Server" cannot be set`},
		{"header in lower case", "http_server_config: {headers: {x-frame-options: deny}}", `header "x-frame-options" cannot be set`},
		{"frame option", "http_server_config: {headers: {X-Frame-Options: allow}}", "X-Frame-Options must be deny or sameorigin"},
		{"content type option", "http_server_config: {headers: {X-Content-Type-Options: ''}}", "X-Content-Type-Options must be nosniff"},
		{"header of two lines", `http_server_config: {headers: {Content-Security-Policy: "a\r\nSet-Cookie: b"}}`, "Content-Security-Policy holds a line break"},

		{"plain password", "basic_auth_users: {alice: " + secret + "}", `what user "alice" has is not a bcrypt hash`},
		{"no password", "basic_auth_users: {alice: }", `what user "alice" has is not a bcrypt hash`},
		{"cut hash", "basic_auth_users: {alice: " + good[:50] + "}", `what user "alice" has is not a bcrypt hash`},
		{"costly hash", "basic_auth_users: {alice: " + costly + "}", `the hash of user "alice" has cost 17; above 16 a sign-in takes too long`},
		{"no name", "basic_auth_users: {'': " + good + "}", `user name ""`},
		{"name with a colon", "basic_auth_users: {'a:b': " + good + "}", `user name "a:b"`},
		{"name of two lines", `basic_auth_users: {"a\nb": ` + good + "}", `user name "a\nb"`},

		{"cert alone", "tls_server_config: {cert: x}", "key or key_file is missing"},
		{"key alone", "tls_server_config: {key: " + secret + "}", "cert or cert_file is missing"},
		{"client_auth_type alone", "tls_server_config: {client_auth_type: NoClientCert}", "cert or cert_file is missing"},
		{"cert that is none", tls + "}", "cannot use the certificate (cert) with its key (key)"},
		{"no such cert_file", "tls_server_config: {cert_file: /nowhere/x, key: y}", `cert_file: cannot read "/nowhere/x": no such file`},
		{"no such key_file", "tls_server_config: {cert: x, key_file: /nowhere/x}", `key_file: cannot read "/nowhere/x": no such file`},
		{"no such client_ca_file", tls + "client_auth_type: RequireAnyClientCert, client_ca_file: /nowhere/x}", `client_ca_file: cannot read "/nowhere/x": no such file`},
		{"path of two lines", `tls_server_config: {cert_file: "/nowhere\n/x", key: y}`, `cannot read "/nowhere\n/x"`},
		{"unknown version", tls + "min_version: TLS14}", `tls_server_config: unknown TLS version "TLS14"`},
		{"unknown cipher", tls + "cipher_suites: [\"a\nb\"]}", `tls_server_config: unknown cipher "a b"`},
		{"unknown curve", tls + "curve_preferences: [P1]}", `tls_server_config: unknown curve "P1"`},
		{"versions crossed", tls + "min_version: TLS13, max_version: TLS12}", "max_version is below min_version"},
		{"unknown client_auth_type", tls + "client_auth_type: Maybe}", "client_auth_type must be NoClientCert, "},
		{"client CA without effect", tls + "client_ca: x}", "client_ca and client_ca_file have no effect without client_auth_type"},
		{"names without effect", tls + "client_allowed_sans: [a]}", "client_allowed_sans has no effect without client_auth_type"},
		{"names without TLS", "tls_server_config: {client_allowed_sans: [a]}", "client_allowed_sans has no effect without client_auth_type"},
		{"required without CA", tls + "client_auth_type: RequireAndVerifyClientCert}", "RequireAndVerifyClientCert needs client_ca or client_ca_file"},
		{"optional without CA", tls + "client_auth_type: VerifyClientCertIfGiven}", "VerifyClientCertIfGiven needs client_ca or client_ca_file"},
	}
	for _, tt := range tests {
		_, err := open(t, tt.text)
		if err == nil {
			t.Errorf("%s: %q was taken", tt.name, tt.text)
			continue
		}
		got := err.Error()
		if !strings.Contains(got, tt.want) || !strings.Contains(got, `web.yml": `) {
			t.Errorf("%s: got %q, want it to name the file and %q", tt.name, got, tt.want)
		}
		if strings.ContainsAny(got, "\r\n") || strings.Contains(got, secret) || strings.Contains(got, "$2a$") {
			t.Errorf("%s: got %q, want one line without what is secret", tt.name, got)
		}
	}
}

func TestOnlyARegularFileOfBoundedSizeIsRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.yml")
	comment := "# " + strings.Repeat("x", maxFileSize-3) + "\n"
	writeFile(t, path, comment)
	if _, err := Open(path, quiet); err != nil {
		t.Errorf("a file of the greatest size: %v", err)
	}
	writeFile(t, path, comment+"\n")
	large := filepath.Join(dir, "large.yml")
	writeFile(t, large, "tls_server_config: {cert_file: web.yml, key: x}")
	for path, want := range map[string]string{
		path:                             "larger than 1 MiB",
		large:                            "cert_file: cannot read",
		dir:                              "not a regular file",
		os.DevNull:                       "not a regular file",
		filepath.Join(dir, "absent.yml"): "no such file",
	} {
		if _, err := Open(path, quiet); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}

// What is good for us is good for Prometheus' own servers, so that one file can
// serve both.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{
		"", "{}", "a", "---\n---\n", "rate_limit: {burst: 1}", "basic_auth_users: {a: x}",
		"basic_auth_users:\n  alice: " + hashed(f, "a"),
		"http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n",
		"tls_server_config: {cert: x, key: y, min_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]}",
		"tls_server_config: {cert_file: x, key_file: y, client_auth_type: RequireAndVerifyClientCert, client_ca: z, client_allowed_sans: [a]}",
		"a: &a [x]\nb: *a\n", "<<: {rate_limit: }", "? [a]\n: b",
	} {
		f.Add(text)
	}
	path := filepath.Join(f.TempDir(), "web.yml")
	f.Fuzz(func(t *testing.T, text string) {
		writeFile(t, path, text)
		file, err := Open(path, quiet)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%q: the error has several lines: %q", text, err)
			}
			return
		}
		if err := web.Validate(path); err != nil {
			t.Errorf("%q: taken here, but not by Prometheus' own servers: %v", text, err)
		}
		for name, hash := range file.Users() {
			if _, err := bcrypt.Cost([]byte(hash)); name == "" || err != nil {
				t.Errorf("%q: user %q: %v", text, name, err)
			}
		}
	})
}
