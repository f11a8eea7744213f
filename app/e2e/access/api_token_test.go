package access

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"

	"gatehouse/app/e2e/harness"
)

// madeToken is how a token looks that was made by the server.
var madeToken = regexp.MustCompile(`gatehouse_[a-z2-7]{40,}`)

// makes makes an API token and returns its id and its secret.
func makes(s *harness.Server, admin, body string) (id, token string) {
	s.T.Helper()
	a := s.Want(201, "POST", "/api/v1/tokens", body, "X-API-Key", admin, "Content-Type", "application/json")
	var made struct {
		Data struct {
			Token  struct{ ID string }
			Secret string
		}
	}
	harness.Must(s.T, json.Unmarshal([]byte(a.Body), &made))
	if made.Data.Token.ID == "" || !madeToken.MatchString(made.Data.Secret) {
		s.T.Fatalf("no token in %v", a)
	}
	harness.KeepSecret("an API token", made.Data.Secret)
	return made.Data.Token.ID, made.Data.Secret
}

const tokenConfig = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: scraped
    honor_labels: true
    authorization: {credentials: TOKEN}
    static_configs: [{targets: ["ADDRESS"]}]
`

// scrapedWith runs Prometheus, which scrapes with a token.
func scrapedWith(s *harness.Server, token string) *harness.Server {
	s.T.Helper()
	dir := s.T.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	harness.Must(s.T, os.WriteFile(config, []byte(strings.NewReplacer("ADDRESS", s.Addr, "TOKEN", token).Replace(tokenConfig)), 0o600))
	return harness.StartDebian(s.T, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
}

func TestTokensAreGoodForWhatTheyWereMadeFor(t *testing.T) {
	t.Parallel()
	admin := harness.Secret("token")
	s := harness.StartEnv(t, []string{"API_TOKENS=" + admin, "AUTH_LOCALHOST_BYPASS=false"})
	id, limited := makes(s, admin, `{"name": "backup robot", "role": "pusher", "limit": "{job=\"backup\"}"}`)
	scraper, reader := makes(s, admin, `{"name": "scraper", "role": "reader"}`)
	key := func(token string) []string { return []string{"Authorization", "Bearer " + token} }

	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "backup_bytes"})
	pusher := func(job string) *push.Pusher {
		return push.New(s.URL, job).Collector(gauge).Header(http.Header{"Authorization": {"Bearer " + limited}})
	}
	s.Put("/metrics/job/other", "a 1\n", key(admin)...)
	harness.Must(t, pusher("backup").Push())
	harness.Must(t, pusher("backup").Grouping("instance", "a").Add())
	if err := pusher("other").Push(); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a push elsewhere: %v", err)
	}
	if err := pusher("other").Delete(); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a delete elsewhere: %v", err)
	}
	if a := s.Want(200, "GET", "/metrics/job/other", "", key(reader)...); strings.Contains(a.Body, "backup_bytes") {
		t.Errorf("the grouping of another job is %s", a.Body)
	}

	p := scrapedWith(s, reader)
	harness.Until(t, "Prometheus to scrape with the token", func() string {
		if len(p.Instant(`backup_bytes{job="backup"}`)) == 0 {
			return "nothing yet"
		}
		return ""
	})
	s.Want(403, "PUT", "/metrics/job/backup", "a 1\n", key(reader)...)
	for _, token := range []string{limited, reader} {
		s.Want(403, "GET", "/api/v1/tokens", "", key(token)...)
		s.Want(403, "POST", "/api/v1/tokens", `{"name": "more", "role": "admin"}`, append(key(token), "Content-Type", "application/json")...)
		s.Want(403, "POST", "/api/v1/tokens/"+id+"/rotate", "", key(token)...)
		s.Want(403, "DELETE", "/api/v1/tokens/"+scraper, "", key(token)...)
	}
	if list := s.Want(200, "GET", "/api/v1/tokens", "", key(admin)...).Body; madeToken.MatchString(list) || !strings.Contains(list, "backup robot") {
		t.Errorf("the list says %s", list)
	}

	a := s.Want(200, "POST", "/api/v1/tokens/"+id+"/rotate", `{"overlap": "0s"}`, append(key(admin), "Content-Type", "application/json")...)
	renewed := madeToken.FindString(a.Body)
	harness.KeepSecret("an API token", renewed)
	s.Want(401, "PUT", "/metrics/job/backup", "a 1\n", key(limited)...)
	s.Put("/metrics/job/backup", "a 1\n", key(renewed)...)
	s.Want(403, "PUT", "/metrics/job/other", "a 1\n", key(renewed)...)

	s.Want(202, "DELETE", "/metrics/job/backup", "", key(renewed)...)

	s.Want(200, "DELETE", "/api/v1/tokens/"+scraper, "", key(admin)...)
	s.Want(401, "GET", "/metrics", "", key(reader)...)
	harness.Until(t, "Prometheus to be refused", func() string {
		found, why := p.Targets("scraped")
		for _, x := range found {
			why = x.LastError
		}
		if !strings.Contains(why, "401") {
			return "it says " + why
		}
		return ""
	})

	_, brief := makes(s, admin, `{"name": "brief", "role": "reader", "expires_in": "1s"}`)
	harness.Until(t, "a token to expire", func() string {
		switch a := s.Do("GET", "/metrics", "", key(brief)...); a.Status {
		case 401:
			return ""
		case 200:
			return "not yet"
		default:
			t.Fatal(a)
			return ""
		}
	})
}

// secretShown is the secret on the page that is open, which is shown once.
func secretShown(b *harness.Tab) string {
	b.T.Helper()
	b.Holds(`document.readyState + document.getElementById("secret")?.textContent`, "completegatehouse_")
	token := b.Run(`document.getElementById("secret").textContent`)
	if !madeToken.MatchString(token) {
		b.T.Fatalf("the secret is %q", token)
	}
	harness.KeepSecret("an API token", token)
	return token
}

func TestATokenIsMadeOnAPageUsedRotatedAndRevoked(t *testing.T) {
	t.Parallel()
	axe, password := harness.AxeSource(t), harness.Secret("password")
	s := harness.StartEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password, "AUTH_LOCALHOST_BYPASS=false"})
	s.PushHostile("Authorization", harness.BasicAuth("ana", password))
	b := harness.StartBrowser(t).Strictly().Calm()
	b.Open(s.URL + "/tokens")
	b.Fill("input[name=name]", "ana")
	b.Fill("input[name=password]", password)
	b.Follows("main form button")
	b.Is(200, s.URL+"/tokens")
	b.LooksRight(s.URL+"/tokens", axe)
	b.LooksRight(s.URL+"/tokens/new?name=x&limit=%7Bjob%3D", axe)
	b.Looks(1280, "light")

	b.Open(s.URL + "/tokens")
	b.Follows("main a.btn-primary")
	b.Is(200, s.URL+"/tokens/new")
	b.Fill("#token-name", hostileName)
	b.Fill("#token-limit", `{job="backup"}`)
	b.Says("#reach", "1")
	b.Click("input[name=role][value=pusher]")
	b.Follows("main form .btn-primary")
	token := secretShown(b)
	b.IsAccessible(axe, "with a secret")
	b.Silent()
	command := b.Run(`document.getElementById("command").textContent`)
	if out, err := exec.CommandContext(t.Context(), "sh", "-e", "-c", command).CombinedOutput(); err != nil || strings.Contains(string(out), "error") {
		t.Errorf("%s: %v %s", command, err, out)
	}
	with := func(token, job string) int {
		t.Helper()
		return s.Do("PUT", "/metrics/job/"+job, "a 1\n", "Authorization", "Bearer "+token).Status
	}
	if here, there := with(token, "backup"), with(token, "other"); here != 200 || there != 403 {
		t.Errorf("the token pushes where it may: %d, elsewhere: %d", here, there)
	}

	b.Open(s.URL + "/?m=" + url.QueryEscape(`job="backup"`))
	b.Holds(harness.MainText, hostileName[:20])
	b.Follows("a.open")
	b.Holds(harness.MainText, hostileName[:20])
	if made := b.Run(`String(document.querySelectorAll("img[src=x], body script:not([src])").length)`); made != "0" {
		t.Errorf("the name has become %s elements", made)
	}
	b.Silent()

	b.Open(s.URL + "/tokens")
	b.Holds(harness.MainText, hostileName, "…"+token[len(token)-4:], `{job="backup"}`, "by ana", "127.0.0.1")
	if strings.Contains(b.Run(`document.documentElement.outerHTML`), token) {
		t.Error("the list shows the secret")
	}
	b.LooksRight(s.URL+"/tokens", axe)
	b.Looks(1280, "light")
	b.Open(s.URL + "/tokens")
	revoke := b.Run(`document.querySelector("main a[href$='/revoke']").getAttribute("href")`)
	b.LooksRight(s.URL+revoke, axe)
	b.LooksRight(s.URL+strings.Replace(revoke, "/revoke", "/rotate", 1), axe)
	b.Looks(1280, "light")
	b.Click("input[name=overlap][value='0']")
	b.Follows("main form .btn-primary")
	renewed := secretShown(b)
	b.IsAccessible(axe, "with another secret")
	if old, other := with(token, "backup"), with(renewed, "backup"); old != 401 || other != 200 || renewed == token {
		t.Errorf("the old secret gives %d, the new one %d", old, other)
	}

	b.Open(s.URL + "/tokens")
	b.Click("main a[href$='/revoke']")
	b.Returns(harness.DialogText, "true Revoke")
	b.IsAccessible(axe, "in the dialog")
	b.Click("#dialog .btn-danger")
	b.Says("#toasts", "Revoked")
	if status := with(renewed, "backup"); status != 401 {
		t.Errorf("a token that was revoked gives %d", status)
	}
	b.Says("main", "No tokens yet")
	b.Silent()
}

// command runs the program's commands as an operator with a token does.
func command(t *testing.T, s *harness.Server, token string, args ...string) (out, messages string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), harness.Binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GATEHOUSE_SERVER="+s.URL, "GATEHOUSE_TOKEN_FILE="+harness.SecretFile(t, token))
	var written, told harness.Output
	cmd.Stdout, cmd.Stderr = &written, &told
	harness.KeepLog(&told)
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return written.String(), told.String(), cmd.ProcessState.ExitCode()
}

func TestTokensAreManagedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	admin := harness.Secret("token")
	s := harness.StartEnv(t, []string{"API_TOKENS=" + admin, "AUTH_LOCALHOST_BYPASS=false"})
	does := func(args ...string) string {
		t.Helper()
		out, messages, code := command(t, s, admin, append([]string{"token"}, args...)...)
		if code != 0 || messages == "" && args[0] != "list" {
			t.Fatalf("%q: exit code %d, %q and %q", args, code, out, messages)
		}
		return out
	}
	// The standard output is the secret, so that it can go straight into a file.
	made := func(args ...string) string {
		t.Helper()
		token, ended := strings.CutSuffix(does(args...), "\n")
		if !ended || madeToken.FindString(token) != token {
			t.Fatalf("%q: wrote %q", args, token)
		}
		harness.KeepSecret("an API token", token)
		return token
	}
	pushes := func(token, job string) int {
		t.Helper()
		return s.Do("PUT", "/metrics/job/"+job, "a 1\n", "X-API-Key", token).Status
	}
	first := made("create", "ci", "--role=pusher", `--limit={job="backup"}`, "--expires=90d")
	if here, there := pushes(first, "backup"), pushes(first, "other"); here != 200 || there != 403 {
		t.Errorf("it pushes where it may: %d, elsewhere: %d", here, there)
	}
	if list := does("list"); !strings.Contains(list, "ci") || !strings.Contains(list, `{job="backup"}`) || strings.Contains(list, first) {
		t.Errorf("the list says %s", list)
	}
	second := made("rotate", "ci", "--overlap=0s")
	if before, now := pushes(first, "backup"), pushes(second, "backup"); before != 401 || now != 200 {
		t.Errorf("the old secret gives %d, the new one %d", before, now)
	}
	does("revoke", "ci")
	if status := pushes(second, "backup"); status != 401 {
		t.Errorf("a token that was revoked gives %d", status)
	}
	for _, test := range []struct {
		token string
		args  []string
		want  string
	}{
		{"wrong-" + admin, []string{"token", "list"}, "credential"},
		{admin, []string{"token", "revoke", "ci"}, "ci"},
		{admin, []string{"token", "create", "x", "--role=root"}, "reader,pusher,admin"},
		{admin, []string{"token", "create", "x", "--role=pusher", "--limit={job"}, "limit"},
		{admin, []string{"tokens"}, `"tokens"`},
	} {
		out, messages, code := command(t, s, test.token, test.args...)
		if code != 1 || out != "" || !strings.Contains(messages, test.want) || strings.Contains(messages, "goroutine") {
			t.Errorf("%q: exit code %d, wrote %q and %q", test.args, code, out, messages)
		}
	}
}
