// Package scrape tests scrapes of the built program: by Prometheus, and through
// the proxies in front of it.
package scrape

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m, peers.Settle(peers.InScrape))) }
