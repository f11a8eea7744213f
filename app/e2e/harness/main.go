// Package harness runs the built program for the end-to-end tests, and what they
// hold against it: browsers, proxies, Prometheus, an OpenID provider. Nothing of it
// is in the binary.
package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Root is where the module lies, as seen from the packages of tests.
const Root = "../../.."

// Binary is the built program, once Main runs.
var Binary string

// Main builds the program and runs the tests of a package with it. It returns the
// exit code, which is not 0 either if one of the settle functions fails, which are
// called with the code of the tests, or if a secret of the tests is in a log.
func Main(m *testing.M, settle ...func(code int) error) int {
	dir, err := os.MkdirTemp("", "gatehouse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	Binary = filepath.Join(dir, "gatehouse")
	// As it is shipped: without C, and with a version. What go run has linked it keeps,
	// so that the next package gets it at once; cp takes the place of running it.
	build := exec.Command("go", "run", "-trimpath", "-ldflags", "-X github.com/prometheus/common/version.Version=1.2.3-e2e", "-exec", "cp", ".", Binary)
	build.Dir = Root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	for _, settle := range settle {
		if err := settle(code); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if leaks := leaked(); len(leaks) > 0 {
		fmt.Fprintf(os.Stderr, "secrets are in the logs:\n%s\n", strings.Join(leaks, "\n"))
		return 1
	}
	return code
}

// Tool finds a program that a test needs. Without it the test is skipped, but
// not in CI, where everything has been installed.
func Tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, fmt.Sprintf("%s is not installed (.ci/setup installs it)", name))
	}
	return path
}

// Missing skips a test that lacks something, but fails it in CI.
func Missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Must fails the test at once on an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
