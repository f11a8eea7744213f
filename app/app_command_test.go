package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	subcommand "gatehouse/app/command"
)

// said is the output of a command, and its exit code.
type said struct {
	code          int
	out, messages string
}

func command(t *testing.T, args ...string) said {
	t.Helper()
	var out, messages bytes.Buffer
	code, ok := subcommand.Run(t.Context(), args, &out, &messages)
	if !ok {
		t.Fatalf("%q is no command", args)
	}
	return said{code, out.String(), messages.String()}
}

// push pushes with a token and returns the status.
func push(t *testing.T, url, secret string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "PUT", url, strings.NewReader("a 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// withTokens starts a server below a prefix and points commands to it.
func withTokens(t *testing.T) (base string) {
	t.Helper()
	t.Setenv("PUSHGATEWAY_AUTH_USER", "admin")
	t.Setenv("PUSHGATEWAY_AUTH_PASS", "a-password-of-the-test")
	a := start(t, "--auth.localhost-bypass=false", "--web.route-prefix=/pg")
	base = "http://" + a.Addr() + "/pg"
	t.Setenv("GATEHOUSE_SERVER", base+"/")
	return base
}

func TestTokensAreManagedFromTheCommandLine(t *testing.T) {
	base := withTokens(t)
	made := command(t, "token", "create", "ci-backup", "--role", "pusher", "--limit", `{job="backup"}`, "--expires", "90d")
	first := strings.TrimSuffix(made.out, "\n")
	if made.code != 0 || !strings.HasPrefix(first, "gatehouse_") || strings.ContainsAny(first, " \n") || strings.Contains(made.messages, first) {
		t.Fatalf("%+v", made)
	}
	for _, want := range []string{`Created the token "ci-backup" (`, `role pusher, scope {job="backup"}, expires 2`, "not shown again"} {
		if !strings.Contains(made.messages, want) {
			t.Errorf("%q lacks %q", made.messages, want)
		}
	}
	if within, without := push(t, base+"/metrics/job/backup", first), push(t, base+"/metrics/job/x", first); within != 200 || without != 403 {
		t.Errorf("pushes are answered by %d and %d", within, without)
	}
	rotated := command(t, "token", "rotate", "ci-backup", "--overlap=0")
	second := strings.TrimSuffix(rotated.out, "\n")
	if old, current := push(t, base+"/metrics/job/backup", first), push(t, base+"/metrics/job/backup", second); rotated.code != 0 || old != 401 || current != 200 {
		t.Errorf("%+v: the secrets are answered by %d and %d", rotated, old, current)
	}
	list := command(t, "token", "list")
	if list.code != 0 || list.messages != "" || !strings.Contains(list.out, "ci-backup") || !strings.Contains(list.out, `{job="backup"}`) || strings.Contains(list.out, second) {
		t.Errorf("%+v", list)
	}
	var tokens []struct{ ID, Name string }
	asJSON := command(t, "token", "list", "--json")
	if err := json.Unmarshal([]byte(asJSON.out), &tokens); err != nil || len(tokens) != 1 || tokens[0].Name != "ci-backup" {
		t.Fatalf("%+v: %v", asJSON, err)
	}
	revoked := command(t, "token", "revoke", tokens[0].ID)
	if revoked.code != 0 || revoked.out != "" || !strings.HasPrefix(revoked.messages, `Revoked the token "ci-backup"`) || push(t, base+"/metrics/job/backup", second) != 401 {
		t.Errorf("%+v", revoked)
	}
	if empty := command(t, "token", "list", "--json"); empty.out != "[]\n" {
		t.Errorf("%+v", empty)
	}
}

func TestATokenAndItsLimitAreThereAfterARestart(t *testing.T) {
	t.Setenv("PUSHGATEWAY_AUTH_USER", "admin")
	t.Setenv("PUSHGATEWAY_AUTH_PASS", "a-password-of-the-test")
	o := options(t, "--auth.localhost-bypass=false")
	a := startWith(t, o)
	secret := strings.TrimSpace(command(t, "token", "create", "ci", "--role=pusher", `--limit={job="backup"}`, "--server=http://"+a.Addr()).out)
	revoked := strings.TrimSpace(command(t, "token", "create", "gone", "--role=pusher", "--server=http://"+a.Addr()).out)
	if got := command(t, "token", "revoke", "gone", "--server=http://"+a.Addr()); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	if status := push(t, "http://"+a.Addr()+"/metrics/job/backup", secret); status != 200 {
		t.Errorf("status %d", status)
	}
	stop(t, a)
	a = startWith(t, o)
	base := "http://" + a.Addr()
	if within, without, gone := push(t, base+"/metrics/job/backup", secret), push(t, base+"/metrics/job/x", secret), push(t, base+"/metrics/job/backup", revoked); within != 200 || without != 403 || gone != 401 {
		t.Errorf("pushes are answered by %d, %d and %d", within, without, gone)
	}
	if list := command(t, "token", "list", "--server="+base); strings.Contains(list.out, "gone") || strings.Contains(list.out, "never      ") {
		t.Errorf("%+v", list)
	}
}

func TestACommandSignsInWithWhatTheEnvironmentGives(t *testing.T) {
	withTokens(t)
	secret := strings.TrimSpace(command(t, "token", "create", "boss", "--role=admin").out)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const user, password = "PUSHGATEWAY_AUTH_USER", "PUSHGATEWAY_AUTH_PASS"
	for _, test := range []struct {
		name        string
		environment map[string]string
		want        string // of the messages; empty: it works
	}{
		{"a token", map[string]string{"GATEHOUSE_TOKEN": secret, password: "wrong"}, ""},
		{"a token in a file", map[string]string{"GATEHOUSE_TOKEN_FILE": file, user: "", password: ""}, ""},
		{"a password", nil, ""},
		{"a wrong token beside a right password", map[string]string{"GATEHOUSE_TOKEN": "wrong"}, "the server refuses: the credential is not valid (status 401)"},
		{"a wrong password", map[string]string{password: "wrong"}, "the server refuses: the credential is not valid (status 401)"},
		{"nothing", map[string]string{user: "", password: ""}, "the server refuses: authentication is required (status 401)"},
		{"both", map[string]string{"GATEHOUSE_TOKEN": secret, "GATEHOUSE_TOKEN_FILE": file}, "GATEHOUSE_TOKEN and GATEHOUSE_TOKEN_FILE are both set: unset one of them"},
		{"no such file", map[string]string{"GATEHOUSE_TOKEN_FILE": "/nowhere"}, `GATEHOUSE_TOKEN_FILE "/nowhere": no such file or directory`},
		{"an empty file", map[string]string{"GATEHOUSE_TOKEN_FILE": empty}, "the file is empty"},
		{"a user without a password", map[string]string{password: ""}, "PUSHGATEWAY_AUTH_USER and PUSHGATEWAY_AUTH_PASS need each other"},
		{"a token that no header can hold", map[string]string{"GATEHOUSE_TOKEN": "a\nb"}, "GATEHOUSE_TOKEN: expected visible ASCII characters only"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.environment {
				t.Setenv(name, value)
			}
			got := command(t, "token", "list")
			works := got.code == 0 && strings.Contains(got.out, "boss") && got.messages == ""
			fails := got.code == 1 && got.out == "" && strings.Contains(got.messages, test.want) && strings.Count(got.messages, "\n") == 1
			if test.want == "" && !works || test.want != "" && !fails {
				t.Errorf("%+v, want %q", got, test.want)
			}
			for _, hidden := range []string{secret, "a-password-of-the-test", "wrong"} {
				if strings.Contains(got.messages+got.out, hidden) {
					t.Errorf("tells the credential: %+v", got)
				}
			}
		})
	}
}

func TestWhatACommandCannotDoIsSaidInOneLine(t *testing.T) {
	withTokens(t)
	if made := command(t, "token", "create", "taken", "--role=reader"); made.code != 0 {
		t.Fatalf("%+v", made)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"foo"}, `gatehouse: there is no command "foo": it is health, import or token, or none to start the server; see --help`},
		{[]string{"tokens"}, `there is no command "tokens"`},
		{[]string{"token"}, "must select a subcommand of 'token'; see gatehouse token --help"},
		{[]string{"token", "foo"}, `expected command but got "foo"`},
		{[]string{"token", "create"}, "required"},
		{[]string{"token", "create", "x"}, "required flag(s) '--role' not provided"},
		{[]string{"token", "create", "x", "--role=boss"}, "enum value must be one of reader,pusher,admin"},
		{[]string{"token", "create", "taken", "--role=reader"}, "the server refuses: there is a token of that name already (status 409)"},
		{[]string{"token", "create", "x", "--role=reader", "--limit={"}, "the server refuses: limit cannot be understood"},
		{[]string{"token", "create", "x", "--role=reader", "--expires=soon"}, "the server refuses: expires_in must be a duration"},
		{[]string{"token", "rotate", "nobody"}, `there is no token "nobody"`},
		{[]string{"token", "rotate", "taken", "--overlap=99d"}, "the server refuses: overlap must be a duration"},
		{[]string{"token", "revoke", "nobody"}, `there is no token "nobody"`},
		{[]string{"token", "list", "--server=localhost:9091"}, "the server's address must be like http://localhost:9091"},
		{[]string{"token", "list", "--server=http://u:p@localhost"}, "must not hold a credential"},
		{[]string{"token", "list", "--server=http://localhost/?x=y"}, "must have no query"},
		{[]string{"import"}, "required argument 'file' not provided; see gatehouse import --help"},
		{[]string{"import", "/nowhere"}, `"/nowhere": no such file`},
		{[]string{"import", "/"}, `"/": is not a regular file`},
		{[]string{"import", debianFile}, "the server takes no imports: it has to be started with --web.enable-admin-api"},
		{[]string{"import", debianFile, "--server=http://u:p@localhost"}, "must not hold a credential"},
		{[]string{"token", "list", "--ca-file=/nowhere"}, `--ca-file "/nowhere": no such file`},
	} {
		got := command(t, test.args...)
		if got.code != 1 || got.out != "" || !strings.Contains(got.messages, test.want) || strings.Count(got.messages, "\n") != 1 {
			t.Errorf("%q: %+v, want %q", test.args, got, test.want)
		}
	}
}

func TestWithoutACommandTheServerIsMeant(t *testing.T) {
	for _, args := range [][]string{nil, {"--log.level=debug"}, {"--help"}} {
		if _, ok := subcommand.Run(t.Context(), args, nil, nil); ok {
			t.Errorf("%q is taken for a command", args)
		}
	}
	if got := command(t, "token", "--help"); got.code != 0 || !strings.Contains(got.out, "token create") || got.messages != "" {
		t.Errorf("%+v", got)
	}
}
