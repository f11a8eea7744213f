package e2e

import (
	"strings"
	"testing"
)

func TestAnAdminMakesRotatesAndRevokesATokenInABrowser(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	s := startEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + secret("password"), "AUTH_LOCALHOST_BYPASS=true"})
	s.put("/metrics/job/backup/instance/db-1", "a 1\n")
	s.put("/metrics/job/other", "b 1\n")
	b := browser(t).strictly()
	b.looksRight(s.url+"/tokens", axe)
	b.looksRight(s.url+"/tokens/new", axe)

	b.looks(1280, "light")
	b.open(s.url + "/tokens/new")
	b.fill("#token-limit", `job="backup`)
	b.says("#reach", "Unterminated quoted string")
	b.fill("#token-limit", `job="backup",instance=~"db.*"`)
	b.says("#reach", "Matches 1 of 2 groupings")
	b.fill("#token-limit", `job="backup"`)
	b.fill("#token-name", "ci <script>")
	b.click(`[name="expires"][value="never"]`)
	b.says(".never-warning", "until somebody notices")
	b.click("main .btn-primary")
	b.says("h1", "Token created")
	if flaws := b.flaws(axe); flaws != "" {
		t.Error(flaws)
	}
	first := b.run(`document.querySelector("#secret").textContent`)
	s.want(200, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+first)
	s.want(403, "PUT", "/metrics/job/other", "b 1\n", "Authorization", "Bearer "+first)
	if command := b.run(`document.querySelector("#command").textContent`); !strings.Contains(command, s.url+"/metrics/job/backup") || !strings.Contains(command, first) {
		t.Errorf("the command is %s", command)
	}

	b.looksRight(s.url+"/tokens", axe)
	rotate := b.run(`document.querySelector("a[href$='/rotate']").href`)
	b.looksRight(rotate, axe)
	b.looksRight(strings.Replace(rotate, "/rotate", "/revoke", 1), axe)
	b.looks(1280, "light")
	b.open(rotate)
	b.click(`[name="overlap"][value="0"]`)
	b.click("main .btn-primary")
	b.says("h1", "New secret created")
	second := b.run(`document.querySelector("#secret").textContent`)
	s.want(401, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+first)
	s.want(200, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+second)

	b.open(s.url + "/tokens")
	b.click("tbody .btn-danger")
	b.says("dialog[open] h2", "Revoke ci <script>?")
	if flaws := b.flaws(axe); flaws != "" {
		t.Error(flaws)
	}
	b.click("dialog .btn-danger")
	b.says("#toasts", "Revoked ci <script>.")
	b.says("main", "No tokens yet")
	s.want(401, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+second)
	for _, hidden := range []string{first, second} {
		if strings.Contains(s.log.String(), hidden) {
			t.Error("the log holds a secret")
		}
	}
}
