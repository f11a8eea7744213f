package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// startEnv runs Gatehouse on a new store, with variables in its environment.
func startEnv(t *testing.T, env []string, args ...string) *server {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	c := launch(t, env, binary, append([]string{loopback, "--storage.path=" + dir}, args...)...)
	s := listening(c, `msg=Listening address=(\S+)`)
	s.dir = dir
	return s
}

// provider is a certified OpenID provider. The clients that it knows are listed
// in its script.
type provider struct {
	*child
	issuer string
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	return startProviderOn(t, "127.0.0.1", "0")
}

func startProviderOn(t *testing.T, host, port string) *provider {
	t.Helper()
	node := tool(t, "node")
	if _, err := os.Stat(filepath.Join(root, "node_modules", "oidc-provider")); err != nil {
		missing(t, "oidc-provider is not installed (npm ci installs it)")
	}
	script, err := filepath.Abs(filepath.Join("testdata", "provider.mjs"))
	must(t, err)
	c := launch(t, nil, node, script, host, port)
	t.Cleanup(func() { hideIssued(c.log.String()) })
	return &provider{c, c.wrote(`issuer=(\S+)`)[1]}
}

// hideIssued tells of what a provider has issued to people. A token's signature
// is as good as the token, its claims are no secret.
func hideIssued(log string) {
	for _, issued := range regexp.MustCompile(`issued code=(\S+) signature=(\S+) access_token=(\S+)`).FindAllStringSubmatch(log, -1) {
		hidden("a code", issued[1])
		hidden("the signature of an ID token", issued[2])
		hidden("an access token", issued[3])
	}
}

// clientMetadata is that of a client, as a provider registers it.
type clientMetadata struct {
	ID                string   `json:"client_id"`
	Secret            string   `json:"client_secret,omitempty"` // "": a public client
	Redirects         []string `json:"redirect_uris"`
	LogoutRedirects   []string `json:"post_logout_redirect_uris"`
	BackchannelLogout string   `json:"backchannel_logout_uri,omitempty"`
}

// knows registers a client with the provider.
func (p *provider) knows(t *testing.T, metadata clientMetadata) {
	t.Helper()
	body, err := json.Marshal(metadata)
	must(t, err)
	resp, err := client.Post(p.issuer+"/test/clients", "application/json", bytes.NewReader(body))
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != 204 {
		why, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s: %s", resp.Status, why)
	}
}

// accepts is the environment of a server that trusts the provider, and where
// being local is of no use.
func (p *provider) accepts(audience string) []string {
	return []string{"JWT_ISSUER=" + p.issuer, "JWT_AUDIENCE=" + audience, "AUTH_LOCALHOST_BYPASS=false"}
}

// token is an access token from the token endpoint.
func (p *provider) token(name, audience string) string {
	p.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {"urn:" + audience}}
	req, err := http.NewRequestWithContext(p.t.Context(), "POST", p.issuer+"/token", strings.NewReader(form.Encode()))
	must(p.t, err)
	req.SetBasicAuth(name, name)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	must(p.t, err)
	defer resp.Body.Close()
	var granted struct {
		Token string `json:"access_token"`
	}
	must(p.t, json.NewDecoder(resp.Body).Decode(&granted))
	if resp.StatusCode != 200 || strings.Count(granted.Token, ".") != 2 {
		p.t.Fatalf("the provider answers %s %q", resp.Status, granted.Token)
	}
	return granted.Token
}

// rotate has the provider sign with new keys, and publish the old ones or not.
func (p *provider) rotate(query string) {
	p.t.Helper()
	resp, err := client.Post(p.issuer+"/test/rotate"+query, "", nil)
	must(p.t, err)
	resp.Body.Close()
	if resp.StatusCode != 204 {
		p.t.Fatal(resp.Status)
	}
}

// algorithm is what a token says to be signed with.
func algorithm(t *testing.T, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	must(t, err)
	var header struct{ Alg string }
	must(t, json.Unmarshal(b, &header))
	return header.Alg
}

// bearing does a request with a bearer token.
func (s *server) bearing(token, method, target, body string) answer {
	s.t.Helper()
	return s.do(method, target, body, "Authorization", "Bearer "+token)
}

func (s *server) wantBearing(status int, token, method, target, body string) answer {
	s.t.Helper()
	return s.want(status, method, target, body, "Authorization", "Bearer "+token)
}

func TestTokensOfARealProviderPushAndScrape(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	s := startEnv(t, p.accepts("gatehouse"))
	for name, alg := range map[string]string{"admin": "RS256", "admin-es256": "ES256", "stranger": "RS256"} {
		token := p.token(name, "gatehouse")
		if got := algorithm(t, token); got != alg {
			t.Fatalf("%s has a token signed with %s, want %s", name, got, alg)
		}
		s.wantBearing(200, token, "PUT", "/metrics/job/"+name, "m 1\n")
		a := s.wantBearing(200, token, "GET", "/metrics", "")
		if want := fmt.Sprintf("m{instance=\"\",job=%q} 1\n", name); !strings.Contains(a.body, want) {
			t.Errorf("%s does not see %s", name, want)
		}
	}
	s.want(401, "GET", "/metrics", "")
}

