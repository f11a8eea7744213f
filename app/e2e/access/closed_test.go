package access

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// The truth table of credentials: what the program answers, by what it was started
// with, what it remembers, and what clients bring.

// asked are the requests of the table, in the order of its columns.
var asked = []struct{ method, target string }{
	{"GET", "/metrics"},
	{"GET", "/api/v1/targets"},
	{"GET", "/api/v1/metrics"},
	{"GET", "/"},
	{"GET", "/push"},
	{"PUT", "/metrics/job/x"},
	{"DELETE", "/metrics/job/none"},
	{"DELETE", "/api/v1/groupings?match[]={job=%22none%22}"},
	{"GET", "/api/v1/tokens"},
}

type fates [9]int

var (
	letIn     = fates{200, 200, 200, 200, 200, 200, 202, 200, 200}
	keptOut   = fates{401, 401, 401, 401, 401, 401, 401, 401, 401}
	scrapes   = fates{200, 200, 401, 401, 401, 401, 401, 401, 401}
	pushes    = fates{401, 401, 401, 401, 200, 200, 202, 403, 403}
	reads     = fates{200, 200, 200, 200, 200, 200, 202, 403, 403}
	openToAll = map[string]fates{"nothing": letIn, "the key": letIn, "the token": letIn, "a made token": letIn, "a stray token": letIn, "a wrong token": letIn}
)

// storeWithTokens returns a store that knows a token of a user who had signed
// in, and one that was made while all was open.
func storeWithTokens(t *testing.T) (dir, made, stray string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "store")
	s := harness.StartOn(t, dir)
	stray = makesToken(s, "stray")
	s.Stop()
	admin := harness.Secret("token")
	closed := startEnvOn(t, dir, []string{"API_TOKENS=" + admin})
	made = makesToken(closed, "made", "X-API-Key", admin)
	closed.Stop()
	return dir, made, stray
}

func startEnvOn(t *testing.T, dir string, env []string, args ...string) *harness.Server {
	t.Helper()
	c := harness.Launch(t, append(env, "AUTH_LOCALHOST_BYPASS=false"), harness.Binary, append([]string{harness.Loopback, "--storage.path=" + dir}, args...)...)
	return harness.Listening(c, `msg=Listening address=(\S+)`)
}

// makesToken makes the token of an admin by the API and returns its secret.
func makesToken(s *harness.Server, name string, headers ...string) string {
	s.T.Helper()
	a := s.Want(201, "POST", "/api/v1/tokens", `{"name":"`+name+`","role":"admin"}`, append(headers, "Content-Type", "application/json")...)
	var got struct{ Data struct{ Secret string } }
	harness.Must(s.T, json.Unmarshal([]byte(a.Body), &got))
	return got.Data.Secret
}

