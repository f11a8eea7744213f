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

func TestAFileThatComesLateReplacesNoPush(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "metrics")
	dir := filepath.Join(t.TempDir(), "store")
	s := startOn(t, dir, "--persistence.file="+file)
	s.wrote("There is no persistence file to import")
	s.put("/metrics/job/both", "m 2\n")
	s.kill()
	old := startPushgateway(t, file)
	old.put("/metrics/job/both", "m 1\n")
	old.put("/metrics/job/old", "n 1\n")
	old.stop()
	s = startOn(t, dir, "--persistence.file="+file)
	s.wrote("not imported.* 1 grouping of the file is not held; bring them in with gatehouse import")
	s.holds("m{instance=\"\",job=\"both\"} 2\n")
}

func TestASecondFileIsBroughtIntoAServerThatRuns(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "metrics")
	old := startPushgateway(t, file)
	for path, body := range map[string]string{
		"/metrics/job/held": "m 1\n", "/metrics/job/deleted": "m 1\n", "/metrics/job/new": "n 1\n", "/metrics/job/later/zone/a": "n 2\n",
		"/metrics/job/clash": "# TYPE c counter\nc 1\n",
	} {
		old.put(path, body)
	}
	want := withTimes(old.scrape(acceptText))
	want = slices.DeleteFunc(want, func(l string) bool { return !strings.Contains(l, `job="new"`) && !strings.Contains(l, `job="later"`) })
	old.stop()
	sum := content(t, filepath.Dir(file))
	admin := secret("a-token-for-imports")
	s := listening(launch(t, []string{"API_TOKENS=" + admin}, binary, loopback, "--storage.path="+filepath.Join(t.TempDir(), "store"), "--web.enable-admin-api"), `msg=Listening address=(\S+)`)
	s.put("/metrics/job/held", "m 5\n# TYPE c gauge\nc 5\n", "X-API-Key", admin)
	s.put("/metrics/job/deleted", "m 6\n", "X-API-Key", admin)
	s.want(202, "DELETE", "/metrics/job/deleted", "", "X-API-Key", admin)
	run := func(env string, args ...string) (int, string) {
		return finish(t, []string{env}, append([]string{"import", file, "--server=" + s.url}, args...)...)
	}
	if code, wrote := run("GATEHOUSE_TOKEN="+secret("a-wrong-token-for-imports"), "--dry-run"); code != 1 || !strings.Contains(wrote, "the server refuses") {
		t.Errorf("with a wrong token: %d %s", code, wrote)
	}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"--dry-run"}, []string{
			`would import {job="new"}`, `would import {job="later",zone="a"}`, `would leave out {job="held"}: a grouping of that key is held`,
			`would leave out {job="deleted"}: a grouping of that key was deleted`, `would leave out {job="clash"}: metric "c" is pushed as counter`, "would import: 2; would leave out: 3.",
		}},
		{nil, []string{`imported {job="new"}`, "imported: 2; left out: 3."}},
		{nil, []string{`left out {job="new"}: a grouping of that key is held`, "imported: 0; left out: 5."}},
	} {
		code, wrote := run("GATEHOUSE_TOKEN="+admin, test.args...)
		for _, text := range test.want {
			if code != 0 || !strings.Contains(wrote, text) {
				t.Errorf("%q: %d, %q is not in\n%s", test.args, code, text, wrote)
			}
		}
	}
	got := withTimes(strings.Split(s.want(200, "GET", "/metrics", "", "X-API-Key", admin, "Accept", acceptText).body, "\n"))
	for _, l := range want {
		if !slices.Contains(got, l) {
			t.Errorf("%s is not in\n%s", l, strings.Join(got, "\n"))
		}
	}
	s.want(200, "GET", "/api/v1/activity?kind=import", "", "X-API-Key", admin)
	unchanged(t, filepath.Dir(file), sum)
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

func TestAVolumeThatAPushgatewayHadIsTakenOver(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	file := filepath.Join(volume, "pushgateway.data")
	for _, name := range []string{"lost+found", ".snapshot"} {
		must(t, os.Mkdir(filepath.Join(volume, name), 0o700))
	}
	old := startPushgateway(t, file)
	old.put("/metrics/job/old", "m 1\n")
	old.stop()
	sum := content(t, volume)
	// What the image sets, and what the chart adds.
	env, args := []string{"GATEHOUSE_STORAGE_PATH=" + volume}, []string{loopback, "--persistence.file=" + file}
	held := "m{instance=\"\",job=\"old\"} 1\n"
	for range 2 {
		s := listening(launch(t, env, binary, args...), `msg=Listening address=(\S+)`)
		s.wrote(`msg="The store is below --storage.path, beside the persistence file" path=` + volume + "/gatehouse-data\n")
		s.holds(held)
		s.put("/metrics/job/new", "n 1\n")
		held = "m{instance=\"\",job=\"old\"} 1\nn{instance=\"\",job=\"new\"} 1\n"
		s.stop()
	}
	beside := filepath.Join(volume, "gatehouse-data")
	startOn(t, beside).holds(held) // ends with the test
	refuses(t, env, []string{loopback}, "there is no store in "+volume, beside, "--storage.path="+beside)
	kept := filepath.Join(t.TempDir(), "kept")
	must(t, os.Rename(beside, kept))
	unchanged(t, volume, sum)
}

func TestAStoreInTheRootOfAVolumeIsUsedFurther(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	must(t, os.WriteFile(filepath.Join(volume, ".hidden"), nil, 0o600))
	s := startOn(t, volume)
	s.put("/metrics/job/x", "m 1\n")
	s.stop()
	file := "--persistence.file=" + filepath.Join(volume, "pushgateway.data")
	s = startOn(t, volume, file)
	s.holds("m{instance=\"\",job=\"x\"} 1\n")
	s.stop()
	beside := filepath.Join(volume, "gatehouse-data")
	if _, err := os.Stat(beside); !os.IsNotExist(err) {
		t.Errorf("another store was made: %v", err)
	}
	startOn(t, beside).stop()
	refuses(t, nil, []string{loopback, "--storage.path=" + volume, file}, "there are two stores, "+volume+" and "+beside, "--storage.path="+beside)
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
