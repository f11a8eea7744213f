package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// write types into the editor, in the place of what stands there.
func (b *tab) write(text string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`{
		const text = document.getElementById("text");
		text.focus();
		text.select();
		document.execCommand("insertText", false, %q);
	}; "written"`, text))
}

// says waits until an element's text has what is wanted.
func (b *tab) says(selector, want string) {
	b.t.Helper()
	until(b.t, selector+" to say "+want, func() string {
		if text := b.run(fmt.Sprintf(`document.querySelector(%q)?.innerText ?? "nothing yet"`, selector)); !strings.Contains(text, want) {
			return "it says " + text
		}
		return ""
	})
}

// fill puts a text into an input as typing does.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`{
		const input = document.querySelector(%q);
		input.value = %q;
		input.dispatchEvent(new Event("input", {bubbles: true}));
	}; "filled"`, selector, text))
}

func TestSomebodyWritesAPushAndIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	s := startEnv(t, nil)
	s.pushHostile()
	b := browser(t).strictly()
	looks := func(what string) {
		t.Helper()
		for _, look := range []struct {
			width  int64
			scheme string
		}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
			b.looks(look.width, look.scheme)
			if flaws := b.flaws(axe); flaws != "" {
				t.Errorf("%s, %d px, %s:\n%s", what, look.width, look.scheme, flaws)
			}
			if small := b.run(`[...document.querySelectorAll("main a, main button, main input")]
				.filter(e => e.checkVisibility() && !e.closest(".sr-only") && e.type !== "hidden" && e.type !== "radio" && !e.closest("nav"))
				.filter(e => e.getBoundingClientRect().height < 23.5).map(e => e.outerHTML.slice(0, 100)).join("\n")`); small != "" {
				t.Errorf("%s, %d px: too small to be hit:\n%s", what, look.width, small)
			}
		}
		b.looks(1280, "light")
	}
	b.open(s.url + "/push")
	looks("the empty form")

	b.fill("#job", "nightly")
	b.click("[data-add-label]")
	b.fill("#label-2", "zone")
	b.fill("[aria-label='Value of label 2']", "eu/1")
	b.write("# TYPE rows gauge\nrows 1\nrows{ 2\n" + strings.Repeat("# far down\n", 100) + "other\n")
	b.says("#verdict", "2 problems to fix")
	b.says("#verdict", `Line 104: metric "other" has no value`)
	b.says("#gutter b", "3")
	looks("the form with mistakes")
	b.click("#verdict [data-line='104']")
	if selected := b.run(`text.value.slice(text.selectionStart, text.selectionEnd) + " " + (document.activeElement === text)`); selected != "other true" {
		t.Errorf("selected %q", selected)
	}
	if hidden := b.run(`{
		const box = editor.getBoundingClientRect(), mark = document.querySelectorAll("#gutter b")[1].getBoundingClientRect();
		mark.top >= box.top && mark.bottom <= box.bottom ? "" : JSON.stringify([box, mark])
	}`); hidden != "" {
		t.Errorf("the line is out of sight: %s", hidden)
	}

	// Pushed all the same, it is refused, and nothing that was written is lost.
	b.click("#compose .btn-primary")
	b.arrives(s.url + "/ui/push")
	if got := b.run(`document.activeElement.id + ": " + failure.innerText`); !strings.HasPrefix(got, "failure: The push was refused") || !strings.Contains(got, "Line 3: ") {
		t.Errorf("the page says %q", got)
	}
	if kept := b.run(`String([job.value, document.getElementById("label-2").value, text.value.length])`); kept != "nightly,zone,1139" {
		t.Errorf("kept %q", kept)
	}
	looks("the refused push")

	b.fill("#label-2", "__zone")
	b.says("#label-2-problem", `label name "__zone" is reserved`)
	b.fill("#label-2", "zone")
	b.write("# TYPE rows gauge\nrows 1\n")
	b.says("#verdict", "Would add 1 family; the grouping then has 1 series.")
	b.says("#address", "/metrics/job/nightly/zone@base64/ZXUvMQ")
	looks("the form that is right")
	s.want(404, "GET", "/metrics/job/nightly/zone/eu%2F1", "")
	b.click("#compose .btn-primary")
	until(t, "the grouping's page", func() string {
		if at := b.run(`location.pathname + document.readyState`); !strings.HasPrefix(at, "/groupings/") || !strings.HasSuffix(at, "complete") {
			return at
		}
		return ""
	})
	s.want(200, "GET", "/metrics/job/nightly/zone/eu%2F1", "")

	// What was pushed is no draft any more.
	b.click("a[href*='/push?grouping=']")
	b.says("h1", "Push again")
	if draft := b.run(`String(restored.hidden) + " " + Object.keys(sessionStorage).filter(k => k.startsWith("gatehouse")) + " " + text.value`); draft != "true  # TYPE rows gauge\nrows 1\n" {
		t.Errorf("got %q", draft)
	}
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}

func TestADraftSurvivesASessionThatEnds(t *testing.T) {
	t.Parallel()
	password := secret("password")
	s := startEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password, "AUTH_LOCALHOST_BYPASS=false"})
	b := browser(t).strictly()
	signIn := func() {
		t.Helper()
		b.says("h1", "Sign in")
		b.run(fmt.Sprintf(`document.querySelector("input[name=name]").value = "ana"; document.querySelector("input[name=password]").value = %q; document.querySelector("main form button").click(); "sent"`, password))
	}
	b.open(s.url + "/push")
	signIn()
	b.says("h1", "Push metrics")
	b.arrives(s.url + "/push")
	b.fill("#job", "x")
	b.write("a 1\n")
	b.says("#verdict", "Would add 1 family")
	// The session ends elsewhere.
	b.run(`fetch("/auth/logout", {method: "POST", redirect: "manual"}).then(() => "", String)`)
	b.write("a 2\n")
	signIn()
	b.says("#restored", "was restored")
	if text := b.run(`job.value + " " + text.value`); text != "x a 2\n" {
		t.Errorf("restored %q", text)
	}
	b.says("#verdict", "Would add 1 family")
	b.click("[data-discard]")
	until(t, "an empty form", func() string {
		return b.run(`document.querySelector("footer") ? text.value + job.value : "no page yet"`)
	})
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
