package e2e

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

// told is what must not be told: the secrets of all tests, and everything that
// the program wrote in them.
var told struct {
	mu      sync.Mutex
	secrets map[string]string // to what it is
	logs    []*output
}

// secret makes one up that no log may hold.
func secret(what string) string {
	s := what + "-" + rand.Text()
	hidden(what, s)
	return s
}

// hidden tells of a secret that was made elsewhere.
func hidden(what, s string) {
	told.mu.Lock()
	defer told.mu.Unlock()
	if told.secrets == nil {
		told.secrets = make(map[string]string)
	}
	told.secrets[s] = what
}

func keepLog(o *output) {
	told.mu.Lock()
	defer told.mu.Unlock()
	told.logs = append(told.logs, o)
}

// leaked searches all logs for all secrets, also as they are spelled on the
// wire.
func leaked() (found []string) {
	told.mu.Lock()
	defer told.mu.Unlock()
	var all strings.Builder
	for _, log := range told.logs {
		all.WriteString(log.String())
	}
	text := all.String()
	for s, what := range told.secrets {
		for _, spelled := range []string{s, url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if i := strings.Index(text, spelled); i >= 0 {
				found = append(found, fmt.Sprintf("%s in %q", what, text[max(0, i-200):i+20]))
			}
		}
	}
	return found
}

// secretFile holds a secret as an editor leaves it, with a newline.
func secretFile(t *testing.T, value string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(path, []byte(value+"\n"), 0o600))
	return path
}

// basic is the Authorization header of a user.
func basic(name, password string) string {
	credential := base64.StdEncoding.EncodeToString([]byte(name + ":" + password))
	hidden("a password as it is sent", credential)
	return "Basic " + credential
}
