// Package e2e tests the built program from outside: with the clients that
// people push with, with the Prometheus that scrapes it, side by side with the
// Pushgateway that it replaces, and with crashes, damage and hostile input.
package e2e

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m, Settle)) }
