// Package push tests pushes to the built program: with the clients that people push
// with, side by side with the Pushgateway that it replaces, and with hostile input.
package push

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m, peers.Settle(peers.InPush))) }