// bySocket is a client that reaches all servers by a socket.
func bySocket(path string) *http.Client {
	return &http.Client{Timeout: harness.Patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}

// answered is the status of a request that a client makes.
func answered(t *testing.T, c *http.Client, method, url string, headers []string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	harness.Must(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	a, err := c.Do(r)
	harness.Must(t, err)
	_, err = io.Copy(io.Discard, a.Body)
	harness.Must(t, err)
	harness.Must(t, a.Body.Close())
	return a.StatusCode
}

func TestTheTableOfCredentialsHoldsByEveryListener(t *testing.T) {
	t.Parallel()
	dir, made, stray := storeWithTokens(t)
	token, key := harness.Secret("token"), harness.Secret("key")
	list := filepath.Join(t.TempDir(), "web.yml")
	harness.Must(t, os.WriteFile(list, []byte("basic_auth_users:\n"), 0o600))
	credentials := map[string][]string{
		"nothing": nil, "the key": {"X-Metrics-Key", key}, "the token": {"X-API-Key", token},
		"a made token": {"Authorization", "Bearer " + made}, "a stray token": {"Authorization", "Bearer " + stray},
		"a wrong token": {"X-API-Key", "wrong"},
	}
	targets := []string{"--targets.unix-socket=/run/gatehouse.sock", "--targets.scrape-interval=push", "--targets.native-histograms"}
	withKey, withToken := "METRICS_VERIFICATION_KEY="+key, "API_TOKENS="+token
	for _, test := range []struct {
		name   string
		env    []string
		args   []string
		tokens bool             // the store knows some
		want   map[string]fates // by credential; others are kept out
	}{
		{"nothing", nil, targets, false, openToAll},
		{"the key alone", []string{withKey}, targets, false, map[string]fates{
			"nothing": pushes, "the key": reads, "the token": pushes, "a made token": pushes, "a stray token": pushes, "a wrong token": pushes,
		}},
		{"a token", []string{withToken}, targets, false, map[string]fates{"the token": letIn}},
		{"a token and the key", []string{withToken, withKey}, targets, false, map[string]fates{"the token": letIn, "the key": scrapes}},
		{"tokens that it remembers", nil, targets, true, map[string]fates{"a made token": letIn}},
		{"tokens that it remembers, and the key", []string{withKey}, nil, true, map[string]fates{"a made token": letIn, "the key": scrapes}},
		{"tokens that it remembers, and a token", []string{withToken}, nil, true, map[string]fates{"a made token": letIn, "the token": letIn}},
		{"tokens that it remembers, opened", nil, append([]string{"--auth.open"}, targets...), true, openToAll},
		{"a list without users", nil, append([]string{"--web.config.file=" + list}, targets...), false, nil},
		{"a list without users, opened", nil, []string{"--web.config.file=" + list, "--auth.open"}, false, openToAll},
	} {
		t.Run(test.name, func(t *testing.T) {
			sockets, err := os.MkdirTemp("", "gate") // those of tests may be too long
			harness.Must(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(sockets) })
			socket := filepath.Join(sockets, "gatehouse.sock")
			store := filepath.Join(t.TempDir(), "store")
			if test.tokens {
				store = dir
			}
			s := startEnvOn(t, store, test.env, append(slices.Clone(test.args), "--web.listen-address=unix://"+socket)...)
			s.Wrote(`msg=Listening address=/`)
			plain := &http.Client{Timeout: harness.Patience, Transport: &http.Transport{}}
			for name, client := range map[string]*http.Client{"TCP": plain, "a socket": bySocket(socket)} {
				for credential, headers := range credentials {
					want, known := test.want[credential]
					if !known {
						want = keptOut
					}
					var got fates
					for i, r := range asked {
						got[i] = answered(t, client, r.method, s.URL+r.target, headers)
					}
					if got != want {
						t.Errorf("%s by %s:\ngot  %v\nwant %v", credential, name, got, want)
					}
				}
			}
			for _, hidden := range []string{token, key, made, stray} {
				if strings.Contains(s.Log.String(), hidden) {
					t.Error("the log holds a secret")
				}
			}
			s.Stop()
		})
	}
}

func TestAServerThatWasClosedStaysSo(t *testing.T) {
	t.Parallel()
	dir, made, stray := storeWithTokens(t)
	mine := []string{"Authorization", "Bearer " + made}
	s := startEnvOn(t, dir, nil)
	s.Wrote(`level=WARN .*msg="The server is closed, since tokens were made by people who had signed in; .*API_TOKENS.*--auth.open"`)
	s.Want(401, "PUT", "/metrics/job/x", "a 1\n")
	s.Want(401, "PUT", "/metrics/job/x", "a 1\n", "X-API-Key", stray)
	s.Wrote(`made without sign-in`)
	s.Put("/metrics/job/x", "a 1\n", mine...)
	list := func(of *harness.Server, headers ...string) string {
		return of.Want(200, "GET", "/api/v1/tokens", "", headers...).Body
	}
	if body := list(s, mine...); strings.Count(body, `"made_without_sign_in":true`) != 1 || strings.Count(body, `"made_without_sign_in":false`) != 1 {
		t.Errorf("the tokens are %s", body)
	}
	c := harness.Launch(t, []string{"GATEHOUSE_TOKEN=" + made}, harness.Binary, "token", "list", "--server="+s.URL)
	if code := c.Exit(); code != 0 || !strings.Contains(c.Log.String(), "never, made without sign-in") {
		t.Errorf("exit code %d, wrote %s", code, c.Log.String())
	}
	var all struct {
		Data struct{ Tokens []struct{ ID string } }
	}
	harness.Must(t, json.Unmarshal([]byte(list(s, mine...)), &all))
	for _, x := range all.Data.Tokens { // its own comes by its name last or first: it ends either way
		if a := s.Do("DELETE", "/api/v1/tokens/"+x.ID, "", mine...); a.Status != 200 && a.Status != 401 {
			t.Errorf("%v", a)
		}
	}
	s.Want(401, "GET", "/metrics", "", mine...)
	s.Stop()

	s = startEnvOn(t, dir, nil) // of all that one revoked token is left
	s.Wrote(`so nobody is let in: set API_TOKENS`)
	s.Want(401, "GET", "/", "")
	s.Want(401, "GET", "/metrics", "", mine...)
	s.Stop()

	harness.Refuses(t, []string{"API_TOKENS=" + made}, []string{harness.Loopback, "--storage.path=" + dir, "--auth.open"}, "--auth.open", "can't be beside API_TOKENS")
	s = startEnvOn(t, dir, nil, "--auth.open")
	s.Wrote(`--auth.open leaves the server open: everyone`)
	s.Want(200, "GET", "/metrics", "")
	makesToken(s, "another")
	s.Stop()
	startEnvOn(t, dir, nil).Want(401, "GET", "/metrics", "")
}

func TestAnybodyPushesAndThoseWithTheScrapeKeyReadInABrowser(t *testing.T) {
	t.Parallel()
	axe, key := harness.AxeSource(t), harness.Secret("key")
	s := harness.StartEnv(t, []string{"METRICS_VERIFICATION_KEY=" + key})
	s.Wrote(`level=WARN .*msg="No authentication is configured but the scrape key: everyone who reaches this address may PUT, POST and DELETE /metrics/job/… .*nobody is admin"`)
	s.Put("/metrics/job/foreign", "# TYPE g gauge\ng 421733\n")
	b := harness.StartBrowser(t).Strictly()
	for _, path := range []string{"/", "/tokens"} {
		b.LooksRight(s.URL+path, axe)
	}
	b.Looks(1280, "light")
	b.Open(s.URL + "/tokens")
	b.Says("main", "METRICS_VERIFICATION_KEY is all that is configured")

	b.Open(s.URL + "/push")
	b.Says(".banner", "nobody is admin")
	b.Fill("#job", "mine")
	b.Fill("#text", "# TYPE g counter\ng 1\n")
	b.Says("#verdict", "but is a gauge of another grouping")
	b.Fill("#text", "mine 1\n")
	b.Says("#verdict", "Would be accepted.")
	b.Click("#compose .btn-primary")
	b.Says("main", "Push accepted.")
	if page := b.Run(`document.documentElement.outerHTML`); strings.Contains(page, "foreign") || strings.Contains(page, "421733") {
		t.Errorf("a stranger is shown %s", page)
	}

	b.Open(s.URL + "/?q=foreign")
	b.Fill(`[name="key"]`, key+"x")
	b.Click("main .btn-primary")
	b.Says("[role=alert]", "Wrong scrape key.")
	b.Fill(`[name="key"]`, key)
	b.Click("main .btn-primary")
	b.Says("#results", "foreign")
	b.Says("header", "scrape key")
	b.Open(s.URL + "/tokens")
	b.Says("h1", "Not allowed")
	b.Click("header form button")
	b.Says("h1", "Sign in")
	if strings.Contains(s.Log.String(), key) {
		t.Error("the log holds the key")
	}
}
