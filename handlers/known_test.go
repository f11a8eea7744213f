package handlers

import (
	"strings"
	"testing"

	"gatehouse/auth"
	"gatehouse/handlers/telemetry"
)

func TestOfEachPathIsKnownWhatItIsFor(t *testing.T) {
	h := newAPI(Config{RoutePrefix: "/pg", TelemetryPath: "/scrape", ScrapesElsewhere: true})
	for _, test := range []struct {
		path    string
		kind    kind
		fetches string
		data    bool
	}{
		{"/pg", kindPage, "", false},
		{"/pg/", kindPage, "", false},
		{"/pg/nowhere", kindPlain, "", false},
		{"/pg/docs/any", kindPage, "", false},
		{"/pg/docs/any/more", kindPlain, "", false},
		{"/pg/health", kindPlain, "", false},
		{"/pg/scrape", kindProtocol, telemetry.FetchesAll, false},
		{"/pg/metrics", kindPlain, telemetry.FetchesAll, false},
		{"/pg/metrics/", kindProtocol, "", false},
		{"/pg/metrics/self", kindProtocol, telemetry.FetchesOwn, false},
		{"/pg/metrics/nowhere", kindProtocol, "", false},
		{"/pg/metrics/job/x", kindProtocol, telemetry.FetchesGroupings, true},
		{"/pg/metrics/job/x/../y", kindProtocol, telemetry.FetchesGroupings, true},
		{"/pg/metrics/job@base64/eA", kindProtocol, telemetry.FetchesGroupings, true},
		{"/pg/api", kindPlain, "", false},
		{"/pg/api/", kindProtocol, "", false},
		{"/pg/api/v2/x", kindProtocol, "", false},
		{"/pg/api/v1/", kindJSON, "", false},
		{"/pg/api/v1/nowhere", kindJSON, "", false},
		{"/pg/api/v1/targets", kindJSON, telemetry.FetchesTargets, false},
		{"/pg/api/v1/tokens/x/rotate", kindJSON, "", false},
		{"/metrics/job/x", kindProtocol, "", false},
		{"/api/v1/status", kindProtocol, "", false},
		{"/", kindPage, "", false},
	} {
		if k, f, d := h.web.known.kindOf(test.path), h.web.known.fetches(test.path), h.web.known.hasData(test.path); k != test.kind || f != test.fetches || d != test.data {
			t.Errorf("%s: got %d, %q, %v, want %d, %q, %v", test.path, k, f, d, test.kind, test.fetches, test.data)
		}
	}
}

func TestNobodyIsLedBackToAWayIn(t *testing.T) {
	for _, r := range allRoutes() {
		path := strings.NewReplacer("*", "x", ":", "").Replace(r.path)
		if _, ok := r.on["GET"]; !ok && !r.signIn || r.path == "" {
			continue // nobody is led to it anyway
		}
		if got := auth.LocalPath(path) == path; got == r.signIn {
			t.Errorf("%s: led back to: %v", path, got)
		}
	}
}
