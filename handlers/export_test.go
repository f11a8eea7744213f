package handlers

import (
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/web"
)

// What the tests of this folder, which are outside of the package as they start
// servers by handlertest, see of it.
var (
	NewServer = newServer
	AllRoutes = allRoutes
)

func (s *server) Routes() []web.Route       { return s.routes() }
func (s *server) EveryRoute() []web.Route   { return s.everyRoute() }
func (s *server) Gateway() *gateway.Handler { return s.gateway }
func (s *server) Site() *web.Site           { return s.web }
func (s *server) Listener() *web.Server     { return s.listener }
