package e2e

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
)

// madeToken is how a token looks that was made by the server.
var madeToken = regexp.MustCompile(`gatehouse_[a-z2-7]{40,}`)

// makes makes an API token and returns its id and its secret.
func (s *server) makes(admin, body string) (id, token string) {
	s.t.Helper()
	a := s.want(201, "POST", "/api/v1/tokens", body, "X-API-Key", admin, "Content-Type", "application/json")
	var made struct {
		Data struct {
			Token  struct{ ID string }
			Secret string
		}
	}
	must(s.t, json.Unmarshal([]byte(a.body), &made))
	if made.Data.Token.ID == "" || !madeToken.MatchString(made.Data.Secret) {
		s.t.Fatalf("no token in %v", a)
	}
	hidden("an API token", made.Data.Secret)
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
func (s *server) scrapedWith(token string) *server {
	s.t.Helper()
	dir := s.t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	must(s.t, os.WriteFile(config, []byte(strings.NewReplacer("ADDRESS", s.addr, "TOKEN", token).Replace(tokenConfig)), 0o600))
	return startDebian(s.t, "prometheus", "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
}

func TestTokensAreGoodForWhatTheyWereMadeFor(t *testing.T) {
	t.Parallel()
	admin := secret("token")
	s := startEnv(t, []string{"API_TOKENS=" + admin, "AUTH_LOCALHOST_BYPASS=false"})
	id, limited := s.makes(admin, `{"name": "backup robot", "role": "pusher", "limit": "{job=\"backup\"}"}`)
	scraper, reader := s.makes(admin, `{"name": "scraper", "role": "reader"}`)
	key := func(token string) []string { return []string{"Authorization", "Bearer " + token} }

	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "backup_bytes"})
	pusher := func(job string) *push.Pusher {
		return push.New(s.url, job).Collector(gauge).Header(http.Header{"Authorization": {"Bearer " + limited}})
	}
	s.put("/metrics/job/other", "a 1\n", key(admin)...)
	must(t, pusher("backup").Push())
	must(t, pusher("backup").Grouping("instance", "a").Add())
	if err := pusher("other").Push(); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a push elsewhere: %v", err)
	}
	if err := pusher("other").Delete(); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a delete elsewhere: %v", err)
	}
	if a := s.want(200, "GET", "/metrics/job/other", "", key(reader)...); strings.Contains(a.body, "backup_bytes") {
		t.Errorf("the grouping of another job is %s", a.body)
	}

	p := s.scrapedWith(reader)
	until(t, "Prometheus to scrape with the token", func() string {
		if len(p.instant(`backup_bytes{job="backup"}`)) == 0 {
			return "nothing yet"
		}
		return ""
	})
	s.want(403, "PUT", "/metrics/job/backup", "a 1\n", key(reader)...)
	for _, token := range []string{limited, reader} {
		s.want(403, "GET", "/api/v1/tokens", "", key(token)...)
		s.want(403, "POST", "/api/v1/tokens", `{"name": "more", "role": "admin"}`, append(key(token), "Content-Type", "application/json")...)
		s.want(403, "POST", "/api/v1/tokens/"+id+"/rotate", "", key(token)...)
		s.want(403, "DELETE", "/api/v1/tokens/"+scraper, "", key(token)...)
	}
	if list := s.want(200, "GET", "/api/v1/tokens", "", key(admin)...).body; madeToken.MatchString(list) || !strings.Contains(list, "backup robot") {
		t.Errorf("the list says %s", list)
	}

	a := s.want(200, "POST", "/api/v1/tokens/"+id+"/rotate", `{"overlap": "0s"}`, append(key(admin), "Content-Type", "application/json")...)
	renewed := madeToken.FindString(a.body)
	hidden("an API token", renewed)
	s.want(401, "PUT", "/metrics/job/backup", "a 1\n", key(limited)...)
	s.put("/metrics/job/backup", "a 1\n", key(renewed)...)
	s.want(403, "PUT", "/metrics/job/other", "a 1\n", key(renewed)...)

	s.want(202, "DELETE", "/metrics/job/backup", "", key(renewed)...)

	s.want(200, "DELETE", "/api/v1/tokens/"+scraper, "", key(admin)...)
	s.want(401, "GET", "/metrics", "", key(reader)...)
	until(t, "Prometheus to be refused", func() string {
		found, why := p.targets("scraped")
		for _, x := range found {
			why = x.LastError
		}
		if !strings.Contains(why, "401") {
			return "it says " + why
		}
		return ""
	})

	_, brief := s.makes(admin, `{"name": "brief", "role": "reader", "expires_in": "1s"}`)
	until(t, "a token to expire", func() string {
		switch a := s.do("GET", "/metrics", "", key(brief)...); a.status {
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
func (b *tab) secretShown() string {
	b.t.Helper()
	b.holds(`document.readyState + document.getElementById("secret")?.textContent`, "completegatehouse_")
	token := b.run(`document.getElementById("secret").textContent`)
	if !madeToken.MatchString(token) {
		b.t.Fatalf("the secret is %q", token)
	}
	hidden("an API token", token)
	return token
}

func TestATokenIsMadeOnAPageUsedRotatedAndRevoked(t *testing.T) {
	t.Parallel()
	axe, password := axeSource(t), secret("password")
	s := startEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password, "AUTH_LOCALHOST_BYPASS=false"})
	s.pushHostile("Authorization", basic("ana", password))
	b := browser(t).strictly().calm()
	b.open(s.url + "/tokens")
	b.fill("input[name=name]", "ana")
	b.fill("input[name=password]", password)
	b.follows("main form button")
	b.is(200, s.url+"/tokens")
	b.looksRight(s.url+"/tokens", axe)
	b.looksRight(s.url+"/tokens/new?name=x&limit=%7Bjob%3D", axe)
	b.looks(1280, "light")

	b.open(s.url + "/tokens")
	b.follows("main a.btn-primary")
	b.is(200, s.url+"/tokens/new")
	b.fill("#token-name", hostileName)
	b.fill("#token-limit", `{job="backup"}`)
	b.says("#reach", "1")
	b.click("input[name=role][value=pusher]")
	b.follows("main form .btn-primary")
	token := b.secretShown()
	b.isAccessible(axe, "with a secret")
	b.silent()
	command := b.run(`document.getElementById("command").textContent`)
	if out, err := exec.CommandContext(t.Context(), "sh", "-e", "-c", command).CombinedOutput(); err != nil || strings.Contains(string(out), "error") {
		t.Errorf("%s: %v %s", command, err, out)
	}
	with := func(token, job string) int {
		t.Helper()
		return s.do("PUT", "/metrics/job/"+job, "a 1\n", "Authorization", "Bearer "+token).status
	}
	if here, there := with(token, "backup"), with(token, "other"); here != 200 || there != 403 {
		t.Errorf("the token pushes where it may: %d, elsewhere: %d", here, there)
	}

	b.open(s.url + "/?m=" + url.QueryEscape(`job="backup"`))
	b.holds(mainText, hostileName[:20])
	b.follows("a.open")
	b.holds(mainText, hostileName[:20])
	if made := b.run(`String(document.querySelectorAll("img[src=x], body script:not([src])").length)`); made != "0" {
		t.Errorf("the name has become %s elements", made)
	}
	b.silent()

	b.open(s.url + "/tokens")
	b.holds(mainText, hostileName, "…"+token[len(token)-4:], `{job="backup"}`, "by ana", "127.0.0.1")
	if strings.Contains(b.run(`document.documentElement.outerHTML`), token) {
		t.Error("the list shows the secret")
	}
	b.looksRight(s.url+"/tokens", axe)
	b.looks(1280, "light")
	b.open(s.url + "/tokens")
	revoke := b.run(`document.querySelector("main a[href$='/revoke']").getAttribute("href")`)
	b.looksRight(s.url+revoke, axe)
	b.looksRight(s.url+strings.Replace(revoke, "/revoke", "/rotate", 1), axe)
	b.looks(1280, "light")
	b.click("input[name=overlap][value='0']")
	b.follows("main form .btn-primary")
	renewed := b.secretShown()
	b.isAccessible(axe, "with another secret")
	if old, other := with(token, "backup"), with(renewed, "backup"); old != 401 || other != 200 || renewed == token {
		t.Errorf("the old secret gives %d, the new one %d", old, other)
	}

	b.open(s.url + "/tokens")
	b.click("main a[href$='/revoke']")
	b.tells(dialogText, "true Revoke")
	b.isAccessible(axe, "in the dialog")
	b.click("#dialog .btn-danger")
	b.says("#toasts", "Revoked")
	if status := with(renewed, "backup"); status != 401 {
		t.Errorf("a token that was revoked gives %d", status)
	}
	b.says("main", "No tokens yet")
	b.silent()
}

// command runs the program's commands as an operator does, who has a token.
func (s *server) command(t *testing.T, token string, args ...string) (out, messages string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GATEHOUSE_SERVER="+s.url, "GATEHOUSE_TOKEN_FILE="+secretFile(t, token))
	var written, told output
	cmd.Stdout, cmd.Stderr = &written, &told
	keepLog(&told)
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return written.String(), told.String(), cmd.ProcessState.ExitCode()
}

func TestTokensAreManagedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	admin := secret("token")
	s := startEnv(t, []string{"API_TOKENS=" + admin, "AUTH_LOCALHOST_BYPASS=false"})
	does := func(args ...string) string {
		t.Helper()
		out, messages, code := s.command(t, admin, append([]string{"token"}, args...)...)
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
		hidden("an API token", token)
		return token
	}
	pushes := func(token, job string) int {
		t.Helper()
		return s.do("PUT", "/metrics/job/"+job, "a 1\n", "X-API-Key", token).status
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
		out, messages, code := s.command(t, test.token, test.args...)
		if code != 1 || out != "" || !strings.Contains(messages, test.want) || strings.Contains(messages, "goroutine") {
			t.Errorf("%q: exit code %d, wrote %q and %q", test.args, code, out, messages)
		}
	}
}
