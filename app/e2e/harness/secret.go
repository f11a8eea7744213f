package harness

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// watched is what Main compares at the end: the secrets of all tests, and
// everything that the program wrote in them.
var watched struct {
	mu      sync.Mutex
	secrets map[string]string // to what it is
	logs    []*Output
}

// Secret makes one up that no log may hold.
func Secret(what string) string {
	s := what + "-" + rand.Text()
	KeepSecret(what, s)
	return s
}

// KeepSecret keeps a secret that was made elsewhere out of all logs.
func KeepSecret(what, s string) {
	watched.mu.Lock()
	defer watched.mu.Unlock()
	if watched.secrets == nil {
		watched.secrets = make(map[string]string)
	}
	watched.secrets[s] = what
}

// KeepLog has what the program writes searched for secrets.
func KeepLog(o *Output) {
	watched.mu.Lock()
	defer watched.mu.Unlock()
	watched.logs = append(watched.logs, o)
}

// leaked searches all logs for all secrets, also as they are spelled on the
// wire.
func leaked() (found []string) {
	watched.mu.Lock()
	defer watched.mu.Unlock()
	var all strings.Builder
	for _, log := range watched.logs {
		all.WriteString(log.String())
	}
	text := all.String()
	for s, what := range watched.secrets {
		for _, spelled := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if i := strings.Index(text, spelled); i >= 0 {
				found = append(found, fmt.Sprintf("%s in %q", what, text[max(0, i-200):i+20]))
			}
		}
	}
	return found
}

// SecretFile writes a secret into a file as an editor leaves it, with a newline.
func SecretFile(t *testing.T, value string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	Must(t, os.WriteFile(path, []byte(value+"\n"), 0o600))
	return path
}

// BasicAuth returns the Authorization header of a user.
func BasicAuth(name, password string) string {
	credential := base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
	KeepSecret("a password as it is sent", credential)
	return "Basic " + credential
}
