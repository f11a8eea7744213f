package webconfig

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"gatehouse/app/webconfig/certtest"
)

// patience bounds what would else hang when the code is wrong.
const patience = time.Minute

// section is a tls_server_config with the pair and more lines of it.
func section(p certtest.Pair, more ...string) string {
	lines := append([]string{"tls_server_config:", "cert_file: " + p.CertFile, "key_file: " + p.KeyFile}, more...)
	return strings.Join(lines, "\n  ") + "\n"
}

// serve answers on l as the program does, with the server that it uses: what
// that server does not survive must not happen. It returns the address.
func serve(t *testing.T, f *File, l net.Listener) string {
	t.Helper()
	s := &fasthttp.Server{
		Handler: func(c *fasthttp.RequestCtx) { _, _ = c.WriteString("ok") },
		Logger:  log{},
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(f.Listen(l)) }()
	t.Cleanup(func() {
		_ = s.Shutdown()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

type log struct{}

func (log) Printf(string, ...any) {}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start opens a file with the text and serves it.
func start(t *testing.T, text string) (addr string) {
	t.Helper()
	f, err := open(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, f, listen(t))
}

// visitor is one connection of a client.
type visitor struct {
	conn net.Conn
	read *bufio.Reader
}

func visit(conn net.Conn) visitor {
	_ = conn.SetDeadline(time.Now().Add(patience))
	return visitor{conn, bufio.NewReader(conn)}
}

// ask makes one request. With TLS 1.3, only this shows whether the server took
// the client's certificate.
func (v visitor) ask() error {
	if _, err := io.WriteString(v.conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(v.read, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && string(body) != "ok" {
		err = fmt.Errorf("answered %q", body)
	}
	return err
}

// ask connects, makes one request, and returns the state of the connection.
func ask(addr string, c *tls.Config) (tls.ConnectionState, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, c)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	err = visit(conn).ask()
	return conn.ConnectionState(), err
}

func TestClientsAreLetInByTheirCertificates(t *testing.T) {
	ca, other := certtest.NewCA(t, "ca"), certtest.NewCA(t, "other")
	server := section(ca.Server(t, "server"))
	withCA := "\n  client_ca_file: " + ca.CertFile
	withNames := "\n  client_allowed_sans: [job.example, ops@example, 192.0.2.7, spiffe://example/job]"
	clients := []struct {
		name  string
		shown []certtest.Pair
	}{
		{"no certificate", nil},
		{"right", []certtest.Pair{ca.Client(t, "right", "job.example")}},
		{"right by mail", []certtest.Pair{ca.Client(t, "right by mail", "x.example", "ops@example")}},
		{"right by IP", []certtest.Pair{ca.Client(t, "right by IP", "192.0.2.7")}},
		{"right by URI", []certtest.Pair{ca.Client(t, "right by URI", "spiffe://example/job")}},
		{"wrong name", []certtest.Pair{ca.Client(t, "job.example", "www.job.example")}},
		{"wrong CA", []certtest.Pair{other.Client(t, "wrong CA", "job.example")}},
		{"expired", []certtest.Pair{ca.ExpiredClient(t, "expired", "job.example")}},
		{"for servers", []certtest.Pair{ca.Server(t, "for servers")}},
	}
	right := "right, right by mail, right by IP, right by URI"
	tests := []struct {
		lines string
		want  ClientCertificates
		in    string
	}{
		{"", None, "no certificate, " + right + ", wrong name, wrong CA, expired, for servers"},
		{"client_auth_type: NoClientCert", None, "no certificate, " + right + ", wrong name, wrong CA, expired, for servers"},
		{"client_auth_type: RequestClientCert", Unverified, "no certificate, " + right + ", wrong name, wrong CA, expired, for servers"},
		{"client_auth_type: RequestClientCert" + withNames, Unverified, "no certificate, " + right + ", wrong CA, expired"},
		{"client_auth_type: RequireAnyClientCert", Unverified, right + ", wrong name, wrong CA, expired, for servers"},
		{"client_auth_type: RequireAnyClientCert" + withNames, Unverified, right + ", wrong CA, expired"},
		{"client_auth_type: RequireClientCert", Unverified, right + ", wrong name, wrong CA, expired, for servers"},
		{"client_auth_type: VerifyClientCertIfGiven" + withCA, Optional, "no certificate, " + right + ", wrong name"},
		{"client_auth_type: VerifyClientCertIfGiven" + withCA + withNames, Optional, "no certificate, " + right},
		{"client_auth_type: RequireAndVerifyClientCert" + withCA, Required, right + ", wrong name"},
		{"client_auth_type: RequireAndVerifyClientCert" + withCA + withNames, Required, right},
		{"client_auth_type: RequireAndVerifyClientCert" + withCA + "\n  client_allowed_sans: []", Required, ""},
	}
	for _, tt := range tests {
		f, err := open(t, server+"  "+tt.lines+"\n")
		if err != nil {
			t.Errorf("%s: %v", tt.lines, err)
			continue
		}
		if got := f.ClientCertificates(); got != tt.want {
			t.Errorf("%s: client certificates are %s, want %s", tt.lines, got, tt.want)
		}
		addr := serve(t, f, listen(t))
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			var in []string
			for _, c := range clients {
				config := ca.ClientTLS(c.shown...)
				config.MinVersion, config.MaxVersion = version, version
				if _, err := ask(addr, config); err == nil {
					in = append(in, c.name)
				}
			}
			if got := strings.Join(in, ", "); got != tt.in {
				t.Errorf("%s, %s: let in %s; want %s", tt.lines, tls.VersionName(version), got, tt.in)
			}
		}
	}
}

func TestClientsTrustTheServerByItsAuthority(t *testing.T) {
	ca, other := certtest.NewCA(t, "ca"), certtest.NewCA(t, "other")
	good := start(t, section(ca.Server(t, "good")))
	if _, err := ask(good, ca.ClientTLS()); err != nil {
		t.Errorf("the right authority: %v", err)
	}
	if _, err := ask(good, other.ClientTLS()); err == nil {
		t.Error("another authority vouched for the server")
	}
	if _, err := ask(start(t, section(ca.ExpiredServer(t, "old"))), ca.ClientTLS()); err == nil {
		t.Error("an expired certificate was good enough")
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	server := ca.Server(t, "server")
	tests := []struct {
		line string
		want []bool // TLS 1.1, 1.2, 1.3
	}{
		{"", []bool{false, true, true}},
		{"min_version:", []bool{false, true, true}},
		{"min_version: TLS12", []bool{false, true, true}},
		{"min_version: TLS13", []bool{false, false, true}},
		{"max_version: TLS12", []bool{false, true, false}},
		{"min_version: TLS11", []bool{true, true, true}},
	}
	for _, tt := range tests {
		addr := start(t, section(server, tt.line))
		for i, version := range []uint16{tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
			config := ca.ClientTLS()
			config.MinVersion, config.MaxVersion = version, version
			if _, err := ask(addr, config); (err == nil) != tt.want[i] {
				t.Errorf("%q, %s: got %v, want success: %t", tt.line, tls.VersionName(version), err, tt.want[i])
			}
		}
	}
}

func TestHTTP2IsNeverOffered(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	for _, line := range []string{"", "http_server_config: {http2: true}\n"} {
		addr := start(t, section(ca.Server(t, "server"))+line)
		config := ca.ClientTLS()
		config.NextProtos = []string{"h2", "http/1.1"}
		if state, err := ask(addr, config); err != nil || state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%q: got protocol %q, %v", line, state.NegotiatedProtocol, err)
		}
		config.NextProtos = []string{"h2"}
		if state, err := ask(addr, config); err == nil {
			t.Errorf("%q: a client that knows only h2 got protocol %q", line, state.NegotiatedProtocol)
		}
	}
}

func TestSessionsWithClientCertificatesAreNotResumed(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	server, client := ca.Server(t, "server"), ca.Client(t, "client")
	tests := []struct {
		lines []string
		want  bool
	}{
		{nil, true},
		{[]string{"client_auth_type: RequestClientCert"}, false},
		{[]string{"client_auth_type: RequireAnyClientCert"}, false},
		{[]string{"client_auth_type: VerifyClientCertIfGiven", "client_ca_file: " + ca.CertFile}, false},
		{[]string{"client_auth_type: RequireAndVerifyClientCert", "client_ca_file: " + ca.CertFile}, false},
	}
	for _, tt := range tests {
		addr := start(t, section(server, tt.lines...))
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			config := ca.ClientTLS(client)
			config.MinVersion, config.MaxVersion = version, version
			config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			for visit, want := range []bool{false, tt.want} {
				state, err := ask(addr, config)
				if err != nil || state.DidResume != want {
					t.Errorf("%v, %s, visit %d: resumed %t, %v, want %t", tt.lines, tls.VersionName(version), visit+1, state.DidResume, err, want)
				}
			}
		}
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	server := ca.Server(t, "server")
	dir := t.TempDir()
	for name, from := range map[string]string{"server.crt": server.CertFile, "server.key": server.KeyFile, "ca.crt": ca.CertFile} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), string(content))
	}
	path := filepath.Join(dir, "web.yml")
	writeFile(t, path, "tls_server_config:\n  cert_file: server.crt\n  key_file: ./server.key\n"+
		"  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n")
	f, err := Open(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(serve(t, f, listen(t)), ca.ClientTLS(ca.Client(t, "client"))); err != nil {
		t.Error(err)
	}
}

// inline is a YAML key whose value is the content of the file.
func inline(t *testing.T, key, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return "  " + key + ": |\n    " + strings.ReplaceAll(strings.TrimSpace(string(content)), "\n", "\n    ") + "\n"
}

func TestTextsAreInTheFileItselfUnlessAFileIsNamed(t *testing.T) {
	ca, other := certtest.NewCA(t, "ca"), certtest.NewCA(t, "other")
	server, client := ca.Server(t, "server"), ca.Client(t, "client")
	auth := "  client_auth_type: RequireAndVerifyClientCert\n"
	texts := "tls_server_config:\n" + auth +
		inline(t, "cert", server.CertFile) + inline(t, "key", server.KeyFile) + inline(t, "client_ca", ca.CertFile)
	unused := other.Server(t, "unused")
	both := section(server, "client_ca_file: "+ca.CertFile) + auth +
		inline(t, "cert", unused.CertFile) + inline(t, "key", unused.KeyFile) + inline(t, "client_ca", other.CertFile)
	for name, text := range map[string]string{"texts": texts, "both": both} {
		addr := start(t, text)
		if _, err := ask(addr, ca.ClientTLS(client)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ask(addr, ca.ClientTLS(other.Client(t, "client"))); err == nil {
			t.Errorf("%s: let in a client of another authority", name)
		}
	}
}

func TestACertificateThatCannotServeIsRefused(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	server, other := ca.Server(t, "server"), ca.Server(t, "other")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	writeFile(t, empty, "")
	tests := []struct{ name, text, want string }{
		{"key of another", section(certtest.Pair{CertFile: server.CertFile, KeyFile: other.KeyFile}), "private key does not match"},
		{"files interchanged", section(certtest.Pair{CertFile: server.KeyFile, KeyFile: server.CertFile}), "cannot use the certificate"},
		{"empty cert_file", section(certtest.Pair{CertFile: empty, KeyFile: server.KeyFile}), "cannot use the certificate (cert_file "},
		{"empty key_file", section(certtest.Pair{CertFile: server.CertFile, KeyFile: empty}), "cannot use the certificate (cert_file "},
		{
			"empty client_ca_file", section(server, "client_auth_type: RequireAndVerifyClientCert", "client_ca_file: "+empty),
			"there is no certificate in the client CA (client_ca_file ",
		},
		{
			"client_ca_file without a certificate", section(server, "client_auth_type: RequireAndVerifyClientCert", "client_ca_file: "+server.KeyFile),
			"there is no certificate in the client CA (client_ca_file ",
		},
		{
			"client_ca without a certificate", section(server, "client_auth_type: VerifyClientCertIfGiven", "client_ca: x"),
			"there is no certificate in the client CA (client_ca)",
		},
	}
	for _, tt := range tests {
		_, err := open(t, tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%s: got %v, want one line with %q", tt.name, err, tt.want)
		}
	}
}

func TestWithoutTLSTheListenerStaysAsItIs(t *testing.T) {
	f, err := open(t, "basic_auth_users: {alice: "+hashed(t, "a")+"}")
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	defer l.Close()
	if got := f.Listen(l); got != l {
		t.Errorf("got %T", got)
	}
}

func TestAUnixSocketCanHaveTLS(t *testing.T) {
	ca := certtest.NewCA(t, "ca")
	f, err := open(t, section(ca.Server(t, "server")))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", serve(t, f, l))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := visit(tls.Client(conn, ca.ClientTLS())).ask(); err != nil {
		t.Error(err)
	}
}
