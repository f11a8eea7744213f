package packaging

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestAPortInUseEndsTheProgramWithAClearLine(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	defer l.Close()
	dir := filepath.Join(t.TempDir(), "store")
	harness.Refuses(t, nil, []string{"--web.listen-address=" + l.Addr().String(), "--storage.path=" + dir},
		"cannot listen on", l.Addr().String(), "address already in use")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a store was made all the same: %v", err)
	}
}

func TestAStoreThatCannotBeWrittenEndsTheProgram(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	harness.Must(t, os.WriteFile(file, []byte("mine\n"), 0o600))
	paths := []string{file, filepath.Join(file, "store"), "/proc/gatehouse"}
	if os.Geteuid() != 0 { // root may write everywhere
		locked := filepath.Join(t.TempDir(), "locked")
		harness.Must(t, os.Mkdir(locked, 0o500))
		paths = append(paths, filepath.Join(locked, "store"))
	}
	for _, path := range paths {
		harness.Refuses(t, nil, []string{harness.Loopback, "--storage.path=" + path}, "cannot open the store", path)
	}
	if b, err := os.ReadFile(file); string(b) != "mine\n" || err != nil {
		t.Errorf("the file in the way was changed: %q, %v", b, err)
	}
}

func TestASecondProgramOnAStoreFailsAndNamesTheFirst(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	s.Put("/metrics/job/x", "m 1\n")
	link := filepath.Join(t.TempDir(), "link")
	harness.Must(t, os.Symlink(s.Dir, link))
	for _, path := range []string{s.Dir, s.Dir + "/", link} {
		harness.Refuses(t, nil, []string{harness.Loopback, "--storage.path=" + path},
			s.Dir, "in use by another program", fmt.Sprintf("pid %d", s.Cmd.Process.Pid))
	}
	s.Put("/metrics/job/x", "m 2\n")
	s.Kill()
	harness.StartOn(t, s.Dir).Holds("m{instance=\"\",job=\"x\"} 2\n") // the lock went with it
}

func TestADirectoryOfSomethingElseIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	harness.Must(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine\n"), 0o600))
	before := harness.Checksums(t, dir)
	harness.Refuses(t, nil, []string{harness.Loopback, "--storage.path=" + dir}, dir, "notes.txt", "choose another directory")
	harness.Unchanged(t, dir, before)
}

func TestAllWrongFlagsAreInOneMessage(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	harness.Refuses(t, []string{"GATEHOUSE_LIMITS_SERIES=many"}, []string{
		"--storage.path=" + dir, "--web.listen-address=nowhere", "--push.max-body-bytes=-1", "--push.default-ttl=soon",
		"--log.level=loud", "--web.external-url=example.org", "--web.telemetry-path=metrics",
	},
		"--web.listen-address", `"nowhere"`, "--push.max-body-bytes", "--push.default-ttl", `"soon"`, "--log.level", `"loud"`,
		"--web.external-url", "--web.telemetry-path", "--limits.series (from GATEHOUSE_LIMITS_SERIES)")
	harness.Refuses(t, nil, []string{"--storage.path=" + dir, "--no-such-flag"}, "no-such-flag", "--help")
	harness.Refuses(t, nil, []string{"--storage.path=" + dir, "stray"}, "stray")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a store was made all the same: %v", err)
	}
}

func TestUnknownVariablesEndTheStartOfTheServerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	misspelt := []string{
		"GATEHOUSE_STORAGE_PAHT=/elsewhere", "GATEHOUSE_ALLOWED_CIDRS=10.0.0.0/8", "JWT_ISSUERS=" + harness.Secret("an issuer"), "JWT_AUD=x", "API_TOKNES=" + harness.Secret("a token"),
		"METRICS_VERIFICATION=" + harness.Secret("a key"), "OIDC_CLIENTID=x", "OIDC_ISSUER_URL=x", "AUTH_LOCALHOST_BYPAS=false", "GATEHOUSE_PORT=9091",
	}
	harness.Refuses(t, misspelt, []string{harness.Loopback, "--storage.path=" + dir},
		"10 settings are wrong", "nearest is GATEHOUSE_STORAGE_PATH:", "nearest is GATEHOUSE_AUTH_ALLOWED_CIDRS:", "nearest is JWT_ISSUER:", "nearest is JWT_AUDIENCE:",
		"nearest is API_TOKENS:", "nearest is METRICS_VERIFICATION_KEY:", "nearest is OIDC_CLIENT_ID:", "nearest is OIDC_ISSUER:", "nearest is AUTH_LOCALHOST_BYPASS:",
		"--env.allow-unknown=GATEHOUSE_PORT")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a store was made all the same: %v", err)
	}
	var names []string
	for _, variable := range misspelt {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	s := harness.Listening(harness.Launch(t, append(misspelt,
		"GATEHOUSE_SERVER=http://localhost:1", "GATEHOUSE_TOKEN=x", "GATEHOUSE_SERVICE_HOST=10.0.0.1", "GATEHOUSE_SERVICE_PORT=9091", "GATEHOUSE_METRICS_PORT_9091_TCP=tcp://10.0.0.1:9091",
	), harness.Binary, harness.Loopback, "--storage.path="+dir, "--env.allow-unknown="+strings.Join(names, ",")), `msg=Listening address=(\S+)`)
	for _, args := range [][]string{{"health", "--web.listen-address=" + s.Addr}, {"token", "list", "--server=" + s.URL}} {
		if code, wrote := harness.Finish(t, misspelt, args...); code != 0 || strings.Contains(wrote, "GATEHOUSE_STORAGE_PAHT") {
			t.Errorf("%q: exit code %d: %s", args, code, wrote)
		}
	}
}

