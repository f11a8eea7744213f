// Package durability tests what the built program keeps: after crashes and damage, on
// full disks, under wrong clocks, and what it takes over from a Pushgateway's file.
package durability

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
