// Package packaging tests the built program as it is shipped and run: its flags and
// signals, its image, and moves from the packages of Pushgateway.
package packaging

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
