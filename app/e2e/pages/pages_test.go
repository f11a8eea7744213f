package pages

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestEveryPageIsAccessibleAndKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.StartEnv(t, nil)
	s.PushHostile()
	b := harness.StartBrowser(t).Strictly()
	b.Open(s.URL + "/")
	grouping := b.Run(`document.querySelector("a[href*='/groupings/']").getAttribute("href")`)
	failed := b.Run(`document.querySelector("tbody .state-failed").closest("tr").querySelector("a[href*='/groupings/']").getAttribute("href")`)
	for _, path := range []string{
		"/", "/?q=nothing-like-that", "/?m=env%3D", "/?state=failed", grouping, failed, failed + "/delete",
		"/docs", "/docs/authentication", "/docs/flags", "/docs/search?q=token", "/docs/nowhere", "/login", "/nowhere",
	} {
		b.LooksRight(s.URL+path, axe)
	}
}

func TestAnOperatorSignsInFindsDeletesAndBringsBack(t *testing.T) {
	t.Parallel()
	password := harness.Secret("password")
	s := harness.StartEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password, "AUTH_LOCALHOST_BYPASS=false"})
	header := []string{"Authorization", harness.BasicAuth("ana", password)}
	s.PushHostile(header...)
	b := harness.StartWholeBrowser(t).Strictly()

	// The sign-in page is in place of the list.
	b.Open(s.URL + "/?q=backup")
	if status := b.Answered("GET", s.URL+"/?q=backup"); status != 401 {
		t.Fatalf("got %d", status)
	}
	signIn := func(with string) string {
		return fmt.Sprintf(`document.querySelector("input[name=name]").value = "ana"; document.querySelector("input[name=password]").value = %q; document.querySelector("main form button").click(); "sent"`, with)
	}
	b.Run(signIn("wrong"))
	b.Arrives(s.URL + "/login")
	if text := b.Run(`document.querySelector("[role=alert]").textContent`); text != "Wrong user or password." {
		t.Errorf("told %q", text)
	}
	b.Run(signIn(password))
	b.Arrives(s.URL + "/?q=backup")

	// One grouping is found; its page says why its last push was refused.
	b.Run(`document.querySelector("a[href*='/groupings/']").click(); "clicked"`)
	harness.Until(t, "the grouping's page", func() string {
		if at := b.Reads(`location.pathname`); !strings.HasPrefix(at, "/groupings/") {
			return at
		}
		return ""
	})
	grouping := b.Run(`location.href`)
	b.Arrives(grouping)
	if text := b.Run(`document.querySelector("main").innerText`); !strings.Contains(text, "no closing brace") || !strings.Contains(text, "backup_seconds") {
		t.Errorf("the page says %.500q", text)
	}
	b.Run(`document.querySelector("a[href$='/delete']").click(); "clicked"`)
	b.Returns(harness.DialogText, "true Delete this grouping?")
	b.Run(`document.querySelector("#dialog .btn-danger").click(); "clicked"`)
	harness.Until(t, "the end of the delete", func() string {
		if at := b.Reads(`location.pathname`); !strings.HasPrefix(at, "/deleted/") {
			return at
		}
		return ""
	})
	b.Arrives(b.Run(`location.href`))
	s.Want(404, "GET", "/metrics/job/backup/instance/db-1/path/a%2Fb", "", header...)
	b.Run(`document.querySelector("main form button").click(); "clicked"`)
	harness.Until(t, "the grouping to be back", func() string {
		return strings.TrimPrefix(fmt.Sprint(s.Do("GET", "/metrics/job/backup/instance/db-1/path/a%2Fb", "", header...).Status), "200")
	})

	b.Open(s.URL + "/")
	b.Run(`document.querySelector("header form button").click(); "clicked"`)
	harness.Until(t, "the sign-in page in the place of the list", func() string {
		if text := b.Reads(`document.querySelector("h1")?.textContent ?? "nothing yet"`); text != "Sign in" {
			return text
		}
		return ""
	})
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
