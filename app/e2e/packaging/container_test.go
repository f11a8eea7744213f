package packaging

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"

	"gatehouse/app/e2e/harness"
)

// The tests have no container engine. They follow the Dockerfile as far as it
// goes without one: they build what it builds, and run it where there is
// nothing but what the image holds.

// lines are those of a file of the project.
func lines(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(harness.Root, file))
	harness.Must(t, err)
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
}

// instruction is one of a Dockerfile.
type instruction struct{ name, arguments string }

// dockerfile returns the instructions of the build stage and of the final one.
func dockerfile(t *testing.T) (build, final []instruction) {
	t.Helper()
	var stages [][]instruction
	continued := ""
	for _, line := range lines(t, "Dockerfile") {
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if begin, more := strings.CutSuffix(line, `\`); more {
			continued += begin
			continue
		}
		name, arguments, _ := strings.Cut(continued+line, " ")
		continued = ""
		if name == "FROM" {
			stages = append(stages, nil)
		}
		if last := len(stages) - 1; last >= 0 {
			stages[last] = append(stages[last], instruction{name, strings.TrimSpace(arguments)})
		}
	}
	if len(stages) != 2 {
		t.Fatalf("the Dockerfile has %d stages, want 2", len(stages))
	}
	return stages[0], stages[1]
}

// only returns the arguments of the one instruction of a name.
func only(t *testing.T, stage []instruction, name string) string {
	t.Helper()
	var found []string
	for _, i := range stage {
		if i.name == name {
			found = append(found, i.arguments)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s stands %d times in %q, want once", name, len(found), stage[0].arguments)
	}
	return found[0]
}

// image is what the Dockerfile makes.
type image struct {
	dir        string // its file system
	env        []string
	user       string
	entrypoint string
	health     []string // the health check of the container
}

func buildImage(t *testing.T, version string) image {
	t.Helper()
	build, final := dockerfile(t)
	context := t.TempDir()
	copyContext(t, context)
	sources := slices.Index(build, instruction{"COPY", ". ."})
	for _, i := range build[sources+1:] {
		if i.name == "RUN" {
			shell(t, context, "VERSION="+version+"\n"+i.arguments)
		}
	}
	made := image{
		dir: t.TempDir(), env: strings.Fields(only(t, final, "ENV")), user: only(t, final, "USER"),
		entrypoint: strings.Trim(only(t, final, "ENTRYPOINT"), `[]"`),
	}
	_, command, _ := strings.Cut(only(t, final, "HEALTHCHECK"), " CMD ")
	harness.Must(t, json.Unmarshal([]byte(command), &made.health))
	harness.Must(t, os.Chmod(made.dir, 0o755))
	for _, i := range final {
		if i.name == "COPY" {
			made.copy(t, strings.Fields(i.arguments), only(t, build, "WORKDIR"), context)
		}
	}
	return made
}

// shell runs a script in a directory, with the umask of container engines.
func shell(t *testing.T, dir, script string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-e", "-c", "umask 022\n" + script, "sh"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", script, args, err, out)
	}
}

// place copies a file or a directory, with all modes.
func place(t *testing.T, from, to string) {
	t.Helper()
	shell(t, harness.Root, `mkdir -p "$(dirname "$2")"; cp -RLp "$1" "$2"`, from, to)
}

// copyContext copies the files that the build may see.
func copyContext(t *testing.T, context string) {
	t.Helper()
	ignored := lines(t, ".dockerignore")
	for _, name := range ignored {
		if strings.ContainsAny(name, "*?[!/#") {
			t.Fatalf(".dockerignore has the pattern %q: this test knows names only", name)
		}
	}
	entries, err := os.ReadDir(harness.Root)
	harness.Must(t, err)
	for _, e := range entries {
		if !slices.Contains(ignored, e.Name()) {
			place(t, e.Name(), filepath.Join(context, e.Name()))
		}
	}
}

// copy follows a COPY of the final stage. What the build stage has outside of
// its own directory comes from this machine.
func (i image) copy(t *testing.T, arguments []string, workdir, context string) {
	t.Helper()
	owner := "0:0"
	for strings.HasPrefix(arguments[0], "--") {
		if given, ok := strings.CutPrefix(arguments[0], "--chown="); ok {
			owner = given
		}
		arguments = arguments[1:]
	}
	from, to := arguments[0], filepath.Join(i.dir, arguments[1])
	if below, ok := strings.CutPrefix(from, workdir+"/"); ok {
		from = filepath.Join(context, below)
	}
	place(t, from, to)
	if os.Geteuid() == 0 {
		uid, gid := ids(t, owner)
		harness.Must(t, os.Chown(to, uid, gid))
	}
}

