package web_test

import (
	"testing"

	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
)

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.EnableLifecycle = true
		c.Quit = func() { panic("a secret cause") }
	})
	a := s.Do("PUT", "/-/quit", "")
	if a.Status != 500 || a.Body != web.TextInternal+"\n" {
		t.Errorf("%v", a)
	}
	if log := s.Log.String(); !handlertest.Contains(log, "a secret cause", "stack=") {
		t.Errorf("the log says %s", log)
	}
	s.WantSoundScrapes()
}
