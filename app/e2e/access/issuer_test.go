package access

import (
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/auth/issuer/issuertest"
)

func TestStrangersAreAdminOnlyIfTheOperatorSaysSo(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"tokens for any audience":      {"JWT_ISSUER=https://token.actions.githubusercontent.com", "JWT_AUDIENCE=x"},
		"a claim that keeps none out":  {"JWT_ISSUER=https://gitlab.com", "JWT_AUDIENCE=x", "JWT_REQUIRED_CLAIMS=iss=https://gitlab.com"},
		"another spelling":             {"JWT_ISSUER=https://GITLAB.com:443/", "JWT_AUDIENCE=x"},
		"tenants of a sovereign cloud": {"OIDC_ISSUER=https://login.microsoftonline.us/common/v2.0", "OIDC_CLIENT_ID=x", "GATEHOUSE_WEB_EXTERNAL_URL=https://x.example"},
		"accounts of the public":       {"OIDC_ISSUER=https://accounts.google.com", "OIDC_CLIENT_ID=x", "GATEHOUSE_WEB_EXTERNAL_URL=https://x.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := harness.Launch(t, env, harness.Binary, harness.Loopback, "--storage.path="+t.TempDir())
			if code := c.Exit(); code != 1 || !strings.Contains(c.Log.String(), "strangers come in by it too") || !strings.Contains(c.Log.String(), "--auth.default-role") {
				t.Errorf("exit code %d, wrote %q", code, c.Log.String())
			}
		})
	}
}

func TestEachStartAndEachPageNameTheAdmins(t *testing.T) {
	t.Parallel()
	page := func(s *harness.Server, path string) string {
		return s.Want(200, "GET", path, "", "Accept", "text/html").Body
	}
	args := []string{"--jwt.issuer=https://gitlab.com", "--jwt.audience=x", "--auth.default-role=admin", "--auth.localhost-bypass=true"}
	const strangers = "Anyone in the world can get a token of https://gitlab.com for the audience x and becomes admin"
	s := harness.Start(t, args...)
	for range 2 {
		s.Wrote(`level=WARN source=\S+ msg="` + strangers)
		if b := page(s, "/"); !strings.Contains(b, strangers) {
			t.Errorf("the list says %s", b)
		}
		s.Stop()
		s = harness.StartOn(t, s.Dir, args...)
	}
	s.Stop()

	s = harness.StartOn(t, s.Dir, "--jwt.issuer=https://keycloak.example/realms/acme", "--jwt.audience=x", "--auth.localhost-bypass=true")
	const acme = "Everyone with a token of https://keycloak.example/realms/acme for the audience x is admin"
	s.Wrote(`level=INFO source=\S+ msg="` + acme + `"`)
	for path, times := range map[string]int{"/": 1, "/status": 2} {
		if b := page(s, path); strings.Count(b, acme) != times {
			t.Errorf("%s says it %d times", path, strings.Count(b, acme))
		}
	}
}

func TestTokensWithDotsInTheNamesOfTheirClaims(t *testing.T) {
	t.Parallel()
	fake := issuertest.New(t)
	s := harness.Start(t, "--jwt.issuer="+fake.Issuer(), "--jwt.audience="+issuertest.Audience, "--auth.localhost-bypass=false",
		"--jwt.required-claims=kubernetes.io.namespace=ci,email_verified=true", "--auth.role-claim=resource_access.my.client.roles", "--auth.role-map=ops=pusher")
	claims := func(namespace, client, role string) map[string]any {
		return map[string]any{
			"kubernetes.io": map[string]any{"namespace": namespace}, "email_verified": "true",
			"resource_access": map[string]any{"my": map[string]any{"client": map[string]any{"roles": []string{"ops"}}}, client: map[string]any{"roles": []string{role}}},
		}
	}
	for _, test := range []struct {
		claims map[string]any
		want   int
	}{
		{claims("ci", "my.client", "ops"), 200},
		{claims("ci", "other", "ops"), 200}, // by the longer path
		{claims("ci", "my.client", "dev"), 403},
		{claims("cd", "my.client", "ops"), 401},
	} {
		if a := s.Do("PUT", "/metrics/job/x", "a 1\n", "Authorization", "Bearer "+fake.Token(test.claims)); a.Status != test.want {
			t.Errorf("%v: %v, want %d", test.claims, a, test.want)
		}
	}
}
