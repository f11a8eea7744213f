package app

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse/app/config"
	"gatehouse/auth/jwt"
)

// environments are the blocks of a page of the documentation that set variables
// and nothing else.
func environments(t *testing.T, page string) (all []map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "views", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```sh\n((?:[A-Z_]+=[^\n]*\n)+)```$").FindAllStringSubmatch(string(text), -1) {
		block := map[string]string{}
		for line := range strings.Lines(m[1]) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			block[name] = value
		}
		all = append(all, block)
	}
	return all
}

// A copied block with one's own names makes a server that starts.
func TestEveryDocumentedProviderIsAConfiguration(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, block := range append(environments(t, "oidc.md"), environments(t, "oidc-providers.md")...) {
		issuer, ok := block["OIDC_ISSUER"]
		if !ok { // what all have in common
			continue
		}
		tried++
		t.Run(issuer, func(t *testing.T) {
			t.Setenv("GATEHOUSE_WEB_EXTERNAL_URL", "https://gatehouse.example")
			t.Setenv("GATEHOUSE_STORAGE_PATH", t.TempDir())
			for name, value := range block {
				t.Setenv(name, value)
			}
			t.Setenv("OIDC_CLIENT_SECRET_FILE", secret)
			o, err := config.Parse(nil, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if o.Auth.ClientID == "" || o.Auth.LoginIssuer != issuer || len(o.Auth.Login.RoleMap) == 0 {
				t.Errorf("got the client %q, the issuer %q, the roles %v", o.Auth.ClientID, o.Auth.LoginIssuer, o.Auth.Login.RoleMap)
			}
			if s := o.Auth.Login.Standing(jwt.BySignIn); s.Strangers || s.Admin {
				t.Errorf("%s", s.Sentence)
			}
			for _, note := range o.Notes {
				t.Errorf("the server would warn: %s", note)
			}
		})
	}
	if tried < 13 {
		t.Errorf("found %d blocks only", tried)
	}
}
