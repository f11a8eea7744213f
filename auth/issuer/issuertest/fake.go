// Package issuertest is a fake OpenID Connect issuer for tests: it signs
// tokens, publishes keys, and lies in every configured way.
package issuertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Mode is a way to answer. Those that are not about keys apply to both
// documents.
type Mode string

// How the fake answers.
const (
	OK          Mode = ""
	NotFound    Mode = "404"
	ServerError Mode = "500"
	HTML        Mode = "a page, with status 200"
	Huge        Mode = "the right answer, and 8 MiB more"
	Redirect    Mode = "a redirect to where the right answer is"
	Hang        Mode = "no answer until another mode is set, and then by that"

	Empty   Mode = "no keys"
	Single  Mode = "the RSA key alone"
	NoKid   Mode = "the RSA key alone, without kid"
	RS256   Mode = "the RSA key alone, with alg RS256"
	WeakRSA Mode = "the RSA key of 1024 bits alone, with the current kid"
	Oct     Mode = "Secret as a symmetric key alone, with the kid of the RSA key"
	EncUse  Mode = "the right keys, for encryption"
	Private Mode = "the RSA key alone, with its private part"

	WrongIssuer Mode = "the discovery document of another issuer"
	SlashIssuer Mode = "the discovery document of the issuer with one slash more at its end"
	Downgrade   Mode = "a jwks_uri with http"
	NoJWKSURI   Mode = "no jwks_uri"
)

// Fake is an issuer on 127.0.0.1. It has one key for each kind of algorithm and
// publishes them all, without alg. It ends with the test, and is safe for
// concurrent use.
type Fake struct {
	t      testing.TB
	server *httptest.Server
	caPEM  []byte
	down   atomic.Bool

	mu         sync.Mutex
	path       string // of the issuer, behind the server's address
	generation int
	current    keyring
	previous   keyring // published too, if not nil
	weak       *signer
	jwks       Mode
	jwksRaw    string // published instead, if not empty
	discovery  Mode
	changed    chan struct{} // closed when a mode is set
	described  map[string]any
	routes     map[string]http.Handler
	requests   []string
}

// New starts an issuer that speaks plain http.
func New(t testing.TB) *Fake {
	t.Helper()
	f := prepare(t)
	f.server.Start()
	return f
}

// NewTLS starts an issuer that speaks https, with a certificate authority of
// its own.
func NewTLS(t testing.TB) *Fake {
	t.Helper()
	f := prepare(t)
	certificate := selfSigned(t)
	f.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	f.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	f.server.StartTLS()
	return f
}

func prepare(t testing.TB) *Fake {
	t.Helper()
	f := &Fake{t: t, changed: make(chan struct{}), described: map[string]any{}, routes: map[string]http.Handler{}}
	f.Rotate(false)
	f.server = httptest.NewUnstartedServer(f)
	f.server.Listener = &refusing{Listener: f.server.Listener, down: &f.down}
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f.server.Config.SetKeepAlivesEnabled(false) // or a client could go on while the fake is down
	t.Cleanup(func() {
		f.SetJWKS(NotFound) // ends what hangs
		f.SetDiscovery(NotFound)
		f.server.Close()
	})
	return f
}

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: private}
}

// refusing drops connections while the fake is down. The listener itself stays,
// or another program could get its port.
type refusing struct {
	net.Listener
	down *atomic.Bool
}

func (r *refusing) Accept() (net.Conn, error) {
	for {
		c, err := r.Listener.Accept()
		if err != nil || !r.down.Load() {
			return c, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset
		}
		c.Close()
	}
}

// Down makes the issuer unreachable, at the same address.
func (f *Fake) Down() { f.down.Store(true) }

// Up ends Down.
func (f *Fake) Up() { f.down.Store(false) }

// CAPEM is the certificate authority of an issuer with TLS, as a PEM file has
// it.
func (f *Fake) CAPEM() []byte { return slices.Clone(f.caPEM) }

// CAs is a pool with that certificate authority alone.
func (f *Fake) CAs() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(f.caPEM)
	return pool
}

// SetPath sets what follows the server's address in the issuer: "/" or
// "/realms/r", say. It is empty at first.
func (f *Fake) SetPath(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path = path
}

// Issuer is the iss of tokens.
func (f *Fake) Issuer() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.server.URL + f.path
}

// JWKSURI returns the address of the keys in the discovery document. They are
// at the default path too.
func (f *Fake) JWKSURI() string { return strings.TrimRight(f.Issuer(), "/") + "/keys" }

