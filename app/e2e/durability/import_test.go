package durability

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestAFileOfDebiansPushgatewayIsImportedOnceAndNotTouched(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "metrics")
	old := harness.StartPushgateway(t, file, "--persistence.interval=1h")
	for path, body := range map[string]string{
		"/metrics/job/plain/instance/db1":                          harness.EveryType,
		"/metrics/job/bare":                                        "bare 1\n",
		"/metrics/job/my%20job/instance/a+b":                       "spaces 2\n",
		"/metrics/job@base64/YS9i/path@base64/L3Zhci90bXAv":        "slashes 3\n",
		"/metrics/job/empty/zone@base64/=":                         "empty 4\n",
		"/metrics/job/gr%C3%B6%C3%9Fe/instance/%E6%97%A5%0A%22%5C": "unicode{a=\"\\\"\\\\\\n\"} 5\n",
		"/metrics/job/100%25/a_b/;=&%40~":                          "signs NaN\n",
		"/metrics/job/nothing/instance/i":                          "",
	} {
		old.Put(path, body)
	}
	// A refused push leaves the time of its failure.
	old.Want(400, "PUT", "/metrics/job/plain/instance/db1", "m 1 1000\n")
	// An empty value is no label here.
	want := harness.WithTimes(old.Scrape(harness.AcceptText))
	old.Quit()
	before, err := os.Stat(file)
	harness.Must(t, err)
	sum := harness.Checksums(t, filepath.Dir(file))

	dir := filepath.Join(t.TempDir(), "store")
	s := harness.StartOn(t, dir, "--persistence.file="+file)
	if got := harness.WithTimes(s.Scrape(harness.AcceptText)); !slices.Equal(got, want) {
		t.Errorf("after the import\n%s", harness.Difference(got, want))
	}
	if l := s.Wrote(`msg="Imported the persistence file".*groupings=(\d+) refused=(\d+)`); l[1] != "8" || l[2] != "0" {
		t.Errorf("it says %q", l[0])
	}

	s.Want(202, "DELETE", "/metrics/job/bare/instance@base64/=", "")
	s.Put("/metrics/job/my%20job/instance/a+b", "spaces 20\n")
	changed := s.Scrape(harness.AcceptText)
	s.Stop()
	s = harness.StartOn(t, dir, "--persistence.file="+file)
	if got, want := harness.WithTimes(s.Scrape(harness.AcceptText)), harness.WithTimes(changed); !slices.Equal(got, want) {
		t.Errorf("after the second start\n%s", harness.Difference(got, want))
	}
	s.Kill()

	harness.Unchanged(t, filepath.Dir(file), sum)
	after, err := os.Stat(file)
	harness.Must(t, err)
	if !after.ModTime().Equal(before.ModTime()) || after.Mode() != before.Mode() || after.Size() != before.Size() {
		t.Errorf("the file was touched: %v %v, before %v %v", after.ModTime(), after.Mode(), before.ModTime(), before.Mode())
	}
}

func TestAFileThatComesLateReplacesNoPush(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "metrics")
	dir := filepath.Join(t.TempDir(), "store")
	s := harness.StartOn(t, dir, "--persistence.file="+file)
	s.Wrote("There is no persistence file to import")
	s.Put("/metrics/job/both", "m 2\n")
	s.Kill()
	old := harness.StartPushgateway(t, file)
	old.Put("/metrics/job/both", "m 1\n")
	old.Put("/metrics/job/old", "n 1\n")
	old.Quit()
	s = harness.StartOn(t, dir, "--persistence.file="+file)
	s.Wrote("not imported.* 1 grouping of the file is not held; bring them in with gatehouse import")
	s.Holds("m{instance=\"\",job=\"both\"} 2\n")
}

func TestASecondFileIsBroughtIntoAServerThatRuns(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "metrics")
	old := harness.StartPushgateway(t, file)
	for path, body := range map[string]string{
		"/metrics/job/held": "m 1\n", "/metrics/job/deleted": "m 1\n", "/metrics/job/new": "n 1\n", "/metrics/job/later/zone/a": "n 2\n",
		"/metrics/job/clash": "# TYPE c counter\nc 1\n",
	} {
		old.Put(path, body)
	}
	want := harness.WithTimes(old.Scrape(harness.AcceptText))
	want = slices.DeleteFunc(want, func(l string) bool { return !strings.Contains(l, `job="new"`) && !strings.Contains(l, `job="later"`) })
	old.Quit()
	sum := harness.Checksums(t, filepath.Dir(file))
	admin := harness.Secret("a-token-for-imports")
	s := harness.Listening(harness.Launch(t, []string{"API_TOKENS=" + admin}, harness.Binary, harness.Loopback, "--storage.path="+filepath.Join(t.TempDir(), "store"), "--web.enable-admin-api"), `msg=Listening address=(\S+)`)
	s.Put("/metrics/job/held", "m 5\n# TYPE c gauge\nc 5\n", "X-API-Key", admin)
	s.Put("/metrics/job/deleted", "m 6\n", "X-API-Key", admin)
	s.Want(202, "DELETE", "/metrics/job/deleted", "", "X-API-Key", admin)
	run := func(env string, args ...string) (int, string) {
		return harness.Finish(t, []string{env}, append([]string{"import", file, "--server=" + s.URL}, args...)...)
	}
	if code, wrote := run("GATEHOUSE_TOKEN="+harness.Secret("a-wrong-token-for-imports"), "--dry-run"); code != 1 || !strings.Contains(wrote, "the server refuses") {
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
	got := harness.WithTimes(strings.Split(s.Want(200, "GET", "/metrics", "", "X-API-Key", admin, "Accept", harness.AcceptText).Body, "\n"))
	for _, l := range want {
		if !slices.Contains(got, l) {
			t.Errorf("%s is not in\n%s", l, strings.Join(got, "\n"))
		}
	}
	s.Want(200, "GET", "/api/v1/activity?kind=import", "", "X-API-Key", admin)
	harness.Unchanged(t, filepath.Dir(file), sum)
}

