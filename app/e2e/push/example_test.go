package push

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse/app/e2e/harness"
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
	b, err := os.ReadFile(filepath.Join(harness.Root, "views", "docs", page))
	harness.Must(t, err)
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
		harness.Tool(t, "curl")
		return exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.ReplaceAll(code, "curl ", "curl -sSf "))
	},
	"go": func(t *testing.T, code string) *exec.Cmd {
		file := filepath.Join(t.TempDir(), "main.go")
		harness.Must(t, os.WriteFile(file, []byte(code), 0o600))
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
func follow(t *testing.T, s *harness.Server, language, code string, env ...string) (string, error) {
	t.Helper()
	if !strings.Contains(code, "localhost:9091") {
		t.Fatalf("nothing speaks to localhost:9091 in\n%s", code)
	}
	_, port, _ := strings.Cut(s.Addr, ":")
	cmd := runners[language](t, strings.ReplaceAll(code, "localhost:9091", "localhost:"+port))
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func TestTheExamplesOfClientsWorkAsWritten(t *testing.T) {
	t.Parallel()
	for language := range runners {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t)
			does := func(page, text string) {
				t.Helper()
				code := inLanguage(t, page, language, text)
				if out, err := follow(t, s, language, code); err != nil || out != "" {
					t.Fatalf("%v\n%s\n%s", err, out, code)
				}
			}
			does("quick-start.md", "5.1e6")
			const pushed = `backup_bytes{instance="db1",job="backup",table="orders"} 5.1e6
backup_bytes{instance="db1",job="backup",table="users"} 730
`
			s.Holds(pushed)
			if body := s.Do("GET", "/metrics", "").Body; !strings.Contains(body, "# HELP backup_bytes Size of the last backup.\n# TYPE backup_bytes gauge\n") {
				t.Errorf("type and help got lost:\n%s", body)
			}
			does("pushing.md", "backup_last_success_timestamp_seconds")
			at := ""
			s.HoldsBut(pushed, func(line string) bool {
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
			s.Holds("")
		})
	}
}

func TestTheExamplesOfClientsSendTheToken(t *testing.T) {
	t.Parallel()
	token := harness.Secret("token")
	for language := range runners {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := harness.StartEnv(t, []string{"API_TOKENS=" + token, "AUTH_LOCALHOST_BYPASS=false"})
			code := inLanguage(t, "pushing.md", language, "TOKEN")
			if out, err := follow(t, s, language, code, "TOKEN=wrong"); err == nil || !strings.Contains(out, "401") {
				t.Errorf("%v\n%s\nwant an error with 401", err, harness.Tail(out))
			}
			if out, err := follow(t, s, language, code, "TOKEN="+token); err != nil || out != "" {
				t.Fatalf("%v\n%s\n%s", err, out, code)
			}
			a := s.Want(200, "GET", "/metrics/job/backup/instance/db1", "", "Authorization", "Bearer "+token)
			if !strings.Contains(a.Body, `backup_rows{instance="db1",job="backup"} 730`) {
				t.Errorf("%v", a)
			}
		})
	}
}

// The button does what the command above it does.
func TestRunningAnExampleIsWhatItsCommandDoes(t *testing.T) {
	t.Parallel()
	harness.Tool(t, "curl")
	byCommand, byButton := harness.Start(t), harness.Start(t)
	const path = "/metrics/job/docs_example/instance/demo"
	for _, shown := range snippets(t, "pushing.md", "run") {
		_, name, _ := strings.Cut(shown.info, "run=")
		example, ok := docs.FindExample(name)
		if !ok {
			t.Errorf("there is no example %q", name)
			continue
		}
		out := byCommand.Paste(strings.ReplaceAll(shown.code, "curl -i", "curl -sS -i"))
		ran := byButton.Want(200, "POST", "/docs/run/"+example.Name, "", "Accept", "text/html")
		status, _, _ := strings.Cut(out, "\r\n")
		if status = strings.TrimPrefix(status, "HTTP/1.1 "); !strings.Contains(ran.Body, ">"+status+"<") {
			t.Errorf("%s: the command says %q, the button %s", name, status, ran.Body)
		}
		if _, body, _ := strings.Cut(out, "\r\n\r\n"); !strings.Contains(unescaped(ran.Body), strings.TrimSpace(body)) {
			t.Errorf("%s: the command says %q, the button %s", name, body, ran.Body)
		}
		command, button := byCommand.Do("GET", path, ""), byButton.Do("GET", path, "")
		times := regexp.MustCompile(`(?m)^push_(failure_)?time_seconds.*`)
		if got, want := times.ReplaceAllString(button.Body, ""), times.ReplaceAllString(command.Body, ""); got != want {
			t.Errorf("%s: the button leaves\n%s\nthe command\n%s", name, got, want)
		}
	}
}

func unescaped(page string) string {
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(page)
}
