package packaging

import (
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"

	"gatehouse/app/e2e/harness"
)

// volume is a directory that two servers have one after the other, at a place and
// as a user of its own.
type volume struct {
	t     *testing.T
	dir   string
	place string // where they see it; in /mnt what is documented for /data
	owner string // uid:gid of the servers
}

// newVolume makes one that belongs to owner, as mode says.
func newVolume(t *testing.T, place, owner string, mode os.FileMode) volume {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		harness.Missing(t, "only root can run servers as other users, on volumes of theirs")
	}
	uid, gid := ids(t, owner)
	dir := t.TempDir()
	harness.Must(t, os.Chown(dir, uid, gid))
	harness.Must(t, os.Chmod(dir, mode))
	return volume{t, dir, place, owner}
}

// launch runs a program with the volume where it belongs, which nobody else sees,
// with the environment env, and Gatehouse in /usr/local/bin.
func (v volume) launch(env []string, program string, args ...string) *harness.Child {
	v.t.Helper()
	const script = `mount --bind "$1" "$2"
mount -t tmpfs -o mode=755 tmpfs /usr/local/bin
install -m 755 "$3" /usr/local/bin/gatehouse
user=$4
shift 4
exec chroot --userspec="$user" --groups= / "$@"`
	// In a process of its own the mounts end with it.
	command := slices.Concat([]string{"-m", "sh", "-ec", script, "sh", v.dir, v.place, harness.Binary, v.owner}, []string{program}, args)
	return harness.Launch(v.t, env, harness.Tool(v.t, "unshare"), command...)
}

// moves has Debian's Pushgateway fill a volume, then Gatehouse take it over twice,
// and checks that everything is there with its times and that the file is not
// touched.
func (v volume) moves(file string, old, env, args []string) {
	t := v.t
	t.Helper()
	before := harness.Listening(v.launch(nil, harness.Tool(t, "prometheus-pushgateway"), append([]string{harness.Loopback, harness.PushgatewayEnd}, old...)...), `msg="Listening on" address=(\S+)`)
	before.Put("/metrics/job/plain/instance/db1", harness.EveryType)
	before.Put("/metrics/job/bare", "bare 1\n")
	before.Want(400, "PUT", "/metrics/job/plain/instance/db1", "m 1 1000\n")
	want := harness.WithTimes(before.Scrape(harness.AcceptText))
	before.Quit()
	written := filepath.Join(v.dir, file)
	stat, err := os.Stat(written)
	harness.Must(t, err)
	if stat.Mode().Perm() != 0o600 {
		t.Errorf("others can read the file (%v): this test shows less than it should", stat.Mode())
	}
	kept, err := os.ReadFile(written)
	harness.Must(t, err)
	for range 2 {
		s := harness.Listening(v.launch(env, "/usr/local/bin/gatehouse", append([]string{harness.Loopback}, args...)...), `msg=Listening address=(\S+)`)
		if got := harness.WithTimes(s.Scrape(harness.AcceptText)); !slices.Equal(got, want) {
			t.Errorf("after the move\n%s", harness.Difference(got, want))
		}
		s.Stop()
	}
	if now, err := os.ReadFile(written); err != nil || string(now) != string(kept) {
		t.Errorf("the file was touched: %v", err)
	}
	if _, err := os.Stat(filepath.Join(v.dir, "gatehouse-data", "LOCK")); err != nil {
		t.Errorf("the store is elsewhere: %v", err)
	}
}

// The documented commands, but for where a test can have its volume.
const manual = "views/docs/migrating.md"

func inMnt(args []string) []string {
	moved := slices.Clone(args)
	for i := range moved {
		moved[i] = strings.ReplaceAll(moved[i], "=/data", "=/mnt")
	}
	return moved
}

func imageEnvironment(t *testing.T) []string {
	t.Helper()
	_, final := dockerfile(t)
	// The client is on the same machine, and needs no credentials.
	return inMnt(strings.Fields(only(t, final, "ENV")))
}

func TestAMoveFromDebiansPackage(t *testing.T) {
	t.Parallel()
	owner := debianUser(t)
	unit, err := os.ReadFile("/lib/systemd/system/prometheus-pushgateway.service")
	harness.Must(t, err)
	if !strings.Contains(string(unit), "User=prometheus\n") || !strings.Contains(string(unit), "ExecStart=/usr/bin/prometheus-pushgateway $ARGS\n") {
		t.Errorf("the unit is not what the manual goes by:\n%s", unit)
	}
	_, start, _ := strings.Cut(harness.Block(t, manual, "[Service]"), "ExecStart=\nExecStart=/usr/local/bin/gatehouse ")
	args, arguments, ok := strings.Cut(start, " $ARGS\n")
	if !ok || arguments != "" {
		t.Fatalf("%s starts Gatehouse with %q", manual, start)
	}
	// The package gives no argument, so its Pushgateway knows the file by itself.
	newVolume(t, "/var/lib/prometheus", owner, 0o755).moves("pushgateway.data", nil, nil, strings.Fields(args))
}

func debianUser(t *testing.T) string {
	t.Helper()
	u, err := user.Lookup("prometheus")
	if err != nil {
		harness.Missing(t, "Debian's user prometheus is not here")
	}
	return u.Uid + ":" + u.Gid
}

func TestAMoveFromTheVolumeOfTheCommunitysChart(t *testing.T) {
	t.Parallel()
	var values struct {
		Image            map[string]string
		PersistentVolume map[string]bool `yaml:"persistentVolume"`
		ExtraArgs        []string        `yaml:"extraArgs"`
	}
	harness.Must(t, yaml.UnmarshalStrict([]byte(harness.Block(t, manual, "extraArgs:")), &values))
	args := inMnt(values.ExtraArgs)
	// fsGroup lets the group in; the kubelet sets the bit that hands it on.
	v := newVolume(t, "/mnt", "65534:65534", 0o775|os.ModeSetgid)
	harness.Must(t, os.Chown(v.dir, 0, 65534))
	harness.Must(t, os.Mkdir(filepath.Join(v.dir, "lost+found"), 0o700))
	v.moves("pushgateway.data", args, imageEnvironment(t), args)
}

func TestAMoveFromADockerVolume(t *testing.T) {
	t.Parallel()
	var run []string
	for line := range strings.Lines(harness.Block(t, manual, "docker stop")) {
		if command, ok := strings.CutPrefix(line, "docker run "); ok {
			run = strings.Fields(command)
		}
	}
	image, at := slices.Index(run, "gatehouse"), slices.Index(run, "--user")
	if image < 0 || at < 0 || !slices.Contains(run, "pushgateway:/data") {
		t.Fatalf("%s runs %q", manual, run)
	}
	// The image of Pushgateway has its own directory, and a volume there its owner.
	v := newVolume(t, "/mnt", run[at+1], 0o755)
	v.moves("pushgateway.data", []string{"--persistence.file=/mnt/pushgateway.data"}, imageEnvironment(t), inMnt(run[image+1:]))

	_, final := dockerfile(t)
	other := v
	other.owner = only(t, final, "USER")
	c := other.launch(imageEnvironment(t), "/usr/local/bin/gatehouse", append([]string{harness.Loopback}, inMnt(run[image+1:])...)...)
	if code := c.Exit(); code != 1 || !strings.Contains(c.Log.String(), "permission denied") {
		t.Errorf("as another user it ends with %d and says %s", code, c.Log)
	}
}
