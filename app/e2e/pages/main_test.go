// Package pages tests the pages of the built program in a browser.
package pages

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
