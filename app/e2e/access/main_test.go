// Package access tests who may do what with the built program: with an OpenID
// provider, tokens, certificates, proxies, and pages of other sites.
package access

import (
	"os"
	"testing"

	"gatehouse/app/e2e/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
