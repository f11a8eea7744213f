package push

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"

	"gatehouse/app/e2e/harness"
)

// step is one request of a scenario.
type step struct{ method, target, body string }

// sideBySide are requests after which both servers must hold the same. What
// Gatehouse does otherwise on purpose is not asked here: HELP that differs, a
// bare job beside others in a DELETE, labels given twice, // and %2F, CRLF and
// missing newlines, what a parser of Prometheus takes and this Pushgateway does
// not or the other way round, buckets that a histogram lacks, and the times of
// refused pushes. Nor is a job in broken base64, after which this version of
// Pushgateway answers no push any more.
var sideBySide = map[string][]step{
	"nothing": nil,
	"every type": {
		{"PUT", "/job/a/instance/i", harness.EveryType},
	},
	"PUT replaces all": {
		{"PUT", "/job/a", "x 1\ny{l=\"1\"} 1\ny{l=\"2\"} 2\n"},
		{"PUT", "/job/b", "x 5\n"},
		{"PUT", "/job/a", "y{l=\"1\"} 3\nz 4\n"},
	},
	"POST replaces by name, not by series": {
		{"POST", "/job/a", "x 1\ny{l=\"1\"} 1\ny{l=\"2\"} 2\n"},
		{"POST", "/job/a", "y{l=\"3\"} 3\nz 4\n"},
	},
	"POST changes a type that nobody else has": {
		{"POST", "/job/a", "# TYPE x counter\nx 1\n"},
		{"POST", "/job/a", "# TYPE x gauge\nx 2\n"},
	},
	"a type that another grouping has is refused": {
		{"PUT", "/job/a", "# TYPE x counter\nx 1\n"},
		{"PUT", "/job/b", "# TYPE x gauge\nx 2\ny 1\n"},
		{"POST", "/job/a", "# TYPE x gauge\nx 2\n"},
	},
	"an empty PUT empties and keeps": {
		{"PUT", "/job/a/instance/i", "x 1\n"},
		{"PUT", "/job/a/instance/i", ""},
	},
	"an empty POST keeps": {
		{"PUT", "/job/a/instance/i", "x 1\n"},
		{"POST", "/job/a/instance/i", ""},
		{"POST", "/job/b/instance/i", "\n# nothing\n# TYPE x counter\n"},
	},
	"DELETE removes exactly that": {
		{"PUT", "/job/a", "x 1\n"},
		{"PUT", "/job/a/instance/i", "x 2\n"},
		{"PUT", "/job/a/instance/i/zone/z", "x 3\n"},
		{"PUT", "/job/b/instance/i", "x 4\n"},
		{"DELETE", "/job/a/instance/i", ""},
		{"DELETE", "/job/a/instance/absent", ""},
		{"DELETE", "/job/absent/instance/i", ""},
	},
	"DELETE of a lonely bare job": {
		{"PUT", "/job/a", "x 1\n"},
		{"DELETE", "/job/a", "ignored"},
		{"DELETE", "/job/absent", ""},
	},
	"push after delete": {
		{"PUT", "/job/a/instance/i", "x 1\n"},
		{"DELETE", "/job/a/instance/i", ""},
		{"POST", "/job/a/instance/i", "y 1\n"},
	},
	"base64, padded or not": {
		{"PUT", "/job@base64/YS9i/path@base64/L3Zhci90bXA=", "x 1\n"},
		{"POST", "/job@base64/YS9i/path@base64/L3Zhci90bXA", "y 2\n"},
		{"POST", "/path@base64/L3Zhci90bXA/job@base64/YS9i", "z 1\n"},
		{"PUT", "/job@base64/w7w_Pz8-/a@base64/Pz8_Pj4-", "z 1\n"},
		{"PUT", "/job@base64/8J-Yig==/l/1", "u 1\n"},
		{"PUT", "/job@base64/=", "z 1\n"},
		{"PUT", "/job/a/l@base64/!!!", "z 1\n"},
	},
	"percent and plus": {
		{"PUT", "/job/a%20b/l/c%2Bd+e", "x 1\n"},
		{"PUT", "/job/50%25/l/%E6%97%A5", "x 2\n"},
		{"PUT", "/job/q/l/v?key=1", "x 3\n"},
		{"PUT", "/job/semi;colon/l/a=b", "x 4\n"},
	},
	"the order of labels does not matter": {
		{"PUT", "/job/a/x/1/y/2", "m 1\n"},
		{"POST", "/job/a/y/2/x/1", "n 2\n"},
	},
	"a slash at the end": {
		{"PUT", "/job/a/", "m 1\n"},
		{"POST", "/job/a", "n 2\n"},
	},
	"bad paths": {
		{"PUT", "/job/a/b", "m 1\n"},
		{"PUT", "/job/a/__name__/b", "m 1\n"},
		{"PUT", "/job/a/__x/b", "m 1\n"},
		{"PUT", "/job/a/0a/b", "m 1\n"},
		{"PUT", "/job/a/a-b/b", "m 1\n"},
		{"PUT", "/job/a/a.b/b", "m 1\n"},
		{"DELETE", "/job/a/b", ""},
		{"DELETE", "/job/a/__x/b", ""},
	},
	"the path's labels override those of the body": {
		{"PUT", "/job/a/zone/z", "x{job=\"other\",zone=\"other\",instance=\"i\",b=\"1\"} 1\n"},
		{"PUT", "/job/b/instance/j", "x{job=\"other\",instance=\"i\"} 2\n"},
	},
	"an instance comes from the path, else the body, else it is empty": {
		{"PUT", "/job/a/instance/p", "x{instance=\"b\"} 1\n"},
		{"PUT", "/job/b", "x{instance=\"b\"} 1\nx 2\n"},
	},
	"overriding that makes two series one is refused": {
		{"PUT", "/job/a", "y 1\n"},
		{"PUT", "/job/a", "x{job=\"1\"} 1\nx{job=\"2\"} 2\n"},
	},
	"a series of another grouping is refused": {
		{"PUT", "/job/a/instance/i", "x 1\n"},
		{"PUT", "/job/a", "y 1\n"},
		{"PUT", "/job/a", "x{instance=\"i\"} 1\n"},
	},
	"a series twice is refused": {
		{"PUT", "/job/a", "y 1\n"},
		{"POST", "/job/a", "x{a=\"1\",b=\"2\"} 1\nx{b=\"2\",a=\"1\"} 2\n"},
	},
	"timestamps are refused": {
		{"PUT", "/job/a", "y 1\n"},
		{"POST", "/job/a", "x 1 1000\n"},
		{"POST", "/job/a", "z 1\nx 1 0\n"},
	},
	"names of histograms' parts are refused": {
		{"PUT", "/job/a", "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"},
		{"PUT", "/job/b", "h_count 1\n"},
		{"PUT", "/job/b", "# TYPE h_sum gauge\nh_sum 1\n"},
	},
	"broken text is refused": {
		{"PUT", "/job/a", "y 1\n"},
		{"PUT", "/job/a", "x\n"},
		{"PUT", "/job/a", "x one\n"},
		{"PUT", "/job/a", "x{a=1} 1\n"},
		{"PUT", "/job/a", "x{a=\"1\" 1\n"},
		{"PUT", "/job/a", "x{a=\"1\",a=\"2\"} 1\n"},
		{"PUT", "/job/a", "x{__name__=\"y\"} 1\n"},
		{"PUT", "/job/a", "x{__a=\"y\"} 1\n"},
		{"PUT", "/job/a", "# TYPE x nonsense\nx 1\n"},
		{"PUT", "/job/a", "0x 1\n"},
		{"PUT", "/job/a", "x 1_000\n"},
		{"PUT", "/job/a", "{\"status\":\"json\"}"},
	},
	"blanks, comments and spellings": {
		{"PUT", "/job/a", "\n  x\t{ a = \"1\" , } \t1\n#comment\n# HELP y\n#  TYPE  y  GAUGE\ny   -inf\n\nz NAN\n"},
	},
	"numbers": {
		{"PUT", "/job/a", "n{v=\"1\"} 1\nn{v=\"2\"} 0.30000000000000004\nn{v=\"3\"} 1e21\nn{v=\"4\"} 123456789\nn{v=\"5\"} 1e-400\nn{v=\"6\"} 9007199254740993\nn{v=\"7\"} 1E3\nn{v=\"8\"} +5\nn{v=\"9\"} 5e-324\nn{v=\"10\"} 1e6\nn{v=\"11\"} 1234567\n"},
	},
	"histograms with labels and odd bounds": {
		{"PUT", "/job/a", "# TYPE h histogram\nh_bucket{le=\"1e-05\",a=\"1\"} 1\nh_bucket{le=\"1\",a=\"1\"} 2\nh_bucket{le=\"1000000\",a=\"1\"} 3\nh_bucket{le=\"+Inf\",a=\"1\"} 3\nh_sum{a=\"1\"} 1\nh_count{a=\"1\"} 3\nh_bucket{le=\"-1\",a=\"2\"} 1\nh_bucket{le=\"+Inf\",a=\"2\"} 1\nh_sum{a=\"2\"} -5\nh_count{a=\"2\"} 1\n"},
	},
	"a summary without quantiles, and one with odd ones": {
		{"PUT", "/job/a", "# TYPE s summary\ns_sum 1\ns_count 2\n# TYPE r summary\nr{quantile=\"0\"} 1\nr{quantile=\"0.999\"} 2\nr{quantile=\"1\"} 3\nr_sum 5\nr_count 3\n"},
	},
	"the server's own names": {
		{"PUT", "/job/a", "# TYPE go_goroutines gauge\ngo_goroutines 1\n"},
		{"PUT", "/job/b", "# TYPE go_goroutines counter\ngo_goroutines 1\n"},
		{"PUT", "/job/c", "# HELP process_start_time_seconds Mine.\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 7\n"},
	},
	"push times in a body are dropped": {
		{"PUT", "/job/a", "# TYPE push_time_seconds gauge\npush_time_seconds 1\nx 2\n"},
	},
	"one name in several groupings": {
		{"PUT", "/job/b/instance/2", "x{l=\"2\"} 1\nx{l=\"1\"} 2\n"},
		{"PUT", "/job/a/instance/2", "x 3\n"},
		{"PUT", "/job/b/instance/1", "x{l=\"1\"} 4\n"},
		{"PUT", "/job/a/zone/1", "x 5\n"},
	},
}

