package access

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"gatehouse/app/e2e/harness"
)

// curlBySocket asks by a socket and returns the status.
func curlBySocket(t *testing.T, path string, args ...string) string {
	t.Helper()
	args = append([]string{"-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", path}, args...)
	out, err := exec.Command(harness.Tool(t, "curl"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("curl: %v\n%s", err, out)
	}
	return string(out)
}

func TestCurlPushesAndReadsByASocketThatOutlivesNoProcess(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "gate") // those of tests may be too long
	harness.Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path, store := filepath.Join(dir, "gatehouse.sock"), filepath.Join(dir, "store")
	args := []string{"--web.listen-address=unix://" + path, "--storage.path=" + store, "--web.unix-socket-mode=0600"}
	begin := func() *harness.Child {
		c := harness.Launch(t, nil, harness.Binary, args...)
		c.Wrote(`msg=Listening address=(\S+)`)
		return c
	}
	first := begin()
	if got := curlBySocket(t, path, "-X", "PUT", "--data-binary", "m 1", "http://localhost/metrics/job/x"); got != "200" {
		t.Errorf("a push: %s", got)
	}
	harness.Refuses(t, nil, []string{"--web.listen-address=unix://" + path, "--storage.path=" + store + "2"}, "cannot listen on", path, "already in use")
	if got := curlBySocket(t, path, "http://localhost/metrics/job/x"); got != "200" {
		t.Errorf("beside a second program: %s", got)
	}
	first.Kill()
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("the socket went with a kill: %v", err)
	}
	second := begin()
	if got := curlBySocket(t, path, "http://localhost/metrics/job/x"); got != "200" {
		t.Errorf("after a kill: %s", got)
	}
	second.Stop()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}
