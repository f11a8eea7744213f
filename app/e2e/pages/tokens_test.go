package pages

import (
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestAnAdminMakesRotatesAndRevokesATokenInABrowser(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.StartEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + harness.Secret("password"), "AUTH_LOCALHOST_BYPASS=true"})
	s.Put("/metrics/job/backup/instance/db-1", "a 1\n")
	s.Put("/metrics/job/other", "b 1\n")
	b := harness.StartBrowser(t).Strictly()
	b.LooksRight(s.URL+"/tokens", axe)
	b.LooksRight(s.URL+"/tokens/new", axe)

	b.Looks(1280, "light")
	b.Open(s.URL + "/tokens/new")
	b.Fill("#token-limit", `job="backup`)
	b.Says("#reach", "Unterminated quoted string")
	b.Fill("#token-limit", `job="backup",instance=~"db.*"`)
	b.Says("#reach", "Matches 1 of 2 groupings")
	b.Fill("#token-limit", `job="backup"`)
	b.Fill("#token-name", "ci <script>")
	b.Click(`[name="expires"][value="never"]`)
	b.Says(".never-warning", "until somebody notices")
	b.Click("main .btn-primary")
	b.Says("h1", "Token created")
	if flaws := b.Flaws(axe); flaws != "" {
		t.Error(flaws)
	}
	first := b.Run(`document.querySelector("#secret").textContent`)
	s.Want(200, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+first)
	s.Want(403, "PUT", "/metrics/job/other", "b 1\n", "Authorization", "Bearer "+first)
	if command := b.Run(`document.querySelector("#command").textContent`); !strings.Contains(command, s.URL+"/metrics/job/backup") || !strings.Contains(command, first) {
		t.Errorf("the command is %s", command)
	}

	b.LooksRight(s.URL+"/tokens", axe)
	rotate := b.Run(`document.querySelector("a[href$='/rotate']").href`)
	b.LooksRight(rotate, axe)
	b.LooksRight(strings.Replace(rotate, "/rotate", "/revoke", 1), axe)
	b.Looks(1280, "light")
	b.Open(rotate)
	b.Click(`[name="overlap"][value="0"]`)
	b.Click("main .btn-primary")
	b.Says("h1", "New secret created")
	second := b.Run(`document.querySelector("#secret").textContent`)
	s.Want(401, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+first)
	s.Want(200, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+second)

	b.Open(s.URL + "/tokens")
	b.Click("tbody .btn-danger")
	b.Says("dialog[open] h2", "Revoke ci <script>?")
	if flaws := b.Flaws(axe); flaws != "" {
		t.Error(flaws)
	}
	b.Click("dialog .btn-danger")
	b.Says("#toasts", "Revoked ci <script>.")
	b.Says("main", "No tokens yet")
	s.Want(401, "PUT", "/metrics/job/backup", "a 1\n", "Authorization", "Bearer "+second)
	for _, hidden := range []string{first, second} {
		if strings.Contains(s.Log.String(), hidden) {
			t.Error("the log holds a secret")
		}
	}
}
