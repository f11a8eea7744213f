package durability

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatehouse/app/e2e/harness"
)

// smallDisk mounts a file system of some MiB for the time of a test.
func smallDisk(t *testing.T, size int, options ...string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		harness.Missing(t, "only root can mount a small disk")
	}
	dir := t.TempDir()
	options = append(options, fmt.Sprintf("size=%dm", size))
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", strings.Join(options, ","), "tmpfs", dir).CombinedOutput(); err != nil {
		harness.Missing(t, fmt.Sprintf("this machine does not let a small disk be mounted: %v: %s", err, out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount %s: %v: %s", dir, err, out)
		}
	})
	return dir
}

// fill takes all space that is left in dir, but for some bytes.
func fill(t *testing.T, dir string, leave int64) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	harness.Must(t, err)
	defer f.Close()
	for block := make([]byte, 1<<16); ; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	size, err := f.Seek(0, 1)
	harness.Must(t, err)
	harness.Must(t, f.Truncate(size-leave))
	return ballast
}

func TestAFullDiskRefusesPushesInTimeAndRecoversByItself(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 128)
	s := harness.StartOn(t, filepath.Join(disk, "store"))
	s.Put("/metrics/job/before/instance/i", "before 1\n")
	told := ledger{"/metrics/job/before/instance/i": {acknowledged: "1"}}
	for round, leave := range []int64{0, 8 << 10, 1 << 20} {
		ballast := fill(t, disk, leave)
		path := fmt.Sprintf("/metrics/job/during/instance/%d", round)
		told[path] = &entry{acknowledged: absent}
		pushUntilRefused(s, path, told[path])
		if a := s.Do("DELETE", "/metrics/job/before/instance/i", ""); a.Status != 503 {
			t.Errorf("%v, want 503", a)
		}
		if a := s.Want(503, "GET", "/health", ""); !strings.Contains(a.Body, `"unhealthy"`) {
			t.Error(a)
		}
		if !strings.Contains(s.Want(200, "GET", "/metrics", "").Body, `before{instance="i",job="before"} 1`) {
			t.Error("the scrape lacks what was stored before")
		}
		s.Want(200, "GET", "/-/ready", "") // scrapes are fine

		harness.Must(t, os.Remove(ballast))
		harness.Until(t, "health once there is space", func() string {
			if a := s.Do("GET", "/health", ""); a.Status != 200 {
				return a.String()
			}
			return ""
		})
		path = fmt.Sprintf("/metrics/job/after/instance/%d", round)
		s.Put(path, "after 1\n")
		told[path] = &entry{acknowledged: "1"}
	}
	told.check(t, heldBy(s))
	s.Kill()
	s = harness.StartOn(t, s.Dir)
	told.check(t, heldBy(s))
	s.Kill() // before the disk goes
}

func TestTheSpaceThatIsLeftAloneIsASetting(t *testing.T) {
	t.Parallel()
	s := harness.StartOn(t, filepath.Join(t.TempDir(), "store"), "--storage.min-free=4096TiB")
	s.Want(503, "PUT", "/metrics/job/x", "m 1\n")
	s.Want(503, "GET", "/health", "")
	s.Wrote("commits are refused below 4294967296 MiB")
	s.Stop()
	for _, enough := range []string{"0", "1KiB"} {
		s = harness.StartOn(t, s.Dir, "--storage.min-free="+enough)
		s.Put("/metrics/job/x", "m 1\n")
		s.Stop()
	}
}

// pushUntilRefused pushes growing values to a grouping until one is refused:
// the first ones may still find space.
func pushUntilRefused(s *harness.Server, path string, e *entry) {
	s.T.Helper()
	value := 0
	harness.Until(s.T, "a refused push", func() string {
		value++
		v := fmt.Sprint(value)
		a := s.Do("PUT", path, "m "+v+"\n")
		if a.Took > 30*time.Second {
			s.T.Errorf("%v took %v", a, a.Took)
		}
		if a.Status == 200 {
			e.acknowledged = v
			return "taken"
		}
		e.attempted = &v // nobody knows how far it came
		retry := a.Header.Get("Retry-After")
		seconds, err := strconv.Atoi(retry)
		if a.Status != 503 || err != nil || seconds < 1 || strings.Count(a.Body, "\n") != 1 {
			s.T.Errorf("%v with Retry-After %q, want 503, a line and some seconds", a, retry)
		}
		s.T.Logf("push %d on the full disk was refused after %v", value, a.Took)
		return ""
	})
}