// SetJWKS sets how the fake answers when asked for its keys.
func (f *Fake) SetJWKS(m Mode) {
	f.set(func() { f.jwks, f.jwksRaw = m, "" })
}

// SetRawJWKS sets what the fake answers when asked for its keys.
func (f *Fake) SetRawJWKS(body string) {
	f.set(func() { f.jwks, f.jwksRaw = OK, body })
}

// SetDiscovery sets how the fake answers when asked for its discovery document.
func (f *Fake) SetDiscovery(m Mode) {
	f.set(func() { f.discovery = m })
}

// Describe adds a field to the discovery document, or changes it whatever the
// mode is; Drop takes it out.
func (f *Fake) Describe(field string, value any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.described[field] = value
}

// Handle leaves a path, seen from the issuer, to somebody else.
func (f *Fake) Handle(path string, h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.routes[path] = h
}

// set changes modes and wakes what hangs.
func (f *Fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

// Requests returns the paths that were asked for so far, in order.
func (f *Fake) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Fetches counts the requests for either document so far, including those that
// still hang. Requests while the fake was down don't count.
func (f *Fake) Fetches() (discovery, jwks int) {
	for _, path := range f.Requests() {
		switch {
		case strings.HasSuffix(path, discoveryPath):
			discovery++
		case strings.HasSuffix(path, keysPath), strings.HasSuffix(path, defaultKeysPath):
			jwks++
		}
	}
	return discovery, jwks
}

const (
	discoveryPath   = "/.well-known/openid-configuration"
	defaultKeysPath = "/.well-known/jwks.json"
	keysPath        = "/keys"
	movedPath       = "/moved"
)

// ServeHTTP answers exactly the paths of the issuer.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.URL.Path)
	base := strings.TrimRight(f.path, "/")
	f.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, base)
	if h := f.route(path); ok && h != nil {
		h.ServeHTTP(w, r)
		return
	}
	path, moved := strings.CutSuffix(path, movedPath)
	switch {
	case ok && path == discoveryPath:
		f.answer(w, r, moved, func() Mode { return f.discovery }, f.discoveryDocument)
	case ok && (path == keysPath || path == defaultKeysPath):
		f.answer(w, r, moved, func() Mode { return f.jwks }, f.keysDocument)
	default:
		http.NotFound(w, r)
	}
}

func (f *Fake) route(path string) http.Handler {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.routes[path]
}

func (f *Fake) answer(w http.ResponseWriter, r *http.Request, moved bool, mode func() Mode, document func(Mode) []byte) {
	m, hung := f.await(r, mode)
	if hung {
		return
	}
	if m == Redirect && moved {
		m = OK
	}
	switch m {
	case NotFound:
		http.NotFound(w, r)
	case ServerError:
		http.Error(w, "broken", http.StatusInternalServerError)
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title>")
	case Redirect:
		http.Redirect(w, r, r.URL.Path+movedPath, http.StatusFound)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(document(m))
		if m == Huge {
			_, _ = io.WriteString(w, strings.Repeat(" ", 8<<20))
		}
	}
}

// await returns the mode when it is not to hang, or that the client is gone.
func (f *Fake) await(r *http.Request, mode func() Mode) (m Mode, gone bool) {
	for {
		f.mu.Lock()
		m, changed := mode(), f.changed
		f.mu.Unlock()
		if m != Hang {
			return m, false
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return m, true
		}
	}
}

func (f *Fake) discoveryDocument(m Mode) []byte {
	issuer, keys := f.Issuer(), f.JWKSURI()
	switch m {
	case WrongIssuer:
		issuer = "https://other.example"
	case SlashIssuer:
		issuer += "/"
	case Downgrade:
		keys = strings.Replace(keys, "https:", "http:", 1)
	case NoJWKSURI:
		keys = ""
	}
	document := map[string]any{"issuer": issuer, "jwks_uri": keys}
	f.mu.Lock()
	maps.Copy(document, f.described)
	f.mu.Unlock()
	return f.encode(withoutDropped(document))
}

func (f *Fake) keysDocument(m Mode) []byte {
	f.mu.Lock()
	raw := f.jwksRaw
	f.mu.Unlock()
	if raw != "" {
		return []byte(raw)
	}
	return f.encode(map[string]any{"keys": f.published(m)})
}

func (f *Fake) encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		f.t.Errorf("the fake can't encode its answer: %v", err)
	}
	return raw
}