// shown is what a server exposes of what was pushed: its samples, whose series
// are compared byte by byte, and the types and helps of the families, sorted.
// Times are only told apart from never. For refused pushes they differ on
// purpose.
func shown(body string, refused bool) []string {
	var found []string
	families := map[string]bool{}
	for l := range strings.Lines(body) {
		if strings.HasPrefix(l, "#") || !strings.Contains(l, `job="`) {
			continue
		}
		end := strings.LastIndex(l, " ")
		value, err := strconv.ParseFloat(strings.TrimSpace(l[end:]), 64)
		if err != nil {
			found = append(found, err.Error())
		}
		switch name, _, _ := strings.Cut(l, "{"); name {
		case "push_time_seconds", "push_failure_time_seconds":
			if refused {
				continue
			}
			value = math.Ceil(value / 1e12) // 0 or 1
		default:
			families[name] = true
		}
		found = append(found, fmt.Sprint(l[:end], " ", value))
	}
	for l := range strings.Lines(body) {
		words := strings.SplitN(l, " ", 4)
		if len(words) < 4 || words[0] != "#" {
			continue
		}
		if n := words[2]; families[n] || families[n+"_count"] {
			found = append(found, strings.TrimSuffix(l, "\n"))
		}
	}
	slices.Sort(found)
	return found
}

