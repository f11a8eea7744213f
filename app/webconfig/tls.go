package webconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/config"
	"github.com/prometheus/exporter-toolkit/web"
)

// ClientCertificates is a server's requirement for clients, from the least to
// the most.
type ClientCertificates uint8

const (
	// None are asked for.
	None ClientCertificates = iota
	// Unverified ones are taken, whatever their issuer: they prove nothing.
	Unverified
	// Optional ones must be good if there are any.
	Optional
	// Required ones must be there and good.
	Required
)

// String is a word for logs and people.
func (c ClientCertificates) String() string {
	return [...]string{"none", "unverified", "optional", "required"}[c]
}

// verified reports whether a certificate is checked against the client CAs.
func (c ClientCertificates) verified() bool { return c >= Optional }

var clientAuthTypes = map[string]ClientCertificates{
	"":                           None,
	"NoClientCert":               None,
	"RequestClientCert":          Unverified,
	"RequireClientCert":          Unverified,
	"RequireAnyClientCert":       Unverified,
	"VerifyClientCertIfGiven":    Optional,
	"RequireAndVerifyClientCert": Required,
}

// checkTLS refuses, beside what makes no sense, what would let more clients in
// than it seems.
func checkTLS(c *web.Config) error {
	t := c.TLSConfig
	clients, known := clientAuthTypes[t.ClientAuth]
	hasCA := t.ClientCAs != "" || t.ClientCAsText != ""
	var problem string
	switch {
	case t.IsEnabled() && t.TLSCert == "" && t.TLSCertPath == "":
		problem = "cert or cert_file is missing"
	case t.IsEnabled() && t.TLSKey == "" && t.TLSKeyPath == "":
		problem = "key or key_file is missing"
	case t.MaxVersion != 0 && t.MaxVersion < t.MinVersion:
		problem = "max_version is below min_version"
	case !known:
		problem = "client_auth_type must be NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert"
	case hasCA && clients == None:
		problem = "client_ca and client_ca_file have no effect without client_auth_type"
	case t.ClientAllowedSans != nil && clients == None:
		problem = "client_allowed_sans has no effect without client_auth_type"
	case clients.verified() && !hasCA:
		// Go would take certificates of every authority the system trusts.
		problem = "client_auth_type " + t.ClientAuth + " needs client_ca or client_ca_file"
	default:
		return nil
	}
	return errors.New("tls_server_config: " + problem)
}

// configuration returns the configuration of the source, if it is valid.
func (s source) configuration() (*configuration, error) {
	if s.err != nil {
		return nil, s.err
	}
	c := &configuration{clients: clientAuthTypes[s.config.TLSConfig.ClientAuth]}
	if len(s.config.HTTPConfig.Header) > 0 {
		c.headers = s.config.HTTPConfig.Header
	}
	if s.config.Users != nil {
		c.users = make(map[string]string, len(s.config.Users))
		for name, hash := range s.config.Users {
			c.users[name] = string(hash)
		}
	}
	if !s.config.TLSConfig.IsEnabled() {
		return c, nil
	}
	var err error
	c.tls, err = s.pems.serverTLS(s.config.TLSConfig)
	return c, err
}

// serverTLS makes c effective with the texts that were read for it. The
// certificate is loaded here and not at each handshake, so that a broken file
// shows now, and files that change are taken together or not at all.
func (p pems) serverTLS(c web.TLSConfig) (*tls.Config, error) {
	cert, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the certificate (%s) with its key (%s): %w",
			place("cert", c.TLSCertPath), place("key", c.TLSKeyPath), err)
	}
	if hasCA := c.ClientCAs != "" || c.ClientCAsText != ""; hasCA && !x509.NewCertPool().AppendCertsFromPEM(p.clientCAs) {
		return nil, fmt.Errorf("there is no certificate in the client CA (%s)", place("client_ca", c.ClientCAs))
	}
	c.TLSCertPath, c.TLSKeyPath, c.ClientCAs = "", "", ""
	c.TLSCert, c.TLSKey, c.ClientCAsText = string(p.cert), config.Secret(p.key), string(p.clientCAs)
	t, err := web.ConfigToTLSConfig(&c)
	if err != nil {
		return nil, fmt.Errorf("tls_server_config: %w", err)
	}
	t.GetCertificate = nil
	t.Certificates = []tls.Certificate{cert}
	t.NextProtos = []string{"http/1.1"}
	// A session that is resumed would outlive a change of the client CAs.
	t.SessionTicketsDisabled = t.ClientAuth != tls.NoClientCert
	t.VerifyPeerCertificate = nil // takes for granted that there is a certificate
	if c.ClientAllowedSans != nil {
		t.VerifyConnection = allowNames(c.ClientAllowedSans)
	}
	return t, nil
}

// place says where a text comes from.
func place(key, path string) string {
	if path == "" {
		return key
	}
	return fmt.Sprintf("%s_file %q", key, path)
}

// allowNames refuses clients whose certificate has none of the allowed
// alternative names. Whether there must be a certificate is not its matter.
func allowNames(allowed []string) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 || slices.ContainsFunc(alternativeNames(s.PeerCertificates[0]), func(name string) bool {
			return slices.Contains(allowed, name)
		}) {
			return nil
		}
		return errors.New("client_allowed_sans has none of the names of the client's certificate")
	}
}

func alternativeNames(c *x509.Certificate) []string {
	names := slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	for _, uri := range c.URIs {
		names = append(names, uri.String())
	}
	return names
}
