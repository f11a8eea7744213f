package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/app/config"
	"gatehouse/app/webconfig/certtest"
)

// asks runs gatehouse health and checks its exit code and what it says.
func asks(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	got := command(t, append([]string{"health"}, args...)...)
	said := got.messages
	if code == 0 {
		said = got.out
	}
	if got.code != code || !strings.Contains(said, want) || strings.Count(got.out+got.messages, "\n") != 1 {
		t.Errorf("health %q: %+v, want code %d and %q", args, got, code, want)
	}
}

// webConfig writes a web configuration with a server certificate.
func webConfig(t *testing.T, more string) string {
	t.Helper()
	pair := certtest.NewCA(t, "right").Server(t, "gatehouse.example")
	path := filepath.Join(t.TempDir(), "web.yml")
	text := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n%s", pair.CertFile, pair.KeyFile, more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHealthAsksTheServerThatHasTheSameSettings(t *testing.T) {
	socket := "unix://" + filepath.Join(t.TempDir(), "s")
	withTLS := "--web.config.file=" + webConfig(t, "")
	required := "--web.config.file=" + webConfig(t, fmt.Sprintf("  client_ca_file: %s\n  client_auth_type: RequireAndVerifyClientCert\n", certtest.NewCA(t, "clients").CertFile))
	oldTLS := "--web.config.file=" + webConfig(t, fmt.Sprintf("  max_version: TLS12\n  client_ca_file: %s\n  client_auth_type: RequireAndVerifyClientCert\n", certtest.NewCA(t, "clients").CertFile))
	for name, settings := range map[string][]string{
		"nothing":              {},
		"a prefix":             {"--web.route-prefix=/gate"},
		"an external URL":      {"--web.external-url=https://gate.example/gate"},
		"a moved scrape":       {"--web.telemetry-path=/health2"},
		"credentials":          {"--auth.localhost-bypass=false", "--auth.basic-user=admin"},
		"TLS":                  {withTLS},
		"client certificates":  {required},
		"the same, in TLS 1.2": {oldTLS},
		"a socket":             {"--web.listen-address=" + socket},
		"a socket with TLS":    {"--web.listen-address=" + socket + "2", withTLS},
		"an IPv6 address":      {"--web.listen-address=[::1]:0"},
		"allowed networks":     {"--auth.allowed-cidrs=127.0.0.0/8"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "credentials" {
				t.Setenv("PUSHGATEWAY_AUTH_PASS", "a-password-of-the-test")
			}
			args := append([]string{"--storage.path=" + filepath.Join(t.TempDir(), "store"), "--web.listen-address=127.0.0.1:0"}, settings...)
			if strings.Contains(strings.Join(settings, " "), "listen-address") {
				args = append(args[:1], settings...)
			}
			a := startWith(t, parse(t, args...))
			if addr := a.servers[0].listeners[0].Addr(); addr.Network() == "tcp" { // of which the port was not known yet
				settings = slices.DeleteFunc(slices.Clone(settings), func(s string) bool { return strings.HasSuffix(s, ":0") })
				settings = append(settings, "--web.listen-address="+addr.String())
			}
			asks(t, 0, "healthy", settings...)
			_ = a.store.Close() // pushes can't be taken any more
			if name != "client certificates" && name != "the same, in TLS 1.2" {
				asks(t, 1, "not healthy: the store is not loaded or is being closed", settings...)
			}
			stop(t, a)
			asks(t, 1, "does not answer", settings...)
		})
	}
}

func TestHealthReachesAWildcardAddressAndReadsVariables(t *testing.T) {
	a := start(t)
	_, port, _ := net.SplitHostPort(a.Addr())
	for _, host := range []string{"", "0.0.0.0", "localhost"} {
		asks(t, 0, "healthy", "--web.listen-address="+host+":"+port)
	}
	asks(t, 0, "healthy", "--web.listen-address="+a.Addr()+",127.0.0.1:1")
	t.Setenv("GATEHOUSE_WEB_LISTEN_ADDRESS", a.Addr())
	asks(t, 0, "healthy")
	t.Setenv("GATEHOUSE_WEB_ROUTE_PREFIX", "/other")
	asks(t, 1, "has another --web.route-prefix (status 404)")
}

func TestHealthSaysWhyItIsUnknown(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") }))
	defer other.Close()
	asks(t, 1, "what answers is not Gatehouse", "--web.listen-address="+other.Listener.Addr().String())
	asks(t, 1, "the port of 127.0.0.1:0 is not known", "--web.listen-address=127.0.0.1:0")
	asks(t, 1, "say it with --web.listen-address", "--web.systemd-socket")
	asks(t, 1, "cannot use --web.config.file", "--web.config.file=/nowhere")
	asks(t, 1, `--web.listen-address "nowhere"`, "--web.listen-address=nowhere")
	asks(t, 1, "unexpected stray", "stray")
	a := start(t, "--auth.allowed-cidrs=192.0.2.1")
	asks(t, 1, "add 127.0.0.1 to --auth.allowed-cidrs", "--web.listen-address="+a.Addr())
	if got := command(t, "health", "--help"); got.code != 0 || !strings.Contains(got.out, "--web.listen-address") || got.messages != "" {
		t.Errorf("%+v", got)
	}
}

func TestOnlyTheServerLooksForUnknownVariables(t *testing.T) {
	a := start(t)
	t.Setenv("GATEHOUSE_X", "x")
	t.Setenv("JWT_ISSUERS", "x")
	if _, err := config.Parse(nil, io.Discard); err == nil {
		t.Fatal("the server starts")
	}
	asks(t, 0, "healthy", "--web.listen-address="+a.Addr())
	if got := command(t, "token", "list", "--server=http://"+a.Addr()); got.code != 0 || got.messages != "" {
		t.Errorf("token list: %+v", got)
	}
}