// ids are the numbers of a user and a group: an image without /etc/passwd has
// no names for them.
func ids(t *testing.T, user string) (uid, gid int) {
	t.Helper()
	if _, err := fmt.Sscanf(user, "%d:%d", &uid, &gid); err != nil {
		t.Fatalf("%q is not a number for a user and one for a group: %v", user, err)
	}
	return uid, gid
}

func TestTheImageHoldsAllThatTheProgramNeeds(t *testing.T) {
	t.Parallel()
	const version = "4.5.6-image"
	made := buildImage(t, version)
	program := filepath.Join(made.dir, made.entrypoint)

	t.Run("the program needs no library", func(t *testing.T) {
		f, err := elf.Open(program)
		harness.Must(t, err)
		defer f.Close()
		if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
			t.Error("it needs a dynamic linker")
		}
		needed, err := f.DynString(elf.DT_NEEDED)
		if err != nil || len(needed) > 0 {
			t.Errorf("it needs %q, %v", needed, err)
		}
	})
	t.Run("the program knows its version", func(t *testing.T) {
		c := harness.Launch(t, nil, program, "--version")
		if code := c.Exit(); code != 0 || !strings.Contains(c.Log.String(), version) {
			t.Errorf("--version ends with %d and says %q, want %s", code, c.Log, version)
		}
	})
	t.Run("the program is compiled by the Go that it asks for", func(t *testing.T) {
		build, _ := dockerfile(t)
		compiler, _, _ := strings.Cut(strings.TrimPrefix(build[0].arguments, "golang:"), " ")
		if !slices.ContainsFunc(lines(t, "go.mod"), func(l string) bool { return strings.HasPrefix(l, "go "+compiler+".") }) {
			t.Errorf("go.mod asks for another version than that of %q", build[0].arguments)
		}
	})
	t.Run("the program serves with nothing around it", func(t *testing.T) {
		if os.Geteuid() != 0 {
			harness.Missing(t, "only root can change the root directory")
		}
		c := readCompose(t)
		secrets := makeSecrets(t)
		for _, name := range c.gatehouse(t).Secrets {
			place(t, filepath.Join(secrets, c.Secrets[name].File), filepath.Join(made.dir, "run/secrets", name))
		}
		s := made.start(t, c.gatehouse(t).environment())
		runsAs(s, made.user)
		asksForCredentials(s, secrets)
		if compose := c.gatehouse(t).Healthcheck.Test; !slices.Equal(compose, append([]string{"CMD"}, made.health...)) {
			t.Errorf("compose.yaml checks the health with %q, the image with %q", compose, made.health)
		}
		env := append(c.gatehouse(t).environment(), "GATEHOUSE_WEB_LISTEN_ADDRESS="+s.Addr)
		if check := made.launch(t, env, made.health...); check.Exit() != 0 {
			t.Errorf("the image calls itself unhealthy: %s", check.Log)
		}
		s.Stop()
		if check := made.launch(t, env, made.health...); check.Exit() != 1 {
			t.Errorf("the image calls itself healthy without a server: %s", check.Log)
		}
		uid, _ := ids(t, made.user)
		store, err := os.ReadDir(filepath.Join(made.dir, "data"))
		harness.Must(t, err)
		if len(store) == 0 {
			t.Error("/data is empty: the store is elsewhere")
		}
		for _, e := range store {
			if stat, err := e.Info(); err != nil || int(stat.Sys().(*syscall.Stat_t).Uid) != uid {
				t.Errorf("/data/%s does not belong to user %d: %v", e.Name(), uid, err)
			}
		}
	})
}

// start runs the program of the image with its file system as the root, as its
// user, and with no other environment.
func (i image) start(t *testing.T, env []string) *harness.Server {
	t.Helper()
	return harness.Listening(i.launch(t, env, i.entrypoint, harness.Loopback), `msg=Listening address=(\S+)`)
}

// launch runs a command in the same way.
func (i image) launch(t *testing.T, env []string, command ...string) *harness.Child {
	t.Helper()
	args := slices.Concat([]string{"-i"}, i.env, env, []string{"/usr/sbin/chroot", "--userspec=" + i.user, "--groups=", i.dir}, command)
	return harness.Launch(t, nil, "env", args...)
}