func TestHelpAndVersionAreAnswered(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{
		"--version": "gatehouse, version 1.2.3-e2e",
		"--help":    "--storage.path",
		"-h":        "GATEHOUSE_STORAGE_PATH",
	} {
		if code, wrote := harness.Finish(t, nil, arg); code != 0 || !strings.Contains(wrote, want) {
			t.Errorf("%s: exit code %d, %q is not in\n%s", arg, code, want, wrote)
		}
	}
}

func TestEnvironmentVariablesReplaceFlagsAndFlagsBeatThem(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	env := []string{
		"GATEHOUSE_WEB_LISTEN_ADDRESS=127.0.0.1:0", "GATEHOUSE_STORAGE_PATH=" + dir, "GATEHOUSE_WEB_ROUTE_PREFIX=/gate",
		"GATEHOUSE_PUSH_DISABLE_CONSISTENCY_CHECK=true", "GATEHOUSE_PUSH_MAX_BODY_BYTES=not-used", "GATEHOUSE_WEB_ENABLE_LIFECYCLE=false",
	}
	s := harness.Listening(harness.Launch(t, env, harness.Binary, "--push.max-body-bytes=100", "--web.enable-lifecycle"), `msg=Listening address=(\S+)`)
	s.Want(202, "PUT", "/gate/metrics/job/x", "m 1\n")
	s.Want(404, "PUT", "/metrics/job/x", "m 1\n")
	s.Want(413, "PUT", "/gate/metrics/job/x", strings.Repeat("#", 101))
	s.Want(200, "PUT", "/gate/-/quit", "")
	if code := s.Exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "LOCK")); err != nil {
		t.Errorf("the store is not where it was told to be: %v", err)
	}
}

func TestTheStoreIsInDataByDefault(t *testing.T) {
	t.Parallel()
	c := harness.Launch(t, nil, harness.Binary, harness.Loopback)
	s := harness.Listening(c, `msg=Listening address=(\S+)`)
	s.Put("/metrics/job/x", "m 1\n")
	s.Stop()
	if _, err := os.Stat(filepath.Join(c.Cmd.Dir, "data", "LOCK")); err != nil {
		t.Error(err)
	}
}

func TestSignalsAndQuitEndTheProgramInOrder(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*harness.Server){
		"SIGTERM":  func(s *harness.Server) { s.Signal(syscall.SIGTERM) },
		"SIGINT":   func(s *harness.Server) { s.Signal(syscall.SIGINT) },
		"PUT quit": func(s *harness.Server) { s.Want(200, "PUT", "/-/quit", "") },
		"quit twice over one connection": func(s *harness.Server) {
			c := s.Dial()
			const quit = "POST /-/quit HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
			c.Write(quit + quit)
			if a := c.Read(); a.Status != 200 {
				s.T.Error(a)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, "--web.enable-lifecycle")
			s.Put("/metrics/job/x", "m 1\n")
			end(s)
			if code := s.Exit(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			harness.StartOn(t, s.Dir).Holds("m{instance=\"\",job=\"x\"} 1\n")
		})
	}
	s := harness.Start(t)
	s.Want(403, "PUT", "/-/quit", "")
	s.Want(200, "GET", "/-/healthy", "")
}

func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := s.Dial()
	c.Write("PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if a := c.Read(); a.Status != 100 {
		t.Fatal(a)
	}
	s.Signal(syscall.SIGTERM)
	s.Wrote("msg=Stopping") // it waits for the push
	s.Signal(syscall.SIGTERM)
	if code := s.Exit(); code == 0 {
		t.Error("exit code 0, though a request was cut off")
	}
}

func TestNothingOfARequestsCredentialsIsLogged(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, "--log.level=debug")
	s.Put("/metrics/job/x?key=sesame", "m 1\n", "Authorization", "Bearer sesame", "X-API-Key", "sesame")
	s.Want(400, "PUT", "/metrics/job/x?key=sesame", "m\n", "Authorization", "Basic sesame")
	c := s.Dial()
	c.Write("PUT /metrics/job/x HTTP/1.1\r\nAuthorization: Bearer sesame\r\nbroken\r\n\r\n")
	if a := c.Read(); a.Status != 400 || strings.Contains(a.Body, "sesame") {
		t.Error(a)
	}
	harness.Must(t, c.Conn.Close())
	s.Stop()
	if strings.Contains(s.Log.String(), "sesame") {
		t.Error("a credential was logged")
	}
}
