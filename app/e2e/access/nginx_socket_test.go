package access

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"gatehouse/app/e2e/harness"
)

// startBySocket starts a server that listens on a socket, to which nginx may
// write, and an nginx before it with lines for its location.
func startBySocket(t *testing.T, env, args []string, lines ...string) (socket string, proxy *harness.Server) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gate") // those of tests may be too long
	harness.Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	harness.Must(t, os.Chmod(dir, 0o711))
	socket = filepath.Join(dir, "s")
	args = append([]string{"--web.listen-address=unix://" + socket, "--storage.path=" + filepath.Join(dir, "store")}, args...)
	if os.Geteuid() == 0 {
		args = append(args, "--web.unix-socket-owner=:www-data")
	}
	c := harness.Launch(t, env, harness.Binary, args...)
	c.Wrote(`msg=Listening`)
	return socket, harness.StartNginx(t, &harness.Server{URL: "http://unix:" + socket + ":"}, lines...)
}

// addsClient is what the documentation has nginx say.
var addsClient = []string{"proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"}

func TestAllowListsSeeClientsBehindAProxyThatComesByASocket(t *testing.T) {
	t.Parallel()
	const friend, other, xff = "127.0.0.72", "127.0.0.73", "X-Forwarded-For"
	for _, test := range []struct {
		name            string
		args            []string
		friend, other   int
		claimed, direct int // of the other, who claims to be the friend; of the socket itself, with that claim
		bare            string
	}{
		{"trusted", []string{"--web.trusted-proxies=unix", "--auth.allowed-cidrs=" + friend}, 200, 403, 403, 200, "403"},
		{"trusted, for scrapes", []string{"--web.trusted-proxies=unix", "--metrics.allowed-cidrs=" + friend}, 200, 403, 403, 200, "403"},
		{"not trusted", []string{"--auth.allowed-cidrs=0.0.0.0/0,::/0"}, 403, 403, 403, 403, "403"},
		{"not trusted, for scrapes", []string{"--metrics.allowed-cidrs=0.0.0.0/0,::/0"}, 403, 403, 403, 403, "403"},
		{"another proxy is trusted", []string{"--web.trusted-proxies=127.0.0.0/8", "--auth.allowed-cidrs=0.0.0.0/0"}, 403, 403, 403, 403, "403"},
		{"no list", nil, 200, 200, 200, 200, "200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			socket, proxy := startBySocket(t, nil, test.args, addsClient...)
			claim := http.Header{xff: {friend}}
			for _, request := range []struct {
				what   string
				got    int
				wanted int
			}{
				{"the friend", statusFrom(proxy, friend, "/metrics", nil), test.friend},
				{"somebody else", statusFrom(proxy, other, "/metrics", nil), test.other},
				{"somebody else who claims to be the friend", statusFrom(proxy, other, "/metrics", claim), test.claimed},
			} {
				if request.got != request.wanted {
					t.Errorf("%s: %d, want %d", request.what, request.got, request.wanted)
				}
			}
			if got := curlBySocket(t, socket, "-H", xff+": "+friend, "http://localhost/metrics"); got != fmt.Sprint(test.direct) {
				t.Errorf("by the socket, for the friend: %s, want %d", got, test.direct)
			}
			if got := curlBySocket(t, socket, "http://localhost/metrics"); got != test.bare {
				t.Errorf("by the socket: %s, want %s", got, test.bare)
			}
		})
	}
}

func TestWrongPasswordsByASocketCountForTheUserOrForTheClientOfATrustedProxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args         []string
		shown        string // as where this process comes from
		same, others int    // of the user that was tried, and of the other, from elsewhere
	}{
		"not trusted": {nil, "unix", 429, 200},
		"trusted":     {[]string{"--web.trusted-proxies=unix"}, "127.0.0.1", 200, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := filepath.Join(t.TempDir(), "web.yml")
			hash, err := bcrypt.GenerateFromPassword([]byte("bob"), bcrypt.MinCost)
			harness.Must(t, err)
			harness.Must(t, os.WriteFile(config, []byte("basic_auth_users:\n  bob: "+string(hash)+"\n"), 0o600))
			_, proxy := startBySocket(t, []string{"PUSHGATEWAY_AUTH_USER=ann", "PUSHGATEWAY_AUTH_PASS=ann"}, append(test.args, "--web.config.file="+config), addsClient...)
			as := func(user, password string) http.Header {
				return http.Header{"Authorization": {harness.BasicAuth(user, password)}}
			}
			for i := range 10 {
				if got := statusFrom(proxy, "127.0.0.74", "/metrics", as("ann", fmt.Sprint("wrong", i))); got != 401 {
					t.Fatalf("a wrong password: %d", got)
				}
			}
			if got := statusFrom(proxy, "127.0.0.74", "/metrics", as("ann", "ann")); got != 429 {
				t.Errorf("after ten: %d, want 429", got)
			}
			if got := statusFrom(proxy, "127.0.0.75", "/metrics", as("ann", "ann")); got != test.same {
				t.Errorf("the user from elsewhere: %d, want %d", got, test.same)
			}
			if got := statusFrom(proxy, "127.0.0.75", "/metrics", as("bob", "bob")); got != test.others {
				t.Errorf("another user: %d, want %d", got, test.others)
			}
			// How the client is called.
			v := harness.NewVisitor(t)
			v.Submit(proxy.URL+"/login", "name", "bob", "password", "bob", "next", "/")
			proxy.Put("/metrics/job/x", "m 1\n", "Authorization", harness.BasicAuth("bob", "bob"), "X-Forwarded-For", "203.0.113.9")
			var held struct {
				Data struct {
					Groupings []struct {
						From string `json:"last_push_from"`
					}
				}
			}
			harness.Must(t, json.Unmarshal([]byte(proxy.Want(200, "GET", "/api/v1/groupings", "", "Authorization", harness.BasicAuth("bob", "bob")).Body), &held))
			if len(held.Data.Groupings) != 1 || held.Data.Groupings[0].From != test.shown {
				t.Errorf("the push comes from %+v, want %s", held, test.shown)
			}
			if a := v.Sees(200, proxy.URL+"/account"); !strings.Contains(a.Body, test.shown) {
				t.Errorf("the session does not come from %s: %s", test.shown, a.Body)
			}
		})
	}
}
