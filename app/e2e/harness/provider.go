package harness

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Provider is a certified OpenID provider. The clients that it knows are listed
// in its script.
type Provider struct {
	*Child
	Issuer string
}

// StartProvider runs a provider on a free port.
func StartProvider(t *testing.T) *Provider {
	t.Helper()
	return StartProviderOn(t, "127.0.0.1", "0")
}

// StartProviderOn runs a provider at an address; the port 0 is a free one.
func StartProviderOn(t *testing.T, host, port string) *Provider {
	t.Helper()
	node := Tool(t, "node")
	if _, err := os.Stat(filepath.Join(Root, "node_modules", "oidc-provider")); err != nil {
		Missing(t, "oidc-provider is not installed (npm ci installs it)")
	}
	script, err := filepath.Abs(filepath.Join(Root, "app", "e2e", "harness", "testdata", "provider.mjs"))
	Must(t, err)
	c := Launch(t, nil, node, script, host, port)
	t.Cleanup(func() { hideIssued(c.Log.String()) })
	return &Provider{c, c.Wrote(`issuer=(\S+)`)[1]}
}

// hideIssued keeps secret what a provider has issued to people. A token's signature
// is as good as the token, its claims are no secret.
func hideIssued(log string) {
	for _, issued := range regexp.MustCompile(`issued code=(\S+) signature=(\S+) access_token=(\S+)`).FindAllStringSubmatch(log, -1) {
		KeepSecret("a code", issued[1])
		KeepSecret("the signature of an ID token", issued[2])
		KeepSecret("an access token", issued[3])
	}
}

// ClientMetadata is that of a client, as a provider registers it.
type ClientMetadata struct {
	ID                string   `json:"client_id"`
	Secret            string   `json:"client_secret,omitempty"` // "": a public client
	Redirects         []string `json:"redirect_uris"`
	LogoutRedirects   []string `json:"post_logout_redirect_uris"`
	BackchannelLogout string   `json:"backchannel_logout_uri,omitempty"`
}

// Knows registers a client with the provider.
func (p *Provider) Knows(t *testing.T, metadata ClientMetadata) {
	t.Helper()
	body, err := json.Marshal(metadata)
	Must(t, err)
	resp, err := client.Post(p.Issuer+"/test/clients", "application/json", bytes.NewReader(body))
	Must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != 204 {
		why, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s", resp.Status, why)
	}
}

// Accepts returns the environment of a server that trusts the provider, and where
// being local is of no use.
func (p *Provider) Accepts(audience string) []string {
	return []string{"JWT_ISSUER=" + p.Issuer, "JWT_AUDIENCE=" + audience, "AUTH_LOCALHOST_BYPASS=false"}
}

// Token returns an access token from the token endpoint.
func (p *Provider) Token(name, audience string) string {
	p.T.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {"urn:" + audience}}
	req, err := http.NewRequestWithContext(p.T.Context(), "POST", p.Issuer+"/token", strings.NewReader(form.Encode()))
	Must(p.T, err)
	req.SetBasicAuth(name, name)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	Must(p.T, err)
	defer resp.Body.Close()
	var granted struct {
		Token string `json:"access_token"`
	}
	Must(p.T, json.NewDecoder(resp.Body).Decode(&granted))
	if resp.StatusCode != 200 || strings.Count(granted.Token, ".") != 2 {
		p.T.Fatalf("the provider answers %s %q", resp.Status, granted.Token)
	}
	return granted.Token
}

// Rotate has the provider sign with new keys, and publish the old ones or not.
func (p *Provider) Rotate(query string) {
	p.T.Helper()
	resp, err := client.Post(p.Issuer+"/test/rotate"+query, "", nil)
	Must(p.T, err)
	resp.Body.Close()
	if resp.StatusCode != 204 {
		p.T.Fatal(resp.Status)
	}
}
