package handlers_test

import (
	"regexp"
	"strings"
	"testing"

	"gatehouse/handlers"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
	"gatehouse/handlers/web"
)

// internal is what no client should see of the server's insides.
var internal = regexp.MustCompile(`\.go:\d|goroutine \d|runtime error|panic|fasthttp|pebble|reflect\.|0x[0-9a-f]{6}|%!|<nil>|strconv\.|\binvalid syntax\b`)

func TestNoRouteLeaksWhatIsInternal(t *testing.T) {
	ending := make(chan struct{})
	close(ending) // or the stream of changes would go on
	s := handlertest.Start(t, func(c handlertest.Setup) { c.EnableAdminAPI, c.EnableLifecycle, c.Ending = true, true, ending })
	h := handlers.NewServer(handlers.Config{Base: web.Base{TelemetryPath: "/metrics"}, Admin: gateway.Admin{EnableAdminAPI: true}})
	var targets []string
	for _, r := range h.Routes() {
		if r.Path == "/metrics/*" {
			targets = append(targets, "/metrics/job/x", "/metrics/job/x/l/v", "/metrics/job/x/l", "/metrics/job/%ff", "/metrics/job@base64/!", "/metrics/nowhere")
			continue
		}
		targets = append(targets, r.Path)
	}
	targets = append(targets, "/nowhere", "/api/v1/nowhere")
	queries := []string{"", "?match[]={", "?match[]={job=~%22(%22}", "?limit=x&state=y", "?cursor=x", "?dry_run=x&match[]={job=%22x%22}", "?ttl=x", "?%zz", "?match[]=%00%ff"}
	bodies := []string{"", "a 1\n", "\x00\xff", "a{", strings.Repeat("#\n", 1<<19+1)}
	for _, target := range targets {
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECTION"} {
			for _, query := range queries {
				for i, body := range bodies {
					if i > 0 && (query != "" || method != "PUT" && method != "POST") {
						continue
					}
					a := s.Do(method, target+query, body)
					if a.Status >= 500 {
						t.Errorf("%v", a)
					}
					text := a.Body
					if a.Status == 200 && a.Header.Get("Content-Type") != "" && (strings.HasPrefix(target, "/metrics") || target == "/api/v1/metrics") {
						continue // the server's own metrics name parts of Go
					}
					if found := internal.FindString(text); found != "" && !strings.HasSuffix(target, "openapi.json") {
						t.Errorf("tells %q: %v", found, a)
					}
					if a.Status >= 400 && strings.HasPrefix(target, "/api/v1/") && method != "HEAD" && method != "CONNECTION" && !strings.HasPrefix(text, `{"status":"error"`) {
						t.Errorf("is no JSON: %v", a)
					}
				}
			}
		}
	}
	if log := s.Log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log takes what clients do for errors:\n%s", log)
	}
	s.WantSoundScrapes()
}
