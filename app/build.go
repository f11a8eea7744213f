package app

import (
	"github.com/prometheus/common/version"

	"gatehouse/app/config"
	"gatehouse/handlers/gateway"
)

// build returns the parts of config.Version.
func build() gateway.Build {
	return gateway.Build{
		Version:   config.ShortVersion(),
		Revision:  version.GetRevision(),
		Branch:    version.Branch,
		User:      version.BuildUser,
		Date:      version.BuildDate,
		GoVersion: version.GoVersion,
	}
}
