package handlers_test

import (
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/handlers"
	"gatehouse/handlers/targets"
	"gatehouse/handlers/telemetry"
	"gatehouse/handlers/web"
)

func TestOfEachPathIsKnownWhatItIsFor(t *testing.T) {
	h := handlers.NewServer(handlers.Config{Base: web.Base{RoutePrefix: "/pg", TelemetryPath: "/scrape"}, ScrapeListener: targets.ScrapeListener{ScrapeInternalOnly: true}})
	for _, test := range []struct {
		path    string
		kind    web.Kind
		fetches string
		data    bool
	}{
		{"/pg", web.Page, "", false},
		{"/pg/", web.Page, "", false},
		{"/pg/nowhere", web.Plain, "", false},
		{"/pg/docs/any", web.Page, "", false},
		{"/pg/docs/any/more", web.Plain, "", false},
		{"/pg/health", web.Plain, "", false},
		{"/pg/scrape", web.Protocol, telemetry.FetchesAll, false},
		{"/pg/metrics", web.Plain, telemetry.FetchesAll, false},
		{"/pg/metrics/", web.Protocol, "", false},
		{"/pg/metrics/self", web.Protocol, telemetry.FetchesOwn, false},
		{"/pg/metrics/nowhere", web.Protocol, "", false},
		{"/pg/metrics/job/x", web.Protocol, telemetry.FetchesGroupings, true},
		{"/pg/metrics/job/x/../y", web.Protocol, telemetry.FetchesGroupings, true},
		{"/pg/metrics/job@base64/eA", web.Protocol, telemetry.FetchesGroupings, true},
		{"/pg/api", web.Plain, "", false},
		{"/pg/api/", web.Protocol, "", false},
		{"/pg/api/v2/x", web.Protocol, "", false},
		{"/pg/api/v1/", web.JSON, "", false},
		{"/pg/api/v1/nowhere", web.JSON, "", false},
		{"/pg/api/v1/targets", web.JSON, telemetry.FetchesTargets, false},
		{"/pg/api/v1/tokens/x/rotate", web.JSON, "", false},
		{"/metrics/job/x", web.Protocol, "", false},
		{"/api/v1/status", web.Protocol, "", false},
		{"/", web.Page, "", false},
	} {
		if k, f, d := h.Site().Known.KindOf(test.path), h.Site().Known.Fetches(test.path), h.Site().Known.HasData(test.path); k != test.kind || f != test.fetches || d != test.data {
			t.Errorf("%s: got %d, %q, %v, want %d, %q, %v", test.path, k, f, d, test.kind, test.fetches, test.data)
		}
	}
}

func TestNobodyIsLedBackToAWayIn(t *testing.T) {
	for _, r := range handlers.AllRoutes() {
		path := strings.NewReplacer("*", "x", ":", "").Replace(r.Path)
		if _, ok := r.On["GET"]; !ok && !r.SignIn || r.Path == "" {
			continue // nobody is led to it anyway
		}
		if got := auth.LocalPath(path) == path; got == r.SignIn {
			t.Errorf("%s: led back to: %v", path, got)
		}
	}
}
