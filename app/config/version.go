package config

import (
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"
)

// Version returns what --version prints. The linker sets its parts, with -X
// github.com/prometheus/common/version.Version=… and so on.
func Version() string {
	text := version.Print("gatehouse")
	if version.Version == "" {
		text = strings.Replace(text, "version  (", "version "+ShortVersion()+" (", 1)
	}
	return text
}

// ShortVersion returns the bare version number; a binary that was built without one
// has what the go command wrote into it, or "unknown".
func ShortVersion() string {
	if version.Version != "" {
		return version.Version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "unknown"
}