func TestATokenForAnotherAudienceOrWithATraceOfForgeryIsRefused(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	s := startEnv(t, p.accepts("gatehouse"))
	good := p.token("admin", "gatehouse")
	s.wantBearing(200, good, "PUT", "/metrics/job/x", "m 1\n")
	parts, others := strings.Split(good, "."), strings.Split(p.token("reader", "gatehouse"), ".")
	for name, token := range map[string]string{
		"another audience":           p.token("admin", "other"),
		"an audience that begins so": p.token("admin", "gatehouse2"),
		"the signature of another":   strings.Join([]string{parts[0], parts[1], others[2]}, "."),
		"the claims of another":      strings.Join([]string{parts[0], others[1], parts[2]}, "."),
		"no signature":               parts[0] + "." + parts[1] + ".",
		"no token":                   "x",
	} {
		a := s.bearing(token, "PUT", "/metrics/job/x", "m 2\n")
		if a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %v, challenge %q; want 401 and a challenge", name, a, a.header.Get("WWW-Authenticate"))
		}
		if a := s.bearing(token, "GET", "/metrics", ""); a.status != 401 {
			t.Errorf("%s: %v, want 401", name, a)
		}
	}
	if a := s.wantBearing(200, good, "GET", "/metrics/job/x", ""); !strings.Contains(a.body, "} 1\n") {
		t.Errorf("a refused push changed what is held:\n%s", a.body)
	}
	if strings.Contains(s.log.String(), parts[2]) {
		t.Error("the log holds a token's signature")
	}
}

func TestTheGroupsOfATokenDecideWhatItMayDo(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	s := startEnv(t, p.accepts("gatehouse"), "--web.enable-admin-api", "--auth.role-map=admins=admin,pushers=pusher,readers=reader")
	requests := []struct{ method, target, body string }{
		{"PUT", "/metrics/job/x", "m 1\n"},
		{"GET", "/metrics", ""},
		{"GET", "/metrics/job/x", ""},
		{"DELETE", "/metrics/job/x/instance@base64/=", ""},
		{"PUT", "/api/v1/admin/wipe", ""},
	}
	admin := p.token("admin", "gatehouse")
	for name, want := range map[string][]int{
		"admin":       {200, 200, 200, 202, 202},
		"admin-es256": {200, 200, 200, 202, 202},
		"pusher":      {200, 200, 200, 202, 403},
		"reader":      {403, 200, 200, 403, 403},
		"stranger":    {403, 403, 403, 403, 403},
	} {
		token := p.token(name, "gatehouse")
		for i, r := range requests {
			s.wantBearing(200, admin, "PUT", "/metrics/job/x", "m 1\n")
			if a := s.bearing(token, r.method, r.target, r.body); a.status != want[i] {
				t.Errorf("%s: %v, want %d", name, a, want[i])
			}
		}
	}
}

func TestNewKeysAreFoundAndDroppedOnesForgotten(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	s := startEnv(t, p.accepts("gatehouse"))
	push := func(token string) int { return s.bearing(token, "PUT", "/metrics/job/x", "m 1\n").status }
	// Keys are fetched once in some seconds, however many tokens ask for it.
	taken := func(token string) {
		t.Helper()
		until(t, "a token of the new keys to be taken", func() string {
			switch status := push(token); status {
			case 200:
				return ""
			case 401, 503:
				return fmt.Sprint(status)
			default:
				t.Fatalf("status %d", status)
				return ""
			}
		})
	}
	first := p.token("admin", "gatehouse")
	taken(first)

	p.rotate("?keep")
	second, third := p.token("admin", "gatehouse"), p.token("admin-es256", "gatehouse")
	taken(second)
	for name, token := range map[string]string{"published still": first, "new": third} {
		if status := push(token); status != 200 {
			t.Errorf("a token whose key is %s: %d", name, status)
		}
	}

	p.rotate("")
	fourth := p.token("admin", "gatehouse")
	taken(fourth)
	for _, token := range []string{first, second, third} {
		if status := push(token); status != 401 {
			t.Errorf("a token whose key was dropped: %d, want 401", status)
		}
	}
}

func TestTheServerStartsAndServesWhileTheProviderIsDown(t *testing.T) {
	t.Parallel()
	// Its port stays free while it is down: nothing else binds this address.
	const host = "127.0.0.9"
	p := startProviderOn(t, host, "0")
	old := p.token("admin", "gatehouse")
	p.kill()

	s := startEnv(t, append(p.accepts("gatehouse"), "API_TOKENS=a-token-that-needs-no-provider"))
	s.wantBearing(200, "a-token-that-needs-no-provider", "PUT", "/metrics/job/x", "m 1\n")
	if a := s.wantBearing(503, old, "PUT", "/metrics/job/x", "m 2\n"); a.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After with %v", a)
	}
	for _, junk := range []string{"junk", "a.b.c", "eyJhbGciOiJub25lIn0.e30."} {
		s.wantBearing(401, junk, "PUT", "/metrics/job/x", "m 3\n")
	}
	s.want(200, "GET", "/-/ready", "")
	if a := s.wantBearing(200, "a-token-that-needs-no-provider", "GET", "/metrics/job/x", ""); !strings.Contains(a.body, "} 1\n") {
		t.Errorf("a refused push changed what is held:\n%s", a.body)
	}

	_, port, _ := strings.Cut(strings.TrimPrefix(p.issuer, "http://"), ":")
	again := startProviderOn(t, host, port)
	if again.issuer != p.issuer {
		t.Fatalf("the provider came back as %s", again.issuer)
	}
	token := again.token("admin", "gatehouse")
	until(t, "the provider to be noticed", func() string {
		if a := s.bearing(token, "PUT", "/metrics/job/x", "m 4\n"); a.status != 200 {
			return a.String()
		}
		return ""
	})
	// Its keys are new ones.
	s.wantBearing(401, old, "PUT", "/metrics/job/x", "m 5\n")
}
