package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// strictly notes down what the pages' policy forbids and every error of a
// script, from the first moment of each page on.
func (b *tab) strictly() *tab {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.complaints = [];
		addEventListener("securitypolicyviolation", e => complaints.push(e.violatedDirective + " " + e.blockedURI));
		addEventListener("error", e => complaints.push(e.message ?? "a file is missing"), true);
		addEventListener("unhandledrejection", e => complaints.push(String(e.reason)));
	`})
	must(b.t, err)
	return b
}

// looks sets the size of the window and the colours that the user likes.
func (b *tab) looks(width int64, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
	must(b.t, err)
	_, err = chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // while one page fades into the next, clicks are lost
	}})
	must(b.t, err)
}

// flaws are what is wrong with the page that is open, a line each.
func (b *tab) flaws(axe string) string {
	b.t.Helper()
	return b.run(axe + `;
		axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(({violations}) => [
			...violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 200))),
			...window.complaints,
			...(document.documentElement.scrollWidth > innerWidth ? ["scrolls sideways: " + document.documentElement.scrollWidth] : []),
		].join("\n"))`)
}

// axeSource is the script that finds what keeps people out.
func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(t, "axe-core is not installed (npm ci installs it)")
	}
	return string(source)
}

// looksRight opens a page in several sizes and colours and reports its flaws.
func (b *tab) looksRight(url, axe string) {
	b.t.Helper()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
		b.looks(look.width, look.scheme)
		b.open(url)
		if flaws := b.flaws(axe); flaws != "" {
			b.t.Errorf("%s, %d px, %s:\n%s", url, look.width, look.scheme, flaws)
		}
		if small := b.run(`[...document.querySelectorAll("main a[href], main button, main input")].filter(e => {
			const box = (["checkbox", "radio"].includes(e.type) ? e.closest("label") ?? e : e).getBoundingClientRect();
			return e.offsetParent && !e.matches(".open, .row-link") && getComputedStyle(e).display !== "inline" && (box.height < 24 || box.width < 24);
		}).map(e => e.outerHTML.slice(0, 200)).join("\n")`); small != "" {
			b.t.Errorf("%s, %d px: too small to be hit:\n%s", url, look.width, small)
		}
	}
}

// hostile are pushes whose names and texts would like to be more than text.
func (s *server) pushHostile(headers ...string) {
	s.t.Helper()
	s.put("/metrics/job/%3Cscript%3Ecomplaints.push(1)%3C%2Fscript%3E/instance/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
		"# HELP a <script>complaints.push(2)</script>\na{l=\"javascript:alert(1)\"} 1\n", headers...)
	s.put("/metrics/job/rtl/instance/%E2%80%AEgnitset/long/"+strings.Repeat("x", 1000), "b 2\n", headers...)
	s.put("/metrics/job/backup/instance/db-1/path/a%2Fb", "# TYPE backup_seconds histogram\nbackup_seconds_bucket{le=\"1\"} 3\nbackup_seconds_bucket{le=\"5\"} 8\nbackup_seconds_bucket{le=\"+Inf\"} 9\nbackup_seconds_sum 20\nbackup_seconds_count 9\n", headers...)
	s.want(400, "PUT", "/metrics/job/backup/instance/db-1/path/a%2Fb", "c{\n", headers...)
}

func TestEveryPageIsAccessibleAndKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	s := startEnv(t, nil)
	s.pushHostile()
	b := browser(t).strictly()
	b.open(s.url + "/")
	grouping := b.run(`document.querySelector("a[href*='/groupings/']").getAttribute("href")`)
	failed := b.run(`document.querySelector("tbody .state-failed").closest("tr").querySelector("a[href*='/groupings/']").getAttribute("href")`)
	for _, path := range []string{
		"/", "/?q=nothing-like-that", "/?m=env%3D", "/?state=failed", grouping, failed, failed + "/delete",
		"/docs", "/docs/authentication", "/docs/flags", "/docs/search?q=token", "/docs/nowhere", "/login", "/nowhere",
	} {
		b.looksRight(s.url+path, axe)
	}
}

func TestAnOperatorSignsInFindsDeletesAndBringsBack(t *testing.T) {
	t.Parallel()
	password := secret("password")
	s := startEnv(t, []string{"PUSHGATEWAY_AUTH_USER=ana", "PUSHGATEWAY_AUTH_PASS=" + password, "AUTH_LOCALHOST_BYPASS=false"})
	header := []string{"Authorization", basic("ana", password)}
	s.pushHostile(header...)
	b := browser(t).strictly()

	// The sign-in page stands where the list will be.
	b.open(s.url + "/?q=backup")
	if status := b.answered("GET", s.url+"/?q=backup"); status != 401 {
		t.Fatalf("got %d", status)
	}
	signIn := func(with string) string {
		return fmt.Sprintf(`document.querySelector("input[name=name]").value = "ana"; document.querySelector("input[name=password]").value = %q; document.querySelector("main form button").click(); "sent"`, with)
	}
	b.run(signIn("wrong"))
	b.arrives(s.url + "/login")
	if text := b.run(`document.querySelector("[role=alert]").textContent`); text != "Wrong user or password." {
		t.Errorf("told %q", text)
	}
	b.run(signIn(password))
	b.arrives(s.url + "/?q=backup")

	// One grouping is found; its page tells why its last push was refused.
	b.run(`document.querySelector("a[href*='/groupings/']").click(); "clicked"`)
	until(t, "the grouping's page", func() string {
		if at := b.run(`location.pathname`); !strings.HasPrefix(at, "/groupings/") {
			return at
		}
		return ""
	})
	grouping := b.run(`location.href`)
	b.arrives(grouping)
	if text := b.run(`document.querySelector("main").innerText`); !strings.Contains(text, "no closing brace") || !strings.Contains(text, "backup_seconds") {
		t.Errorf("the page says %.500q", text)
	}
	b.run(`document.querySelector("a[href$='/delete']").click(); "clicked"`)
	b.tells(dialogText, "true Delete this grouping?")
	b.run(`document.querySelector("#dialog .btn-danger").click(); "clicked"`)
	until(t, "the end of the delete", func() string {
		if at := b.run(`location.pathname`); !strings.HasPrefix(at, "/deleted/") {
			return at
		}
		return ""
	})
	b.arrives(b.run(`location.href`))
	s.want(404, "GET", "/metrics/job/backup/instance/db-1/path/a%2Fb", "", header...)
	b.run(`document.querySelector("main form button").click(); "clicked"`)
	until(t, "the grouping to be back", func() string {
		return strings.TrimPrefix(fmt.Sprint(s.do("GET", "/metrics/job/backup/instance/db-1/path/a%2Fb", "", header...).status), "200")
	})

	b.open(s.url + "/")
	b.run(`document.querySelector("header form button").click(); "clicked"`)
	until(t, "the sign-in page in the place of the list", func() string {
		if text := b.run(`document.querySelector("h1")?.textContent ?? "nothing yet"`); text != "Sign in" {
			return text
		}
		return ""
	})
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