func TestTheStoreIsBesideTheFileThatIsImported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// There is none yet: as with a new volume.
	s := harness.Listening(harness.Launch(t, nil, harness.Binary, harness.Loopback, "--persistence.file="+filepath.Join(dir, "metrics"), "--persistence.interval=1m"), `msg=Listening address=(\S+)`)
	s.Put("/metrics/job/x", "m 1\n")
	s.Wrote("persistence.interval is ignored")
	s.Stop()
	harness.StartOn(t, filepath.Join(dir, "gatehouse-data")).Holds("m{instance=\"\",job=\"x\"} 1\n")
}

func TestAVolumeThatAPushgatewayHadIsTakenOver(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	file := filepath.Join(volume, "pushgateway.data")
	for _, name := range []string{"lost+found", ".snapshot"} {
		harness.Must(t, os.Mkdir(filepath.Join(volume, name), 0o700))
	}
	old := harness.StartPushgateway(t, file)
	old.Put("/metrics/job/old", "m 1\n")
	old.Quit()
	sum := harness.Checksums(t, volume)
	// What the image sets, and what the chart adds.
	env, args := []string{"GATEHOUSE_STORAGE_PATH=" + volume}, []string{harness.Loopback, "--persistence.file=" + file}
	held := "m{instance=\"\",job=\"old\"} 1\n"
	for range 2 {
		s := harness.Listening(harness.Launch(t, env, harness.Binary, args...), `msg=Listening address=(\S+)`)
		s.Wrote(`msg="The store is below --storage.path, beside the persistence file" path=` + volume + "/gatehouse-data\n")
		s.Holds(held)
		s.Put("/metrics/job/new", "n 1\n")
		held = "m{instance=\"\",job=\"old\"} 1\nn{instance=\"\",job=\"new\"} 1\n"
		s.Stop()
	}
	beside := filepath.Join(volume, "gatehouse-data")
	harness.StartOn(t, beside).Holds(held) // ends with the test
	harness.Refuses(t, env, []string{harness.Loopback}, "there is no store in "+volume, beside, "--storage.path="+beside)
	kept := filepath.Join(t.TempDir(), "kept")
	harness.Must(t, os.Rename(beside, kept))
	harness.Unchanged(t, volume, sum)
}

func TestAStoreInTheRootOfAVolumeIsUsedFurther(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	harness.Must(t, os.WriteFile(filepath.Join(volume, ".hidden"), nil, 0o600))
	s := harness.StartOn(t, volume)
	s.Put("/metrics/job/x", "m 1\n")
	s.Stop()
	file := "--persistence.file=" + filepath.Join(volume, "pushgateway.data")
	s = harness.StartOn(t, volume, file)
	s.Holds("m{instance=\"\",job=\"x\"} 1\n")
	s.Stop()
	beside := filepath.Join(volume, "gatehouse-data")
	if _, err := os.Stat(beside); !os.IsNotExist(err) {
		t.Errorf("another store was made: %v", err)
	}
	harness.StartOn(t, beside).Stop()
	harness.Refuses(t, nil, []string{harness.Loopback, "--storage.path=" + volume, file}, "there are two stores, "+volume+" and "+beside, "--storage.path="+beside)
}

func TestAnUnreadablePersistenceFileEndsTheProgramAndIsNotTouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "metrics")
	harness.Must(t, os.WriteFile(file, []byte("not what a Pushgateway writes"), 0o600))
	sum := harness.Checksums(t, dir)
	args := []string{harness.Loopback, "--storage.path=" + filepath.Join(t.TempDir(), "store")}
	harness.Refuses(t, nil, append(args, "--persistence.file="+file), file, "start without --persistence.file")
	harness.Unchanged(t, dir, sum)
	s := harness.Listening(harness.Launch(t, nil, harness.Binary, args...), `msg=Listening address=(\S+)`)
	s.Holds("")
}
