package peers

import (
	"os"
	"regexp"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestThePageListsThosePeersThatTestsRun(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(worksWith)
	harness.Must(t, err)
	row := regexp.MustCompile(`(?m)^\| (.*?) \| (.*?) \|`)
	for _, heading := range []string{pushClients, scrapers, proxies} {
		found := tableBelow(heading).FindSubmatch(page)
		if found == nil {
			t.Errorf("there is no table below %q", heading)
			continue
		}
		// A version is of the machine that wrote it.
		want, err := table(heading, func(*Peer) (string, error) { return "", nil })
		harness.Must(t, err)
		got := row.ReplaceAllString(string(found[1]), "| $1 |  |")
		if want = row.ReplaceAllString(want, "| $1 |  |"); got != want {
			t.Errorf("below %q (go tool task clients writes it anew)\ngot\n%s\nwant\n%s", heading, got, want)
		}
		for _, m := range row.FindAllSubmatch(found[1], -1)[2:] {
			if !regexp.MustCompile(`^\d+\.\d`).Match(m[2]) {
				t.Errorf("%s has the version %q", m[1], m[2])
			}
		}
	}
}
