package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoMetadata says that the issuer's discovery document was never read, or
// that the caller did not wait for it.
var ErrNoMetadata = errors.New("the discovery document of the issuer is not available at present")

// Metadata is the part of a discovery document that sign-ins need. All
// endpoints are absolute http or https URLs, and are https if the issuer is.
type Metadata struct {
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`    // empty: there is none
	EndSessionEndpoint    string   `json:"end_session_endpoint"` // empty: there is none
	Scopes                []string `json:"scopes_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	SigningAlgorithms     []string `json:"id_token_signing_alg_values_supported"` // of ID tokens
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported"`
}

// parseMetadata reads a discovery document of the issuer.
func parseMetadata(raw []byte, issuer string) (Metadata, error) {
	var document struct {
		Issuer string `json:"issuer"`
		Metadata
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		return Metadata{}, fmt.Errorf("not a discovery document: %w", err)
	}
	if err := sameIssuer(document.Issuer, issuer); err != nil {
		return Metadata{}, err
	}
	m := document.Metadata
	for _, endpoint := range []struct {
		name, address string
		optional      bool
	}{
		{"authorization_endpoint", m.AuthorizationEndpoint, false},
		{"token_endpoint", m.TokenEndpoint, false},
		{"userinfo_endpoint", m.UserinfoEndpoint, true},
		{"end_session_endpoint", m.EndSessionEndpoint, true},
	} {
		if endpoint.address == "" && endpoint.optional {
			continue
		}
		if err := checkEndpoint(endpoint.address, issuer); err != nil {
			return Metadata{}, fmt.Errorf("its %s %w", endpoint.name, err)
		}
	}
	return m, nil
}

// checkEndpoint refuses an address of a discovery document to which secrets of
// the issuer's users should not be sent.
func checkEndpoint(address, issuer string) error {
	u, err := parseAddress(address)
	if err != nil {
		return err
	}
	if own, err := parseAddress(issuer); err != nil || own.Scheme == "https" && u.Scheme != "https" {
		return errors.New("is not https, as the issuer is")
	}
	return nil
}

// unusedAge is the maximum age of a document from which a fetch of keys learns
// their address: about as long as a sign-in takes.
const unusedAge = 10 * time.Minute

// description is the state of the issuer's metadata. The issuer's mu guards it.
type description struct {
	metadata *Metadata     // nil: never read
	read     time.Time     // when metadata was asked for
	tried    time.Time     // when the last attempt began
	failure  error         // of the last attempt
	running  chan struct{} // closed when the attempt is over; nil: none is running
	unused   []byte        // the document, if no fetch of keys has seen it yet
}

// Metadata is what the discovery document says. It is read when it is first
// needed, and anew when it is older than MaxAge; the old one serves if that
// fails. An attempt takes at most Timeout, and follows a failed one after MinGap
// at the earliest. The error is ErrNoMetadata, wrapped with its cause.
//
// The caller waits until ctx ends. One that has ended asks for the document all
// the same, for the next caller. The result is shared: it must not be modified.
func (i *Issuer) Metadata(ctx context.Context) (Metadata, error) {
	if running := i.requestMetadata(); running != nil {
		select {
		case <-running:
		case <-ctx.Done():
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	switch d := &i.described; {
	case d.metadata != nil:
		return *d.metadata, nil
	case d.failure != nil:
		return Metadata{}, fmt.Errorf("%w: %w", ErrNoMetadata, d.failure)
	default:
		return Metadata{}, fmt.Errorf("%w: %w", ErrNoMetadata, ctx.Err())
	}
}

// requestMetadata starts reading the document if that is due and allowed. It
// returns what to wait for, or nil.
func (i *Issuer) requestMetadata() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	d, now := &i.described, i.o.Now()
	if d.metadata != nil && !over(i.o.MaxAge, d.read, now) {
		return nil
	}
	if d.running == nil && over(i.o.MinGap, d.tried, now) {
		d.tried, d.running = now, make(chan struct{})
		go i.readMetadata(now)
	}
	return d.running
}

func (i *Issuer) readMetadata(began time.Time) {
	ctx, cancel := context.WithTimeout(i.ctx, i.o.Timeout)
	defer cancel()
	uri, err := i.discoveryURI()
	var raw []byte
	if err == nil {
		raw, err = i.read(ctx, uri)
	}
	var m Metadata
	if err == nil {
		if m, err = parseMetadata(raw, i.o.Issuer); err != nil {
			err = fmt.Errorf("%s: %w", shown(uri), err)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	d := &i.described
	if d.failure = nil; err != nil {
		d.failure = cause(err)
	} else {
		d.metadata, d.read, d.unused = &m, began, raw
	}
	close(d.running)
	d.running = nil
}

// discoveryURI returns the address of the issuer's discovery document.
func (i *Issuer) discoveryURI() (string, error) {
	own, err := parseAddress(i.o.Issuer)
	if err != nil {
		return "", fmt.Errorf("the issuer %w", err)
	}
	if own.RawQuery != "" || own.Fragment != "" {
		return "", errors.New("the issuer has a query or a fragment")
	}
	return strings.TrimRight(i.o.Issuer, "/") + discoveryPath, nil
}

// document returns the discovery document for a fetch of keys: the one that was
// read for the metadata just before, but only once, or else a new one, which
// renews the metadata too.
func (i *Issuer) document(ctx context.Context, uri string) ([]byte, error) {
	if raw := i.takeUnused(); raw != nil {
		return raw, nil
	}
	began := i.o.Now()
	raw, err := i.read(ctx, uri)
	if err != nil {
		return nil, err
	}
	// Verifying tokens does not need the metadata.
	if m, err := parseMetadata(raw, i.o.Issuer); err == nil {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.described.metadata, i.described.read, i.described.failure = &m, began, nil
	}
	return raw, nil
}

func (i *Issuer) takeUnused() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	raw := i.described.unused
	i.described.unused = nil
	if over(unusedAge, i.described.read, i.o.Now()) {
		return nil
	}
	return raw
}
