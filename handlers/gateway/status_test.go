package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gatehouse/auth"
	"gatehouse/handlers/gateway"
	"gatehouse/handlers/handlertest"
)

func TestTheStatusHasBuildAndFlags(t *testing.T) {
	started := time.Date(2026, 11, 22, 18, 28, 17, 684828557, time.FixedZone("", 3600))
	s := handlertest.Start(t, func(c handlertest.Setup) {
		c.Build = gateway.Build{Version: "1.2.3", Revision: "abc", Branch: "main", User: "me", Date: "today", GoVersion: "go1.26"}
		c.Flags = []gateway.Flag{{Name: "web.enable-admin-api", Value: "false"}, {Name: "log.level", Value: "info"}}
		c.Started = started
		c.Store.Now = func() time.Time { return started }
	})
	want := `{"status":"success","data":{"authentication":[{"scheme":"none","grants":"admin","detail":"no credential is required"}],"build_information":{"branch":"main","buildDate":"today","buildUser":"me","goVersion":"go1.26","revision":"abc","version":"1.2.3"},` +
		`"clock":{"now":"2026-11-22T17:28:17Z","behind_seconds":0,"nothing_expires_until":null,"set_seconds":0},` +
		`"flags":{"log.level":"info","web.enable-admin-api":"false"},"start_time":"2026-11-22T17:28:17.684828557Z"}}`
	if a := s.Get("/api/v1/status"); a.Status != 200 || a.Body != want || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v\nwant %s", a, want)
	}
}

func TestHealthIsReported(t *testing.T) {
	s := handlertest.Start(t)
	a := s.Get("/health")
	var got struct {
		Status, Version string
		Timestamp       time.Time
		Storage         map[string]string
	}
	handlertest.Must(t, json.Unmarshal([]byte(a.Body), &got))
	if a.Status != 200 || got.Status != "healthy" || got.Version != "1.2.3" || got.Storage["status"] != "ok" || time.Since(got.Timestamp) > time.Minute {
		t.Errorf("%v", a)
	}
	for _, target := range []string{"/-/healthy", "/-/ready"} {
		if a := s.Get(target); a.Status != 200 || a.Body != "OK" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%v %v", a, a.Header)
		}
	}
	handlertest.Must(t, s.Store.Close())
	for target, status := range map[string]int{"/-/ready": 503, "/health": 503, "/-/healthy": 200, "/metrics": 200} {
		if a := s.Get(target); a.Status != status {
			t.Errorf("with a closed store: %v, want %d", a, status)
		}
	}
	if a := s.Do("PUT", "/metrics/job/x", "a 1\n"); a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("with a closed store: %v", a)
	}
}

func TestTheEndIsAskedForWhereItIsAllowed(t *testing.T) {
	s := handlertest.Start(t)
	for _, method := range []string{"PUT", "POST"} {
		if a := s.Do(method, "/-/quit", ""); a.Status != 403 || !handlertest.OneLine(a.Body) || s.Quits.Load() != 0 {
			t.Errorf("%v, asked %d times", a, s.Quits.Load())
		}
	}
	s = handlertest.Start(t, func(c handlertest.Setup) { c.EnableLifecycle = true })
	if a := s.Get("/-/quit"); a.Status != 405 || a.Header.Get("Allow") != "OPTIONS, POST, PUT" || s.Quits.Load() != 0 {
		t.Errorf("%v %v", a, a.Header)
	}
	for i, method := range []string{"PUT", "POST"} {
		if a := s.Do(method, "/-/quit", ""); a.Status != 200 || s.Quits.Load() != int32(i+1) {
			t.Errorf("%v, asked %d times", a, s.Quits.Load())
		}
	}
}

func TestTheIndexNamesTheRoutes(t *testing.T) {
	s := handlertest.Start(t, func(c handlertest.Setup) { c.RoutePrefix, c.TelemetryPath = "/pg", "/scrape" })
	a := s.Get("/pg/")
	for _, part := range []string{"Gatehouse 1.2.3", "/pg/metrics/job/", "/pg/scrape\n", "/pg/api/v1/targets\n", "/pg/api/v1/groupings\n", "/pg/health\n"} {
		if !strings.Contains(a.Body, part) {
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
	elsewhere := handlertest.Start(t, func(c handlertest.Setup) {
		c.RoutePrefix, c.TelemetryPath, c.ScrapeInternalOnly = "/pg", "/scrape", true
	})
	for _, got := range []string{a.Body, elsewhere.Get("/pg/").Body} {
		if got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestProfilesAreServedOnlyWhereTheyAreAllowed(t *testing.T) {
	s := handlertest.Start(t)
	for _, target := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof"} {
		if a := s.Get(target); a.Status != 404 {
			t.Errorf("%v", a)
		}
	}
	s = handlertest.Start(t, func(c handlertest.Setup) { c.EnablePprof, c.RoutePrefix = true, "/pg" })
	if a := s.Get("/pg/debug/pprof/cmdline"); a.Status != 200 {
		t.Errorf("%v", a)
	}
	if a := s.Get("/debug/pprof/cmdline"); a.Status != 404 {
		t.Errorf("%v", a)
	}
}

func TestTheHealthShowsTheVersionToThoseWhoMayRead(t *testing.T) {
	s := handlertest.Start(t, handlertest.OneUser)
	reader, pusher := s.CreateToken("reader", auth.Reader, ""), s.CreateToken("pusher", auth.Pusher, "")
	for _, test := range []struct {
		name    string
		headers []string
		want    bool
	}{
		{"nobody", nil, false},
		{"a wrong password", []string{"Authorization", handlertest.BasicAuth("admin", "wrong")}, false},
		{"a user", []string{"Authorization", handlertest.BasicAuth("admin", handlertest.RightPassword)}, true},
		{"a session", s.SignIn(), true},
		{"a reader", reader.Headers(), true},
		{"a pusher", pusher.Headers(), auth.Pusher.May(auth.Read)},
	} {
		a := s.Get("/health", test.headers...)
		if got := strings.Contains(a.Body, `"version":"1.2.3"`); a.Status != 200 || got != test.want || !strings.Contains(a.Body, `"healthy"`) {
			t.Errorf("%s: %v", test.name, a)
		}
	}
}
