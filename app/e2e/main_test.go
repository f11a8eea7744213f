// Package e2e tests the built program from outside: with the clients that
// people push with, with the Prometheus that scrapes it, side by side with the
// Pushgateway that it replaces, and with crashes, damage and hostile input.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// root is where the module lies, as seen from this package.
const root = "../.."

// binary is the built program.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "gatehouse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "gatehouse")
	// As it is shipped: without C, and with a version.
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-X github.com/prometheus/common/version.Version=1.2.3-e2e", "-o", binary, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if err := settleWorksWith(code); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if leaks := leaked(); len(leaks) > 0 {
		fmt.Fprintf(os.Stderr, "secrets are in the logs:\n%s\n", strings.Join(leaks, "\n"))
		return 1
	}
	return code
}

// patience bounds every wait. It is for a machine that is busy with other
// things; what is waited for comes in milliseconds or seconds.
const patience = time.Minute

// until waits for a condition. It says why the condition does not hold yet, or
// "" when it does.
func until(t *testing.T, what string, condition func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for again := time.Tick(5 * time.Millisecond); ; {
		why := condition()
		if why == "" {
			return
		}
		select {
		case <-again:
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %s", patience, what, why)
		}
	}
}

// tool finds a program that a test needs. Without it the test is skipped, but
// not in CI, where everything has been installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, fmt.Sprintf("%s is not installed (.ci/setup installs it)", name))
	}
	return path
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
