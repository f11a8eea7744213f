// Package live reports changes to open pages as they happen, as server-sent events.
package live

import (
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
)

// Handler serves streams of events. It is safe for concurrent use.
type Handler struct {
	web     *web.Site
	metrics *telemetry.Metrics
	ending  <-chan struct{} // closed when the server stops; nil: never
	streams streams
}

// New returns a handler whose streams end when ending is closed; nil: never.
func New(w *web.Site, m *telemetry.Metrics, ending <-chan struct{}) *Handler {
	return &Handler{web: w, metrics: m, ending: ending, streams: streams{open: make(map[viewer]int)}}
}
