// Package certtest makes certificates for tests: authorities, and what they
// sign for servers and clients. Keys and certificates are real and the files
// are gone after the test.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// CA is a certificate authority. One made by another NewCA is the wrong one.
type CA struct {
	CertFile string // PEM

	cert *x509.Certificate
	key  crypto.Signer
}

// Pair is a certificate with its key, in files and ready for use.
type Pair struct {
	CertFile, KeyFile string // PEM
	Certificate       tls.Certificate
}

// NewCA makes an authority with a key of its own. Its name is for people.
func NewCA(t testing.TB, name string) *CA {
	t.Helper()
	template := valid(name)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign
	key := newKey(t)
	cert := sign(t, template, template, key, key)
	return &CA{CertFile: write(t, "CERTIFICATE", cert.Raw), cert: cert, key: key}
}

// Server makes a certificate for localhost, 127.0.0.1 and ::1 with this common
// name.
func (ca *CA) Server(t testing.TB, name string) Pair {
	t.Helper()
	return ca.issue(t, server(name))
}

// ExpiredServer makes what Server makes, which ended an hour ago.
func (ca *CA) ExpiredServer(t testing.TB, name string) Pair {
	t.Helper()
	return ca.issue(t, expired(server(name)))
}

// Client makes a certificate for a client with this common name and these
// alternative names: DNS names, mail addresses, IP addresses or URIs.
func (ca *CA) Client(t testing.TB, name string, sans ...string) Pair {
	t.Helper()
	return ca.issue(t, client(t, name, sans))
}

// ExpiredClient makes what Client makes, which ended an hour ago.
func (ca *CA) ExpiredClient(t testing.TB, name string, sans ...string) Pair {
	t.Helper()
	return ca.issue(t, expired(client(t, name, sans)))
}

// Pool holds the authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// ClientTLS makes the configuration of a client that trusts this authority
// only. It shows the first of the pairs whenever it is asked for a certificate,
// also where the server says that it trusts another authority, as an attacker
// would; without pairs it shows none.
func (ca *CA) ClientTLS(pairs ...Pair) *tls.Config {
	return &tls.Config{
		RootCAs:    ca.Pool(),
		ServerName: "localhost",
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(pairs) == 0 {
				return &tls.Certificate{}, nil
			}
			return &pairs[0].Certificate, nil
		},
	}
}

func (ca *CA) issue(t testing.TB, template *x509.Certificate) Pair {
	t.Helper()
	key := newKey(t)
	cert := sign(t, template, ca.cert, key, ca.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{
		CertFile:    write(t, "CERTIFICATE", cert.Raw),
		KeyFile:     write(t, "PRIVATE KEY", der),
		Certificate: tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert},
	}
}

func server(name string) *x509.Certificate {
	c := valid(name)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	c.DNSNames = []string{"localhost"}
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	return c
}

func client(t testing.TB, name string, sans []string) *x509.Certificate {
	t.Helper()
	c := valid(name)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, san := range sans {
		switch ip := net.ParseIP(san); {
		case ip != nil:
			c.IPAddresses = append(c.IPAddresses, ip)
		case strings.Contains(san, "://"):
			uri, err := url.Parse(san)
			if err != nil {
				t.Fatal(err)
			}
			c.URIs = append(c.URIs, uri)
		case strings.Contains(san, "@"):
			c.EmailAddresses = append(c.EmailAddresses, san)
		default:
			c.DNSNames = append(c.DNSNames, san)
		}
	}
	return c
}

func valid(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject:      pkix.Name{CommonName: name},
		SerialNumber: big.NewInt(now.UnixNano()),
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func expired(c *x509.Certificate) *x509.Certificate {
	c.NotAfter = time.Now().Add(-time.Hour)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, parentKey crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// write puts each file in a directory of its own.
func write(t testing.TB, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.ReplaceAll(strings.ToLower(kind), " ", "-")+".pem")
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
