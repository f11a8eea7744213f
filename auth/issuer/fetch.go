package issuer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

const (
	maxDocument = 1 << 20
	maxHeader   = 64 << 10
	maxCause    = 400 // bytes of an error, which may quote what the issuer sent
)

var errTooLarge = errors.New("the answer is larger than 1 MiB")

// source is a place to fetch keys from.
type source struct {
	uri string
	by  string // what named it, for people
	// passed is why a better source was not used; nil for the best.
	passed error
}

// NewClient returns a client that follows no redirect, and keeps no cookie and
// no connection. It trusts roots, or the system's if that is nil. Its users
// have to bound the time and the size of an answer, but not of its header.
func NewClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  environmentProxy,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// environmentProxy replaces the error of a bad proxy address, which would
// repeat it together with its password.
func environmentProxy(r *http.Request) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errors.New("the proxy that the environment names is not valid")
	}
	return proxy, nil
}

// fetch asks the issuer for its keys.
func (i *Issuer) fetch(ctx context.Context) (keySet, source, error) {
	from, err := i.locate(ctx)
	if err != nil {
		return nil, from, err
	}
	raw, err := i.read(ctx, from.uri)
	if err != nil {
		return nil, from, from.blame(err)
	}
	keys, err := parse(raw)
	if err != nil {
		return nil, from, from.blame(fmt.Errorf("%s: %w", shown(from.uri), err))
	}
	return keys, from, nil
}

// blame adds to a failure of the source why no better one was used.
func (s source) blame(err error) error {
	if s.passed == nil {
		return err
	}
	return fmt.Errorf("%w; tried because of %w", err, s.passed)
}

// locate finds out where the keys are. Only an issuer whose discovery document
// can't be had is asked at the default path; one that has a wrong document is
// not the configured issuer, or is set up wrongly.
func (i *Issuer) locate(ctx context.Context) (source, error) {
	if i.o.JWKSURI != "" {
		return source{uri: i.o.JWKSURI, by: "configuration"}, nil
	}
	discovery, err := i.discoveryURI()
	if err != nil {
		return source{}, err
	}
	// A discovery that hangs must leave time for the keys.
	half, cancel := context.WithTimeout(ctx, i.o.Timeout/2)
	defer cancel()
	raw, err := i.document(half, discovery)
	switch {
	case errors.Is(err, errTooLarge):
		return source{}, err
	case err != nil && i.discovered != "":
		return source{uri: i.discovered, by: "discovery", passed: err}, nil
	case err != nil:
		base := strings.TrimSuffix(discovery, discoveryPath)
		return source{uri: base + defaultKeysPath, by: "default path", passed: err}, nil
	}
	uri, err := discover(raw, i.o.Issuer)
	if err != nil {
		return source{}, fmt.Errorf("%s: %w", shown(discovery), err)
	}
	i.discovered = uri
	return source{uri: uri, by: "discovery"}, nil
}

// read returns the document at an address.
func (i *Issuer) read(ctx context.Context, uri string) ([]byte, error) {
	raw, err := i.get(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(uri), err)
	}
	return raw, nil
}

func (i *Issuer) get(ctx context.Context, uri string) ([]byte, error) {
	if _, err := parseAddress(uri); err != nil {
		return nil, fmt.Errorf("the address %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gatehouse")
	resp, err := i.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDocument {
		return nil, errTooLarge
	}
	return raw, nil
}

// withoutURL takes the address out of an error of net/http, and the time of day
// out of that of an expired certificate, with which it would always be news.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if c, ok := errors.AsType[x509.CertificateInvalidError](err); ok && c.Reason == x509.Expired {
		return errors.New("the certificate has expired or is not yet valid")
	}
	return err
}

// localPort is the changing part in errors of net, "127.0.0.1:40312->".
var localPort = regexp.MustCompile(`\S+->`)

// Cause makes an error of a client fit for logs: short, without the address, and
// the same for the same reason.
func Cause(err error) error { return cause(withoutURL(err)) }

// cause makes an error short, and the same for the same reason.
func cause(err error) error {
	text := localPort.ReplaceAllString(err.Error(), "")
	if len(text) > maxCause {
		text = strings.ToValidUTF8(text[:maxCause], "") + "…"
	}
	return errors.New(text)
}
