// Package scrape tests scrapes of the built program: with the Prometheus that scrapes
// it, and through the proxies that stand before it.
package scrape

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
	"gatehouse/app/e2e/peers"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m, peers.Settle(peers.InScrape))) }
