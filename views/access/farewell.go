package access

import "gatehouse/views/ui"

// Farewell is the page after signing out here, before signing out at the
// provider.
type Farewell struct {
	ui.Frame
	Provider string // its host
	URL      string // where the provider signs people out; may hold their ID token
}

// frame has browsers go on by themselves.
func (f Farewell) frame() ui.Frame {
	f.LeadsTo = f.URL
	return f.Frame
}
