package app

import (
	"github.com/prometheus/common/version"

	"gatehouse/app/config"
	"gatehouse/handlers"
)

// build returns the parts of config.Version.
func build() handlers.Build {
	return handlers.Build{
		Version:   config.ShortVersion(),
		Revision:  version.GetRevision(),
		Branch:    version.Branch,
		User:      version.BuildUser,
		Date:      version.BuildDate,
		GoVersion: version.GoVersion,
	}
}