// fullStarts starts Gatehouse on an existing store again and again while the disk
// has ever more room, and checks that it serves what is held and refuses what it
// can't keep, or says why it can't start.
func fullStarts(t *testing.T, dir string, rooms []int64, take func(room int64) (release func())) {
	t.Helper()
	for _, room := range rooms {
		release := take(room)
		c := harness.Launch(t, nil, harness.Binary, harness.Loopback, "--storage.path="+dir)
		pattern := regexp.MustCompile(`msg=Listening address=(\S+)`)
		harness.Until(t, "the start or its end", func() string {
			select {
			case <-c.Ended:
				return ""
			default:
			}
			if pattern.MatchString(c.Log.String()) {
				return ""
			}
			return "neither"
		})
		if found := pattern.FindStringSubmatch(c.Log.String()); found != nil {
			s := &harness.Server{Child: c, Addr: found[1], URL: "http://" + found[1], Dir: dir}
			s.Holds("m{instance=\"\",job=\"held\"} 1\n")
			switch a := s.Do("PUT", "/metrics/job/more", "m 1\n"); a.Status {
			case 200:
				s.Want(202, "DELETE", "/metrics/job/more", "")
			case 503:
			default:
				t.Errorf("with room for %d: %v", room, a)
			}
			s.Stop()
		} else if code := c.Exit(); code != 1 || !strings.Contains(c.Log.String(), "no space left on device") {
			t.Errorf("with room for %d it ends with code %d", room, code)
		}
		release()
	}
}

// killedStore makes a store whose last changes are in the engine's log only.
func killedStore(t *testing.T, disk string) string {
	t.Helper()
	s := harness.StartOn(t, filepath.Join(disk, "store"))
	s.Put("/metrics/job/held", "m 1\n")
	for i := range 40 {
		s.Put(fmt.Sprintf("/metrics/job/held/instance/%d", i), strings.Repeat("# HELP m Text.\n", 200)+fmt.Sprintf("n{text=%q} 1\n", strings.Repeat("x", 60<<10)))
		s.Want(202, "DELETE", fmt.Sprintf("/metrics/job/held/instance/%d", i), "")
	}
	s.Kill()
	return s.Dir
}

func TestAStartOnAFullDiskServesOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 128)
	dir := killedStore(t, disk)
	fullStarts(t, dir, []int64{0, 4 << 10, 16 << 10, 64 << 10, 1 << 20, 8 << 20}, func(room int64) func() {
		ballast := fill(t, disk, room)
		return func() { harness.Must(t, os.Remove(ballast)) }
	})
	harness.StartOn(t, dir).Holds("m{instance=\"\",job=\"held\"} 1\n")
}

func TestAStartWithoutInodesServesOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 128, "nr_inodes=200")
	dir := killedStore(t, disk)
	fullStarts(t, dir, []int64{0, 1, 2, 3, 5}, func(room int64) func() {
		files := filepath.Join(disk, "files")
		harness.Must(t, os.Mkdir(files, 0o700))
		n := int64(0)
		for ; ; n++ {
			f, err := os.Create(filepath.Join(files, fmt.Sprint(n)))
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			harness.Must(t, err)
			harness.Must(t, f.Close())
		}
		for range room {
			n--
			harness.Must(t, os.Remove(filepath.Join(files, fmt.Sprint(n))))
		}
		return func() { harness.Must(t, os.RemoveAll(files)) }
	})
	harness.StartOn(t, dir).Holds("m{instance=\"\",job=\"held\"} 1\n")
}

func TestANewStoreOnAFullDiskSaysSo(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 4)
	for _, room := range []int64{0, 4 << 10, 8 << 10} {
		ballast := fill(t, disk, room)
		harness.Refuses(t, nil, []string{harness.Loopback, "--storage.path=" + filepath.Join(disk, "store")}, "cannot open the store", "no space left on device")
		harness.Must(t, os.Remove(ballast))
	}
}
