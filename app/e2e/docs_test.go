package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"gatehouse/views/docs"
)

// snippet is a block of code of the documentation.
type snippet struct {
	info string // what stands behind its fence
	code string
}

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// snippets returns the fenced blocks of a page of the documentation that say
// something by name=.
func snippets(t *testing.T, page, name string) []snippet {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "views", "docs", page))
	must(t, err)
	var found []snippet
	for _, m := range fence.FindAllStringSubmatch(string(b), -1) {
		if strings.Contains(m[1], " "+name+"=") {
			found = append(found, snippet{m[1], m[2]})
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block with %s=", page, name)
	}
	return found
}

// inLanguage returns the example of a language that has a text.
func inLanguage(t *testing.T, page, language, text string) string {
	t.Helper()
	for _, s := range snippets(t, page, "tab") {
		if strings.HasSuffix(s.info, " tab="+language) && strings.Contains(s.code, text) {
			return s.code
		}
	}
	t.Fatalf("%s has no example in %s with %q", page, language, text)
	return ""
}

// runners run an example as a person would. They begin where the module and the
// packages of Node are found.
var runners = map[string]func(t *testing.T, code string) *exec.Cmd{
	"curl": func(t *testing.T, code string) *exec.Cmd {
		tool(t, "curl")
		return exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.ReplaceAll(code, "curl ", "curl -sSf "))
	},
	"go": func(t *testing.T, code string) *exec.Cmd {
		file := filepath.Join(t.TempDir(), "main.go")
		must(t, os.WriteFile(file, []byte(code), 0o600))
		return exec.CommandContext(t.Context(), "go", "run", file)
	},
	"python": func(t *testing.T, code string) *exec.Cmd {
		return exec.CommandContext(t.Context(), pythonClient(t).command[0], "-c", code)
	},
	"javascript": func(t *testing.T, code string) *exec.Cmd {
		return exec.CommandContext(t.Context(), nodeClient(t).command[0], "-e", code)
	},
}

// follow runs an example against the server, with more in its environment.
func (s *server) follow(t *testing.T, language, code string, env ...string) (string, error) {
	t.Helper()
	if !strings.Contains(code, "localhost:9091") {
		t.Fatalf("nothing speaks to localhost:9091 in\n%s", code)
	}
	_, port, _ := strings.Cut(s.addr, ":")
	cmd := runners[language](t, strings.ReplaceAll(code, "localhost:9091", "localhost:"+port))
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func TestTheExamplesOfClientsWorkAsTheyStandThere(t *testing.T) {
	t.Parallel()
	for language := range runners {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			does := func(page, text string) {
				t.Helper()
				code := inLanguage(t, page, language, text)
				if out, err := s.follow(t, language, code); err != nil || out != "" {
					t.Fatalf("%v\n%s\n%s", err, out, code)
				}
			}
			does("quick-start.md", "5.1e6")
			const pushed = `backup_bytes{instance="db1",job="backup",table="orders"} 5.1e6
backup_bytes{instance="db1",job="backup",table="users"} 730
`
			s.holds(pushed)
			if body := s.do("GET", "/metrics", "").body; !strings.Contains(body, "# HELP backup_bytes Size of the last backup.\n# TYPE backup_bytes gauge\n") {
				t.Errorf("type and help got lost:\n%s", body)
			}
			does("pushing.md", "backup_last_success_timestamp_seconds")
			at := ""
			s.holdsBut(pushed, func(line string) bool {
				value, is := strings.CutPrefix(line, `backup_last_success_timestamp_seconds{instance="db1",job="backup"} `)
				if is {
					at = value
				}
				return is
			})
			if seconds, err := strconv.ParseFloat(at, 64); err != nil || time.Since(time.Unix(int64(seconds), 0)).Abs() > time.Hour {
				t.Errorf("pushed the time %q", at)
			}
			does("pushing.md", map[string]string{"curl": "-X DELETE", "go": "Delete()", "python": "delete_from_gateway", "javascript": ".delete("}[language])
			s.holds("")
		})
	}
}

func TestTheExamplesOfClientsSendTheToken(t *testing.T) {
	t.Parallel()
	token := secret("token")
	for language := range runners {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := startEnv(t, []string{"API_TOKENS=" + token, "AUTH_LOCALHOST_BYPASS=false"})
			code := inLanguage(t, "pushing.md", language, "TOKEN")
			if out, err := s.follow(t, language, code, "TOKEN=wrong"); err == nil || !strings.Contains(out, "401") {
				t.Errorf("%v\n%s\nwant an error with 401", err, tail(out))
			}
			if out, err := s.follow(t, language, code, "TOKEN="+token); err != nil || out != "" {
				t.Fatalf("%v\n%s\n%s", err, out, code)
			}
			a := s.want(200, "GET", "/metrics/job/backup/instance/db1", "", "Authorization", "Bearer "+token)
			if !strings.Contains(a.body, `backup_rows{instance="db1",job="backup"} 730`) {
				t.Errorf("%v", a)
			}
		})
	}
}