// runsAs checks that the program has the rights of that user and no others.
func runsAs(s *harness.Server, user string) {
	s.T.Helper()
	uid, gid := ids(s.T, user)
	if uid == 0 || gid == 0 {
		s.T.Errorf("the image runs as %s: not as root, please", user)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	harness.Must(s.T, err)
	for _, want := range []string{
		fmt.Sprintf("Uid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", uid), fmt.Sprintf("Gid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", gid),
		"Groups:\t \n", "CapEff:\t0000000000000000\n",
	} {
		if !bytes.Contains(status, []byte(want)) {
			s.T.Errorf("the kernel does not say %q of the program, but\n%s", want, status)
		}
	}
}

// asksForCredentials checks that those of compose.yaml are needed, and do.
func asksForCredentials(s *harness.Server, secrets string) {
	s.T.Helper()
	bearer := func(name string) string {
		b, err := os.ReadFile(filepath.Join(secrets, "secrets", name))
		harness.Must(s.T, err)
		return "Bearer " + strings.TrimSpace(string(b))
	}
	token, key := bearer("api_token"), bearer("scrape_key")
	const path, push = "/metrics/job/j/instance/i", "m 1\n"
	s.Want(401, "PUT", path, push)
	s.Want(401, "PUT", path, push, "Authorization", token+"0")
	s.Want(401, "PUT", path, push, "Authorization", key)
	s.Put(path, push, "Authorization", token)
	s.Want(401, "GET", "/metrics", "")
	s.Want(401, "GET", "/metrics", "", "Authorization", key+"0")
	if a := s.Want(200, "GET", "/metrics", "", "Authorization", key); !strings.Contains(a.Body, `m{instance="i",job="j"} 1`+"\n") {
		s.T.Errorf("what was pushed is not in %v", a)
	}
}

// compose is all that compose.yaml may hold.
type compose struct {
	Services map[string]composed
	Secrets  map[string]struct{ File string }
	Volumes  map[string]struct{}
}

type composed struct {
	Build, Image, User, Restart string
	Environment                 map[string]string
	Secrets, Volumes, Ports     []string
	ReadOnly                    bool     `yaml:"read_only"`
	CapDrop                     []string `yaml:"cap_drop"`
	SecurityOpt                 []string `yaml:"security_opt"`
	StopGracePeriod             string   `yaml:"stop_grace_period"`
	Healthcheck                 struct {
		Test              []string
		Interval, Timeout string
		StartPeriod       string `yaml:"start_period"`
	}
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	harness.Must(t, yaml.UnmarshalStrict([]byte(strings.Join(lines(t, "compose.yaml"), "\n")), &c))
	return c
}

func (c compose) gatehouse(t *testing.T) composed {
	t.Helper()
	s, ok := c.Services["gatehouse"]
	if !ok || s.Build != "." {
		t.Fatalf("compose.yaml builds no gatehouse: %+v", c.Services)
	}
	return s
}

// shutdownTimeout is the default of --web.shutdown-timeout.
const shutdownTimeout = 10 * time.Second

func TestContainersGetMoreTimeToEndThanTheServerTakes(t *testing.T) {
	t.Parallel()
	period, err := time.ParseDuration(readCompose(t).gatehouse(t).StopGracePeriod)
	if harness.Must(t, err); period <= shutdownTimeout {
		t.Errorf("compose.yaml gives it %v", period)
	}
	manifest := strings.Join(lines(t, "views/docs/secrets.md"), "\n")
	for _, setting := range []string{`terminationGracePeriodSeconds: (\d+)`, `TimeoutStopSec=(\d+)s`} {
		found := regexp.MustCompile(setting).FindStringSubmatch(manifest)
		if found == nil {
			t.Errorf("the documentation does not set %s", setting)
			continue
		}
		if seconds, err := strconv.Atoi(found[1]); err != nil || time.Duration(seconds)*time.Second <= shutdownTimeout {
			t.Errorf("the documentation says %s", found[0])
		}
	}
}

func (c composed) environment() []string {
	var all []string
	for name, value := range c.Environment {
		all = append(all, name+"="+value)
	}
	return all
}

// commands returns the indented blocks of the comment in compose.yaml.
func commands(t *testing.T) (secrets, push string) {
	t.Helper()
	for _, line := range lines(t, "compose.yaml") {
		command, indented := strings.CutPrefix(line, "#     ")
		switch {
		case !indented, strings.HasPrefix(command, "docker "):
		case strings.HasPrefix(command, "curl "):
			push += command + "\n"
		default:
			secrets += command + "\n"
		}
	}
	return secrets, push
}

// makeSecrets makes them as compose.yaml says, in secrets/ of a new directory.
func makeSecrets(t *testing.T) string {
	t.Helper()
	harness.Tool(t, "openssl")
	making, _ := commands(t)
	dir := t.TempDir()
	shell(t, dir, "umask 077\n"+making)
	return dir
}

func TestTheComposeFileHoldsTogether(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	_, final := dockerfile(t)
	usedSecrets, usedVolumes := map[string]bool{}, map[string]bool{}
	for name, s := range c.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may do more than it has to: %+v", name, s)
		}
		if s.User != "" {
			t.Errorf("%s runs as %s, not as the user of its image", name, s.User)
		}
		if s.Image != "" && !regexp.MustCompile(`:v?\d+\.\d+`).MatchString(s.Image) {
			t.Errorf("%s is of no particular version: %s", name, s.Image)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s is open to other machines: %s", name, port)
			}
		}
		for _, secret := range s.Secrets {
			usedSecrets[secret] = true
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if !strings.HasPrefix(source, ".") {
				usedVolumes[source] = true
			} else if _, err := os.Stat(filepath.Join(harness.Root, source)); err != nil {
				t.Error(err)
			}
		}
	}
	same(t, "secrets", maps.Keys(usedSecrets), maps.Keys(c.Secrets))
	same(t, "volumes", maps.Keys(usedVolumes), maps.Keys(c.Volumes))

	g := c.gatehouse(t)
	if port := only(t, final, "EXPOSE"); !strings.HasSuffix(g.Ports[0], ":"+port) {
		t.Errorf("the port %s is published, the image has %s", g.Ports[0], port)
	}
	if volume := only(t, final, "VOLUME"); !strings.HasSuffix(g.Volumes[0], ":"+volume) {
		t.Errorf("the volume %s is mounted, the image has %s", g.Volumes[0], volume)
	}
	_, help := harness.Finish(t, nil, "--help")
	for variable := range g.Environment {
		if !regexp.MustCompile(`\b` + strings.TrimSuffix(variable, "_FILE") + `\b`).MatchString(help) {
			t.Errorf("--help does not know %s", variable)
		}
	}
	for name, secret := range c.Secrets {
		dir := path.Dir(path.Clean(secret.File))
		if !slices.Contains(lines(t, ".dockerignore"), dir) || !slices.Contains(lines(t, ".gitignore"), "/"+dir+"/") {
			t.Errorf("the secret %s in %s could get into an image or into a commit", name, dir)
		}
	}
}

