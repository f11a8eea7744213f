package app

import (
	"runtime/debug"
	"strings"

	"github.com/prometheus/common/version"

	"gatehouse/handlers"
)

// Version is what --version prints. The linker sets what it tells, with -X
// github.com/prometheus/common/version.Version=… and so on.
func Version() string {
	text := version.Print("gatehouse")
	if version.Version == "" {
		text = strings.Replace(text, "version  (", "version "+shortVersion()+" (", 1)
	}
	return text
}

// shortVersion is the bare version number; a binary that was built without one
// tells what the go command wrote into it, or "unknown".
func shortVersion() string {
	if version.Version != "" {
		return version.Version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "unknown"
}

// build tells the parts of Version.
func build() handlers.Build {
	return handlers.Build{
		Version:   shortVersion(),
		Revision:  version.GetRevision(),
		Branch:    version.Branch,
		User:      version.BuildUser,
		Date:      version.BuildDate,
		GoVersion: version.GoVersion,
	}
}
