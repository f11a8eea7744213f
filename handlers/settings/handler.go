// Package settings is the page on which people choose how pages look and behave.
package settings

import (
	"gatehouse/handlers/groupings"
	"gatehouse/handlers/web"
)

// Handler serves the settings. It is safe for concurrent use.
type Handler struct {
	ages groupings.Ages
	web  *web.Site
}

// New returns a handler that explains the ages of groupings.
func New(w *web.Site, ages groupings.Ages) *Handler { return &Handler{ages: ages, web: w} }
