package push

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

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
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
		t.Fatalf("the reference parser can't read it: %v\n%s\n%s", err, harness.Tail(refusal.String()), body)
	}
	var found []string
	for text := range strings.Lines(out.String()) {
		var sample [3]json.RawMessage
		var name, number string
		var named map[string]string
		harness.Must(t, json.Unmarshal([]byte(text), &sample))
		for i, part := range []any{&name, &named, &number} {
			harness.Must(t, json.Unmarshal(sample[i], part))
		}
		value, err := strconv.ParseFloat(number, 64)
		harness.Must(t, err)
		named[model.MetricNameLabel] = name
		found = append(found, harness.SampleLine(labels.FromMap(named), value))
	}
	slices.Sort(found)
	return found
}

func TestTheReferenceParserReadsWhatClientsPushed(t *testing.T) {
	t.Parallel()
	peers.Runs(t, peers.Reference)
	s := harness.Start(t)
	for name, format := range formats {
		harness.Must(t, push.New(s.URL, "go").Grouping("by", name).Gatherer(registry(7)).Format(format).Push())
	}
	for name, client := range map[string]driven{"python": pythonClient(t), "node": nodeClient(t), "perl": perlClient(t)} {
		client.run(t, s, "push", name, nil, 7)
		s.Want(200, "GET", "/metrics/job/"+name, "")
	}
	body := s.Want(200, "GET", "/metrics", "", "Accept", harness.AcceptOpenMetrics).Body
	got, want := harness.Pushed(referenceSamples(t, body)), harness.Pushed(harness.Samples(t, harness.AcceptOpenMetrics, body))
	if len(want) < 60 || !slices.Equal(got, want) {
		t.Errorf("the parser reads %d samples, of %d\n%s", len(got), len(want), harness.Difference(got, want))
	}
	if !strings.HasSuffix(body, "\n# EOF\n") {
		t.Errorf("it ends in %q", body[max(0, len(body)-100):])
	}
}

// strange are accepted pushes that break a rule of OpenMetrics.
var strange = []string{
	"# TYPE a histogram\na{quantile=\"0.95\"} 3\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\na_count 2\na_sum 3\n",
	"# TYPE b histogram\nb_bucket{le=\"1\"} 5\nb_bucket{le=\"+Inf\"} 3\nb_sum 1\nb_count 4\n",
	"# TYPE c histogram\nc_bucket 1\nc_bucket{le=\"x\"} -1\nc_count NaN\nc_sum -3\n",
	"# TYPE d summary\nd 1\nd{quantile=\"95\"} -1\nd_sum -1\nd_count 0.5\n",
	"# TYPE e counter\ne 1\n# TYPE e_total counter\ne_total -1\n# TYPE e_created gauge\ne_created 1\n",
	"# TYPE f counter\nf_total NaN\n# TYPE g_total counter\ng_total NaN\n",
	"# TYPE i histogram\ni_bucket{le=\"-1\"} 1\ni_bucket{le=\"+Inf\"} 2\ni_sum 3\ni_count 2\n# TYPE i_created gauge\ni_created 1\n",
	"# TYPE k histogram\nk_bucket{le=\"+Inf\"} 1\nk_sum 1\nk_count 1\n# TYPE k_count_total counter\nk_count_total 1\n",
	"# TYPE l histogram\nl_bucket{le=\"+Inf\"} 1\nl_sum 1\nl_count 1\n# TYPE l_count gauge\nl_count{x=\"1\"} 1\n",
	"# TYPE m gaugehistogram\nm_bucket{le=\"1\"} 2\nm_bucket{le=\"+Inf\"} 1\nm_gsum -1\nm_gcount 1\n",
	"# TYPE n counter\nn_total 1\n# TYPE n_created_total counter\nn_created_total 2\n",
	"o{path=\"C:\\dir\"} 1\n{\"p.q\",\"r.s\"=\"1\"} 2\n",
}

func TestTheReferenceParserReadsWhateverIsHeld(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, body := range strange {
		for _, instance := range []string{"x", "y"} {
			s.Want(200, "PUT", "/metrics/job/strange-"+strconv.Itoa(i)+"/instance/"+instance, body)
		}
	}
	body := s.Want(200, "GET", "/metrics", "", "Accept", "application/openmetrics-text;version=1.0.0").Body
	got, want := harness.Pushed(referenceSamples(t, body)), harness.Pushed(harness.Samples(t, harness.AcceptOpenMetrics, body))
	if len(want) < 80 || !slices.Equal(got, want) {
		t.Errorf("the parser reads %d samples, of %d\n%s", len(got), len(want), harness.Difference(got, want))
	}
}
