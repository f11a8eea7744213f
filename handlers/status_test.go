package handlers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gatehouse/handlers/gateway"
)

func TestTheStatusTellsBuildAndFlags(t *testing.T) {
	started := time.Date(2026, 11, 22, 18, 28, 17, 684828557, time.FixedZone("", 3600))
	s := serve(t, func(c setup) {
		c.Build = gateway.Build{Version: "1.2.3", Revision: "abc", Branch: "main", User: "me", Date: "today", GoVersion: "go1.26"}
		c.Flags = []gateway.Flag{{Name: "web.enable-admin-api", Value: "false"}, {Name: "log.level", Value: "info"}}
		c.Started = started
		c.Store.Now = func() time.Time { return started }
	})
	want := `{"status":"success","data":{"authentication":[{"scheme":"none","grants":"admin","detail":"no credential is required"}],"build_information":{"branch":"main","buildDate":"today","buildUser":"me","goVersion":"go1.26","revision":"abc","version":"1.2.3"},` +
		`"clock":{"now":"2026-11-22T17:28:17Z","behind_seconds":0,"nothing_expires_until":null,"set_seconds":0},` +
		`"flags":{"log.level":"info","web.enable-admin-api":"false"},"start_time":"2026-11-22T17:28:17.684828557Z"}}`
	if a := s.get("/api/v1/status"); a.status != 200 || a.body != want || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v\nwant %s", a, want)
	}
}

func TestHealthIsTold(t *testing.T) {
	s := serve(t)
	a := s.get("/health")
	var got struct {
		Status, Version string
		Timestamp       time.Time
		Storage         map[string]string
	}
	must(t, json.Unmarshal([]byte(a.body), &got))
	if a.status != 200 || got.Status != "healthy" || got.Version != "1.2.3" || got.Storage["status"] != "ok" || time.Since(got.Timestamp) > time.Minute {
		t.Errorf("%v", a)
	}
	for _, target := range []string{"/-/healthy", "/-/ready"} {
		if a := s.get(target); a.status != 200 || a.body != "OK" || a.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%v %v", a, a.header)
		}
	}
	must(t, s.store.Close())
	for target, status := range map[string]int{"/-/ready": 503, "/health": 503, "/-/healthy": 200, "/metrics": 200} {
		if a := s.get(target); a.status != status {
			t.Errorf("with a closed store: %v, want %d", a, status)
		}
	}
	if a := s.do("PUT", "/metrics/job/x", "a 1\n"); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("with a closed store: %v", a)
	}
}

func TestTheEndIsAskedForWhereItIsAllowed(t *testing.T) {
	s := serve(t)
	for _, method := range []string{"PUT", "POST"} {
		if a := s.do(method, "/-/quit", ""); a.status != 403 || !oneLine(a.body) || s.quits.Load() != 0 {
			t.Errorf("%v, asked %d times", a, s.quits.Load())
		}
	}
	s = serve(t, func(c setup) { c.EnableLifecycle = true })
	if a := s.get("/-/quit"); a.status != 405 || a.header.Get("Allow") != "OPTIONS, POST, PUT" || s.quits.Load() != 0 {
		t.Errorf("%v %v", a, a.header)
	}
	for i, method := range []string{"PUT", "POST"} {
		if a := s.do(method, "/-/quit", ""); a.status != 200 || s.quits.Load() != int32(i+1) {
			t.Errorf("%v, asked %d times", a, s.quits.Load())
		}
	}
}

func TestTheIndexNamesTheRoutes(t *testing.T) {
	s := serve(t, func(c setup) { c.RoutePrefix, c.TelemetryPath = "/pg", "/scrape" })
	a := s.get("/pg/")
	for _, part := range []string{"Gatehouse 1.2.3", "/pg/metrics/job/", "/pg/scrape\n", "/pg/api/v1/targets\n", "/pg/api/v1/groupings\n", "/pg/health\n"} {
		if !strings.Contains(a.body, part) {
			t.Errorf("lacks %q: %v", part, a)
		}
	}
	want := `Gatehouse 1.2.3

PUT, POST, GET, DELETE  /pg/metrics/job/<job>{/<label>/<value>}
GET                     /pg/scrape
GET                     /pg/metrics/self
GET                     /pg/api/v1/targets
GET, DELETE             /pg/api/v1/groupings
GET                     /pg/api/v1/metrics
GET                     /pg/api/v1/status
GET                     /pg/api/v1/openapi.json
GET                     /pg/health
`
	elsewhere := serve(t, func(c setup) { c.RoutePrefix, c.TelemetryPath, c.ScrapesElsewhere = "/pg", "/scrape", true })
	for _, got := range []string{a.body, elsewhere.get("/pg/").body} {
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestProfilesAreServedOnlyWhereTheyAreAllowed(t *testing.T) {
	s := serve(t)
	for _, target := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof"} {
		if a := s.get(target); a.status != 404 {
			t.Errorf("%v", a)
		}
	}
	s = serve(t, func(c setup) { c.EnablePprof, c.RoutePrefix = true, "/pg" })
	if a := s.get("/pg/debug/pprof/cmdline"); a.status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.get("/debug/pprof/cmdline"); a.status != 404 {
		t.Errorf("%v", a)
	}
}
