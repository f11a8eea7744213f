package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAFileOfDebiansPushgatewayIsImportedOnceAndNotTouched(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "metrics")
	old := startPushgateway(t, file, "--persistence.interval=1h")
	for path, body := range map[string]string{
		"/metrics/job/plain/instance/db1":                          everyType,
		"/metrics/job/bare":                                        "bare 1\n",
		"/metrics/job/my%20job/instance/a+b":                       "spaces 2\n",
		"/metrics/job@base64/YS9i/path@base64/L3Zhci90bXAv":        "slashes 3\n",
		"/metrics/job/empty/zone@base64/=":                         "empty 4\n",
		"/metrics/job/gr%C3%B6%C3%9Fe/instance/%E6%97%A5%0A%22%5C": "unicode{a=\"\\\"\\\\\\n\"} 5\n",
		"/metrics/job/100%25/a_b/;=&%40~":                          "signs NaN\n",
		"/metrics/job/nothing/instance/i":                          "",
	} {
		old.put(path, body)
	}
	// A refused push leaves the time of its failure.
	old.want(400, "PUT", "/metrics/job/plain/instance/db1", "m 1 1000\n")
	// An empty value is no label here.
	want := withTimes(old.scrape(acceptText))
	old.stop()
	before, err := os.Stat(file)
	must(t, err)
	sum := content(t, filepath.Dir(file))

	dir := filepath.Join(t.TempDir(), "store")
	s := startOn(t, dir, "--persistence.file="+file)
	if got := withTimes(s.scrape(acceptText)); !slices.Equal(got, want) {
		t.Errorf("after the import\n%s", difference(got, want))
	}
	if l := s.wrote(`msg="Imported the persistence file".*groupings=(\d+) refused=(\d+)`); l[1] != "8" || l[2] != "0" {
		t.Errorf("it says %q", l[0])
	}

	s.want(202, "DELETE", "/metrics/job/bare/instance@base64/=", "")
	s.put("/metrics/job/my%20job/instance/a+b", "spaces 20\n")
	changed := s.scrape(acceptText)
	s.stop()
	s = startOn(t, dir, "--persistence.file="+file)
	if got, want := withTimes(s.scrape(acceptText)), withTimes(changed); !slices.Equal(got, want) {
		t.Errorf("after the second start\n%s", difference(got, want))
	}
	s.kill()

	unchanged(t, filepath.Dir(file), sum)
	after, err := os.Stat(file)
	must(t, err)
	if !after.ModTime().Equal(before.ModTime()) || after.Mode() != before.Mode() || after.Size() != before.Size() {
		t.Errorf("the file was touched: %v %v, before %v %v", after.ModTime(), after.Mode(), before.ModTime(), before.Mode())
	}
}

// withTimes leaves out a server's own samples only. An empty label but the
// instance is as good as none.
func withTimes(lines []string) []string {
	var kept []string
	for _, l := range lines {
		if strings.Contains(l, `job="`) {
			kept = append(kept, strings.Replace(l, `,zone=""`, "", 1))
		}
	}
	slices.Sort(kept)
	return kept
}

func TestTheStoreIsBesideTheFileThatIsImported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// There is none yet: as with a new volume.
	s := listening(launch(t, nil, binary, loopback, "--persistence.file="+filepath.Join(dir, "metrics"), "--persistence.interval=1m"), `msg=Listening address=(\S+)`)
	s.put("/metrics/job/x", "m 1\n")
	s.wrote("persistence.interval is ignored")
	s.stop()
	startOn(t, filepath.Join(dir, "gatehouse-data")).holds("m{instance=\"\",job=\"x\"} 1\n")
}

func TestAnUnreadablePersistenceFileEndsTheProgramAndIsNotTouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "metrics")
	must(t, os.WriteFile(file, []byte("not what a Pushgateway writes"), 0o600))
	sum := content(t, dir)
	args := []string{loopback, "--storage.path=" + filepath.Join(t.TempDir(), "store")}
	refuses(t, nil, append(args, "--persistence.file="+file), file, "start without --persistence.file")
	unchanged(t, dir, sum)
	s := listening(launch(t, nil, binary, args...), `msg=Listening address=(\S+)`)
	s.holds("")
}
