package pages

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

// writeText replaces the text in the editor.
func writeText(b *harness.Tab, text string) {
	b.T.Helper()
	b.Run(fmt.Sprintf(`{
		const text = document.getElementById("text");
		text.focus();
		text.select();
		document.execCommand("insertText", false, %q);
	}; "written"`, text))
}

func TestSomebodyWritesAPushAndSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	axe := harness.AxeSource(t)
	s := harness.StartEnv(t, nil)
	s.PushHostile()
	b := harness.StartBrowser(t).Strictly()
	looks := func(what string) {
		t.Helper()
		for _, look := range []struct {
			width  int64
			scheme string
		}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
			b.Looks(look.width, look.scheme)
			if flaws := b.Flaws(axe); flaws != "" {
				t.Errorf("%s, %d px, %s:\n%s", what, look.width, look.scheme, flaws)
			}
			if small := b.Run(`[...document.querySelectorAll("main a, main button, main input")]
				.filter(e => e.checkVisibility() && !e.closest(".sr-only") && e.type !== "hidden" && e.type !== "radio" && !e.closest("nav"))
				.filter(e => e.getBoundingClientRect().height < 23.5).map(e => e.outerHTML.slice(0, 100)).join("\n")`); small != "" {
				t.Errorf("%s, %d px: too small to be hit:\n%s", what, look.width, small)
			}
		}
		b.Looks(1280, "light")
	}
	b.Open(s.URL + "/push")
	looks("the empty form")

	b.Fill("#job", "nightly")
	b.Click("[data-add-label]")
	b.Fill("#label-2", "zone")
	b.Fill("[aria-label='Value of label 2']", "eu/1")
	writeText(b, "# TYPE rows gauge\nrows 1\nrows{ 2\n"+strings.Repeat("# far down\n", 100)+"other\n")
	b.Says("#verdict", "2 problems to fix")
	b.Says("#verdict", `Line 104: metric "other" has no value`)
	b.Says("#gutter b", "3")
	looks("the form with mistakes")
	b.Click("#verdict [data-line='104']")
	if selected := b.Run(`text.value.slice(text.selectionStart, text.selectionEnd) + " " + (document.activeElement === text)`); selected != "other true" {
		t.Errorf("selected %q", selected)
	}
	if hidden := b.Run(`{
		const box = editor.getBoundingClientRect(), mark = document.querySelectorAll("#gutter b")[1].getBoundingClientRect();
		mark.top >= box.top && mark.bottom <= box.bottom ? "" : JSON.stringify([box, mark])
	}`); hidden != "" {
		t.Errorf("the line is out of sight: %s", hidden)
	}

	// Pushed all the same, it is refused, and nothing that was written is lost.
	b.Click("#compose .btn-primary")
	b.Arrives(s.URL + "/ui/push")
	if got := b.Run(`document.activeElement.id + ": " + failure.innerText`); !strings.HasPrefix(got, "failure: The push was refused") || !strings.Contains(got, "Line 3: ") {
		t.Errorf("the page says %q", got)
	}
	if kept := b.Run(`String([job.value, document.getElementById("label-2").value, text.value.length])`); kept != "nightly,zone,1139" {
		t.Errorf("kept %q", kept)
	}
	looks("the refused push")

	b.Fill("#label-2", "__zone")
	b.Says("#label-2-problem", `label name "__zone" is reserved`)
	b.Fill("#label-2", "zone")
	writeText(b, "# TYPE rows gauge\nrows 1\n")
	b.Says("#verdict", "Would add 1 family; the grouping then has 1 series.")
	b.Says("#address", "/metrics/job/nightly/zone@base64/ZXUvMQ")
	looks("the form that is right")
	s.Want(404, "GET", "/metrics/job/nightly/zone/eu%2F1", "")
	b.Click("#compose .btn-primary")
	harness.Until(t, "the grouping's page", func() string {
		if at := b.Reads(`location.pathname + document.readyState`); !strings.HasPrefix(at, "/groupings/") || !strings.HasSuffix(at, "complete") {
			return at
		}
		return ""
	})
	s.Want(200, "GET", "/metrics/job/nightly/zone/eu%2F1", "")

	// What was pushed is no draft any more.
	b.Click("a[href*='/push?grouping=']")
	b.Says("h1", "Push again")
	if draft := b.Run(`String(restored.hidden) + " " + Object.keys(sessionStorage).filter(k => k.startsWith("gatehouse")) + " " + text.value`); draft != "true  # TYPE rows gauge\nrows 1\n" {
		t.Errorf("got %q", draft)
	}
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestADraftSurvivesASessionThatEnds(t *testing.T) {
	t.Parallel()
	password := harness.Secret("password")
	s := harness.StartEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password, "AUTH_LOCALHOST_BYPASS=false"})
	b := harness.StartBrowser(t).Strictly()
	signIn := func() {
		t.Helper()
		b.Says("h1", "Sign in")
		b.Run(fmt.Sprintf(`document.querySelector("input[name=name]").value = "ana"; document.querySelector("input[name=password]").value = %q; document.querySelector("main form button").click(); "sent"`, password))
	}
	b.Open(s.URL + "/push")
	signIn()
	b.Says("h1", "Push metrics")
	b.Arrives(s.URL + "/push")
	b.Fill("#job", "x")
	writeText(b, "a 1\n")
	b.Says("#verdict", "Would add 1 family")
	// The session ends elsewhere.
	b.Run(`fetch("/auth/logout", {method: "POST", redirect: "manual"}).then(() => "", String)`)
	writeText(b, "a 2\n")
	signIn()
	b.Says("#restored", "was restored")
	if text := b.Run(`job.value + " " + text.value`); text != "x a 2\n" {
		t.Errorf("restored %q", text)
	}
	b.Says("#verdict", "Would add 1 family")
	b.Click("[data-discard]")
	harness.Until(t, "an empty form", func() string {
		return b.Reads(`document.querySelector("footer") ? text.value + job.value : "no page yet"`)
	})
	if complaints := b.Run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
