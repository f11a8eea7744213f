package push

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

// javaClient compiles the program that sends what Java's clients send.
func javaClient(t *testing.T, as string) driven {
	t.Helper()
	classes := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), harness.Tool(t, "javac"), "-encoding", "UTF-8", "-d", classes, "testdata/Push.java").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return driven{
		command: []string{harness.Tool(t, "java"), "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8", "-XX:TieredStopAtLevel=1", "-cp", classes, "Push"},
		env:     []string{"PUSH_AS=" + as, "LC_ALL=C.UTF-8"},
		arguments: func(s *harness.Server, action, job string, grouping map[string]string, value int) []string {
			args := []string{action, s.Addr, job, fmt.Sprint(value)}
			for name, value := range grouping {
				args = append(args, name, value)
			}
			return args
		},
	}
}

func TestWhatJavasClientsSendIsPushedAddedAndDeleted(t *testing.T) {
	t.Parallel()
	if !peers.Rewriting() {
		t.Skip("go tool task clients runs it")
	}
	peers.Runs(t, peers.Java)
	for _, as := range []string{"protobuf", "text", "simple", "micrometer"} {
		client := javaClient(t, as)
		if as == "micrometer" {
			client.odd = "backup_seconds{quantile=\"0.95\",LABELS} 62\n"
		}
		// The clients send a space as a plus.
		for _, g := range []groupingCase{
			{"no labels but the job", "java", nil, `instance="",job="java"`},
			{"spaces", "my job", map[string]string{"instance": "db 1"}, `instance="db+1",job="my+job"`},
			{"slashes and empty values", "a/b", map[string]string{"instance": "", "path": "/var/tmp/"}, `instance="",job="a/b",path="/var/tmp/"`},
			{"signs and unicode", "50%", map[string]string{"instance": "日本", "e": "a=b&c?d#e;f"}, `e="a=b&c?d#e;f",instance="日本",job="50%"`},
		} {
			t.Run(as+", "+g.name, func(t *testing.T) {
				t.Parallel()
				client.pushesAddsAndDeletes(t, g)
			})
		}
		t.Run(as+", too large", func(t *testing.T) {
			t.Parallel()
			client.showsThatAPushIsTooLarge(t)
		})
	}
}

func TestJavasClientsShowWhatIsWrong(t *testing.T) {
	t.Parallel()
	if !peers.Rewriting() {
		t.Skip("go tool task clients runs it")
	}
	s := harness.Start(t)
	s.Put("/metrics/job/other", "# TYPE last_success counter\nlast_success 1\n")
	out, err := javaClient(t, "protobuf").try(t, s, "add", "java", nil, 1)
	if err == nil || !strings.Contains(out, "400") || !strings.Contains(out, "last_success") {
		t.Errorf("%v %s", err, out)
	}
}
