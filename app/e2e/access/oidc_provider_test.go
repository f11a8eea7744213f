package access

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// algorithm is what a token says to be signed with.
func algorithm(t *testing.T, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	harness.Must(t, err)
	var header struct{ Alg string }
	harness.Must(t, json.Unmarshal(b, &header))
	return header.Alg
}

// bearing does a request with a bearer token.
func bearing(s *harness.Server, token, method, target, body string) harness.Answer {
	s.T.Helper()
	return s.Do(method, target, body, "Authorization", "Bearer "+token)
}

func wantBearing(s *harness.Server, status int, token, method, target, body string) harness.Answer {
	s.T.Helper()
	return s.Want(status, method, target, body, "Authorization", "Bearer "+token)
}

func TestTokensOfARealProviderPushAndScrape(t *testing.T) {
	t.Parallel()
	p := harness.StartProvider(t)
	s := harness.StartEnv(t, p.Accepts("gatehouse"))
	for name, alg := range map[string]string{"admin": "RS256", "admin-es256": "ES256", "stranger": "RS256"} {
		token := p.Token(name, "gatehouse")
		if got := algorithm(t, token); got != alg {
			t.Fatalf("%s has a token signed with %s, want %s", name, got, alg)
		}
		wantBearing(s, 200, token, "PUT", "/metrics/job/"+name, "m 1\n")
		a := wantBearing(s, 200, token, "GET", "/metrics", "")
		if want := fmt.Sprintf("m{instance=\"\",job=%q} 1\n", name); !strings.Contains(a.Body, want) {
			t.Errorf("%s does not see %s", name, want)
		}
	}
	s.Want(401, "GET", "/metrics", "")
}

func TestATokenForAnotherAudienceOrWithATraceOfForgeryIsRefused(t *testing.T) {
	t.Parallel()
	p := harness.StartProvider(t)
	s := harness.StartEnv(t, p.Accepts("gatehouse"))
	good := p.Token("admin", "gatehouse")
	wantBearing(s, 200, good, "PUT", "/metrics/job/x", "m 1\n")
	parts, others := strings.Split(good, "."), strings.Split(p.Token("reader", "gatehouse"), ".")
	for name, token := range map[string]string{
		"another audience":           p.Token("admin", "other"),
		"an audience that begins so": p.Token("admin", "gatehouse2"),
		"the signature of another":   strings.Join([]string{parts[0], parts[1], others[2]}, "."),
		"the claims of another":      strings.Join([]string{parts[0], others[1], parts[2]}, "."),
		"no signature":               parts[0] + "." + parts[1] + ".",
		"no token":                   "x",
	} {
		a := bearing(s, token, "PUT", "/metrics/job/x", "m 2\n")
		if a.Status != 401 || !strings.Contains(a.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %v, challenge %q; want 401 and a challenge", name, a, a.Header.Get("WWW-Authenticate"))
		}
		if a := bearing(s, token, "GET", "/metrics", ""); a.Status != 401 {
			t.Errorf("%s: %v, want 401", name, a)
		}
	}
	if a := wantBearing(s, 200, good, "GET", "/metrics/job/x", ""); !strings.Contains(a.Body, "} 1\n") {
		t.Errorf("a refused push changed what is held:\n%s", a.Body)
	}
	if strings.Contains(s.Log.String(), parts[2]) {
		t.Error("the log holds a token's signature")
	}
}

func TestTheGroupsOfATokenDecideWhatItMayDo(t *testing.T) {
	t.Parallel()
	p := harness.StartProvider(t)
	s := harness.StartEnv(t, p.Accepts("gatehouse"), "--web.enable-admin-api", "--auth.role-map=admins=admin,pushers=pusher,readers=reader")
	requests := []struct{ method, target, body string }{
		{"PUT", "/metrics/job/x", "m 1\n"},
		{"GET", "/metrics", ""},
		{"GET", "/metrics/job/x", ""},
		{"DELETE", "/metrics/job/x/instance@base64/=", ""},
		{"PUT", "/api/v1/admin/wipe", ""},
	}
	admin := p.Token("admin", "gatehouse")
	for name, want := range map[string][]int{
		"admin":       {200, 200, 200, 202, 202},
		"admin-es256": {200, 200, 200, 202, 202},
		"pusher":      {200, 200, 200, 202, 403},
		"reader":      {403, 200, 200, 403, 403},
		"stranger":    {403, 403, 403, 403, 403},
	} {
		token := p.Token(name, "gatehouse")
		for i, r := range requests {
			wantBearing(s, 200, admin, "PUT", "/metrics/job/x", "m 1\n")
			if a := bearing(s, token, r.method, r.target, r.body); a.Status != want[i] {
				t.Errorf("%s: %v, want %d", name, a, want[i])
			}
		}
	}
}

func TestNewKeysAreFoundAndDroppedOnesForgotten(t *testing.T) {
	t.Parallel()
	p := harness.StartProvider(t)
	s := harness.StartEnv(t, p.Accepts("gatehouse"))
	push := func(token string) int { return bearing(s, token, "PUT", "/metrics/job/x", "m 1\n").Status }
	// Keys are fetched once in some seconds, however many tokens ask for it.
	taken := func(token string) {
		t.Helper()
		harness.Until(t, "a token of the new keys to be taken", func() string {
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
	first := p.Token("admin", "gatehouse")
	taken(first)

	p.Rotate("?keep")
	second, third := p.Token("admin", "gatehouse"), p.Token("admin-es256", "gatehouse")
	taken(second)
	for name, token := range map[string]string{"published still": first, "new": third} {
		if status := push(token); status != 200 {
			t.Errorf("a token whose key is %s: %d", name, status)
		}
	}

	p.Rotate("")
	fourth := p.Token("admin", "gatehouse")
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
	p := harness.StartProviderOn(t, host, "0")
	old := p.Token("admin", "gatehouse")
	p.Kill()

	s := harness.StartEnv(t, append(p.Accepts("gatehouse"), "API_TOKENS=a-token-that-needs-no-provider"))
	wantBearing(s, 200, "a-token-that-needs-no-provider", "PUT", "/metrics/job/x", "m 1\n")
	if a := wantBearing(s, 503, old, "PUT", "/metrics/job/x", "m 2\n"); a.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After with %v", a)
	}
	for _, junk := range []string{"junk", "a.b.c", "eyJhbGciOiJub25lIn0.e30."} {
		wantBearing(s, 401, junk, "PUT", "/metrics/job/x", "m 3\n")
	}
	s.Want(200, "GET", "/-/ready", "")
	if a := wantBearing(s, 200, "a-token-that-needs-no-provider", "GET", "/metrics/job/x", ""); !strings.Contains(a.Body, "} 1\n") {
		t.Errorf("a refused push changed what is held:\n%s", a.Body)
	}

	_, port, _ := strings.Cut(strings.TrimPrefix(p.Issuer, "http://"), ":")
	again := harness.StartProviderOn(t, host, port)
	if again.Issuer != p.Issuer {
		t.Fatalf("the provider came back as %s", again.Issuer)
	}
	token := again.Token("admin", "gatehouse")
	harness.Until(t, "the provider to be noticed", func() string {
		if a := bearing(s, token, "PUT", "/metrics/job/x", "m 4\n"); a.Status != 200 {
			return a.String()
		}
		return ""
	})
	// Its keys are new ones.
	wantBearing(s, 401, old, "PUT", "/metrics/job/x", "m 5\n")
}
