package handlers

import (
	"testing"

	"gatehouse/handlers/web"
)

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	s := serve(t, func(c setup) {
		c.EnableLifecycle = true
		c.Quit = func() { panic("a secret cause") }
	})
	a := s.do("PUT", "/-/quit", "")
	if a.status != 500 || a.body != web.TextInternal+"\n" {
		t.Errorf("%v", a)
	}
	if log := s.log.String(); !contains(log, "a secret cause", "stack=") {
		t.Errorf("the log says %s", log)
	}
	s.wantWhole()
}
