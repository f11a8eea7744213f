package e2e

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// referenceSamples reads OpenMetrics with the reference parser and returns its
// samples as samples does.
func referenceSamples(t *testing.T, body string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), pythonClient(t).command[0], "testdata/read.py")
	cmd.Env = append(cmd.Environ(), "PYTHONIOENCODING=utf-8")
	cmd.Stdin = strings.NewReader(body)
	var out, refusal strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &refusal
	if err := cmd.Run(); err != nil {
		t.Fatalf("the reference parser can't read it: %v\n%s\n%s", err, tail(refusal.String()), body)
	}
	var found []string
	for text := range strings.Lines(out.String()) {
		var sample [3]json.RawMessage
		var name, number string
		var named map[string]string
		must(t, json.Unmarshal([]byte(text), &sample))
		for i, part := range []any{&name, &named, &number} {
			must(t, json.Unmarshal(sample[i], part))
		}
		value, err := strconv.ParseFloat(number, 64)
		must(t, err)
		named[model.MetricNameLabel] = name
		found = append(found, line(labels.FromMap(named), value))
	}
	slices.Sort(found)
	return found
}

func TestTheReferenceParserReadsWhatClientsPushed(t *testing.T) {
	t.Parallel()
	runs(t, referencePeer)
	s := start(t)
	for name, format := range formats {
		must(t, push.New(s.url, "go").Grouping("by", name).Gatherer(registry(7)).Format(format).Push())
	}
	for name, client := range map[string]driven{"python": pythonClient(t), "node": nodeClient(t), "perl": perlClient(t)} {
		client.run(t, s, "push", name, nil, 7)
		s.want(200, "GET", "/metrics/job/"+name, "")
	}
	body := s.want(200, "GET", "/metrics", "", "Accept", acceptOpenMetrics).body
	got, want := pushed(referenceSamples(t, body)), pushed(samples(t, acceptOpenMetrics, body))
	if len(want) < 60 || !slices.Equal(got, want) {
		t.Errorf("the parser reads %d samples, of %d\n%s", len(got), len(want), difference(got, want))
	}
	if !strings.HasSuffix(body, "\n# EOF\n") {
		t.Errorf("it ends in %q", body[max(0, len(body)-100):])
	}
}