// The button does what the command above it does.
func TestRunningAnExampleIsWhatItsCommandDoes(t *testing.T) {
	t.Parallel()
	tool(t, "curl")
	byCommand, byButton := start(t), start(t)
	const path = "/metrics/job/docs_example/instance/demo"
	for _, shown := range snippets(t, "pushing.md", "run") {
		_, name, _ := strings.Cut(shown.info, "run=")
		example, ok := docs.FindExample(name)
		if !ok {
			t.Errorf("there is no example %q", name)
			continue
		}
		out := byCommand.paste(strings.ReplaceAll(shown.code, "curl -i", "curl -sS -i"))
		ran := byButton.want(200, "POST", "/docs/run/"+example.Name, "", "Accept", "text/html")
		status, _, _ := strings.Cut(out, "\r\n")
		if status = strings.TrimPrefix(status, "HTTP/1.1 "); !strings.Contains(ran.body, ">"+status+"<") {
			t.Errorf("%s: the command says %q, the button %s", name, status, ran.body)
		}
		if _, body, _ := strings.Cut(out, "\r\n\r\n"); !strings.Contains(unescaped(ran.body), strings.TrimSpace(body)) {
			t.Errorf("%s: the command says %q, the button %s", name, body, ran.body)
		}
		command, button := byCommand.do("GET", path, ""), byButton.do("GET", path, "")
		times := regexp.MustCompile(`(?m)^push_(failure_)?time_seconds.*`)
		if got, want := times.ReplaceAllString(button.body, ""), times.ReplaceAllString(command.body, ""); got != want {
			t.Errorf("%s: the button leaves\n%s\nthe command\n%s", name, got, want)
		}
	}
}

func unescaped(page string) string {
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(page)
}

func TestTheDocumentationIsAccessible(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	s := start(t)
	b := browser(t).strictly()
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {390, "dark"}, {320, "light"}} {
		b.looks(look.width, look.scheme)
		for _, path := range []string{"/docs/quick-start", "/docs/interface", "/docs/troubleshooting", "/docs/oidc", "/docs/oidc-providers", "/docs/pushing"} {
			b.open(s.url + path)
			if path == "/docs/pushing" {
				b.runsExample("refused", "400 Bad Request")
				b.runsExample("replace", "200 OK")
			}
			if flaws := b.flaws(axe); flaws != "" {
				t.Errorf("%s, %d px, %s:\n%s", path, look.width, look.scheme, flaws)
			}
		}
	}
}

// runsExample presses the button of an example and waits for what is told below.
func (b *tab) runsExample(name, want string) {
	b.t.Helper()
	b.run(fmt.Sprintf(`document.querySelector("form[action$='/docs/run/%s'] button").click(); "clicked"`, name))
	until(b.t, name+" to be run", func() string {
		text := b.run(fmt.Sprintf(`document.getElementById("run-%s").innerText`, name))
		if strings.Contains(text, want) {
			return ""
		}
		return fmt.Sprintf("%q", text)
	})
}

func TestAReaderChoosesALanguageByKeyboard(t *testing.T) {
	t.Parallel()
	s := start(t)
	b := browser(t).strictly()
	b.looks(1280, "light")
	b.open(s.url + "/docs/pushing")
	const shown = `[...document.querySelectorAll("figure")].filter(f => f.checkVisibility()).map(f => f.dataset.language).join()`
	if got := b.run(shown); got != "curl,curl,curl" {
		t.Errorf("shown at first is %q", got)
	}
	focus := func() string { return b.run(`document.activeElement.id`) }
	b.run(`document.querySelector("[role=tab][aria-selected=true]").focus(); ""`)
	for _, step := range []struct{ key, at, shown string }{
		{kb.ArrowRight, "example-1-go-tab", "go,go,go"},
		{kb.End, "example-1-powershell-tab", "powershell,powershell,powershell"},
		{kb.ArrowRight, "example-1-curl-tab", "curl,curl,curl"},
		{kb.ArrowLeft, "example-1-powershell-tab", "powershell,powershell,powershell"},
		{kb.Home, "example-1-curl-tab", "curl,curl,curl"},
		{kb.ArrowRight, "example-1-go-tab", "go,go,go"},
	} {
		b.press(step.key)
		if at, got := focus(), b.run(shown); at != step.at || got != step.shown {
			t.Errorf("%q leads to %s and shows %s, want %s and %s", step.key, at, got, step.at, step.shown)
		}
	}
	if names := b.run(`[...document.querySelectorAll("[role=tabpanel]")].map(p => document.getElementById(p.getAttribute("aria-labelledby"))?.textContent ?? "nothing").join()`); strings.Contains(names, "nothing") {
		t.Errorf("panels are called %q", names)
	}
	b.open(s.url + "/docs/quick-start")
	if got := b.run(shown); got != "go" {
		t.Errorf("another page shows %q", got)
	}
	if complaints := b.run(`window.complaints.join("\n")`); complaints != "" {
		t.Error(complaints)
	}
}