func TestBothServersAnswerAndHoldTheSame(t *testing.T) {
	t.Parallel()
	theirs := harness.StartPushgateway(t, "", "--web.enable-admin-api")
	ours := harness.Start(t, "--web.enable-admin-api", "--push.legacy-names")
	for name, steps := range sideBySide {
		t.Run(name, func(t *testing.T) {
			for _, s := range []*harness.Server{theirs, ours} {
				s.Want(202, "PUT", "/api/v1/admin/wipe", "")
			}
			refused := false
			for _, step := range steps {
				want := theirs.Do(step.method, "/metrics"+step.target, step.body)
				got := ours.Do(step.method, "/metrics"+step.target, step.body)
				if got.Status != want.Status || got.Body != "" && want.Body == "" {
					t.Errorf("got  %v\nwant %v", got, want)
				}
				refused = refused || want.Status == 400
			}
			want := shown(theirs.Want(200, "GET", "/metrics", "").Body, refused)
			got := shown(ours.Want(200, "GET", "/metrics", "").Body, refused)
			if !slices.Equal(got, want) {
				t.Errorf("exposed\n%s", harness.Difference(got, want))
			}
		})
	}
}

func TestBothServersTakeTheSameProtobuf(t *testing.T) {
	t.Parallel()
	theirs, ours := harness.StartPushgateway(t, ""), harness.Start(t)
	families, err := registry(7).Gather()
	harness.Must(t, err)
	var b strings.Builder
	format := expfmt.NewFormat(expfmt.TypeProtoDelim)
	encoder := expfmt.NewEncoder(&b, format)
	for _, mf := range families {
		harness.Must(t, encoder.Encode(mf))
	}
	for i, body := range []string{b.String(), "", b.String() + b.String()[:30]} {
		path := fmt.Sprintf("/metrics/job/a/instance/%d", i)
		want := theirs.Do("PUT", path, body, "Content-Type", string(format))
		got := ours.Do("PUT", path, body, "Content-Type", string(format))
		if got.Status != want.Status {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
	if got, want := ours.Pushed(), theirs.Pushed(); !slices.Equal(got, want) {
		t.Errorf("exposed\n%s", harness.Difference(got, want))
	}
}

func TestBothServersKnowTheSameRoutes(t *testing.T) {
	t.Parallel()
	theirs, ours := harness.StartPushgateway(t, ""), harness.Start(t, "--web.enable-lifecycle")
	for _, r := range []step{
		{"GET", "/metrics", ""},
		{"PUT", "/metrics", "m 1\n"},
		{"POST", "/metrics", "m 1\n"},
		{"DELETE", "/metrics", ""},
		{"PATCH", "/metrics/job/a", "m 1\n"},
		{"PUT", "/metrics/instance/a", "m 1\n"},
		{"GET", "/-/healthy", ""},
		{"GET", "/-/ready", ""},
		{"GET", "/-/quit", ""},
		{"GET", "/api/v1/status", ""},
		{"GET", "/api/v1/metrics", ""},
		{"PUT", "/api/v1/admin/wipe", ""},
		{"GET", "/nowhere", ""},
	} {
		got, want := ours.Do(r.method, r.target, r.body), theirs.Do(r.method, r.target, r.body)
		if got.Status != want.Status {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
}