func TestTheSecretsOfTheComposeFileAreReadableInContainersOnly(t *testing.T) {
	t.Parallel()
	dir := makeSecrets(t)
	for name, want := range map[string]fs.FileMode{
		"secrets": fs.ModeDir | 0o700, "secrets/api_token": 0o644, "secrets/scrape_key": 0o644,
	} {
		stat, err := os.Stat(filepath.Join(dir, name))
		harness.Must(t, err)
		if stat.Mode() != want {
			t.Errorf("%s has mode %v, want %v", name, stat.Mode(), want)
		}
	}
}

func TestThePrometheusOfTheComposeFileScrapesWhatIsPushed(t *testing.T) {
	t.Parallel()
	promtool := harness.Tool(t, "promtool")
	c := readCompose(t)
	_, final := dockerfile(t)
	dir := makeSecrets(t)
	secrets := filepath.Join(dir, "secrets")
	env := strings.Fields(only(t, final, "ENV"))
	for _, variable := range c.gatehouse(t).environment() {
		env = append(env, strings.Replace(variable, "=/run/secrets", "="+secrets, 1))
	}
	s := harness.StartEnv(t, env)
	asksForCredentials(s, dir)
	_, push := commands(t)
	s.Paste("cd '" + dir + "'\n" + push)

	config := strings.Join(lines(t, "deploy/prometheus.yml"), "\n")
	for from, to := range map[string]string{`"gatehouse:` + only(t, final, "EXPOSE") + `"`: `"` + s.Addr + `"`, "/run/secrets/": secrets + "/"} {
		if strings.Count(config, from) != 1 {
			t.Fatalf("%s does not stand once in\n%s", from, config)
		}
		config = strings.Replace(config, from, to, 1)
	}
	file := filepath.Join(dir, "prometheus.yml")
	harness.Must(t, os.WriteFile(file, []byte(config), 0o600))
	if check := harness.Launch(t, nil, promtool, "check", "config", file); check.Exit() != 0 {
		t.Fatalf("promtool says\n%s", check.Log)
	}

	p := harness.StartDebian(t, "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
	harness.Until(t, "the target", func() string {
		found, why := p.Targets("gatehouse")
		for labels, g := range found {
			if g.Health == "down" {
				t.Fatalf("%s is down: %s: %s", labels, g.ScrapeURL, g.LastError)
			}
			if g.Health == "up" {
				return ""
			}
		}
		return "not up " + why
	})
	harness.Until(t, "the series", func() string {
		return harness.Compare(p.Instant("cpu_usage"), map[string]string{`__name__="cpu_usage" job="my_job" `: "0.85"})
	})
}

// same checks that what is used is what is defined.
func same(t *testing.T, what string, used, defined func(func(string) bool)) {
	t.Helper()
	if u, d := slices.Sorted(used), slices.Sorted(defined); !slices.Equal(u, d) {
		t.Errorf("%s used: %q, defined: %q", what, u, d)
	}
}
