#!/usr/bin/env bash
# github.com/prometheus/prometheus v0.316.0 (Prometheus 3.16) and
# github.com/prometheus/client_golang v1.25.0 (promhttp), each with its defaults: a
# metric called `http.status` is stored under that name, until
# `scrape_native_histograms: true` is set for the job; from then on it is
# `http_status`, another series, although there is no native histogram anywhere.
#
# With native histograms the scraper prefers protobuf, and of all formats that it
# offers it adds `escaping=allow-utf-8` to the text formats only. The other side reads
# the parameter from the entry that it has chosen; where there is none, names are
# escaped with underscores. So both are right, and every dotted name changes.
#
# Output seen:
#   scrape_native_histograms: false  series http.status
#   scrape_native_histograms: true   series http_status
#   protobuf entry asked with escaping: false, OpenMetrics entry: true
#
# Exits 0 while it is so. Needs go.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/util/teststorage"
)

func main() {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "http.status", Help: "A dotted name."}))
	var mu sync.Mutex
	var accept string
	target := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		accept = r.Header.Get("Accept")
		mu.Unlock()
		target.ServeHTTP(w, r)
	}))
	defer server.Close()
	for _, native := range []bool{false, true} {
		fmt.Printf("scrape_native_histograms: %-5v  series %s\n", native, scraped(server.Listener.Addr().String(), native))
	}
	mu.Lock()
	defer mu.Unlock()
	escaping := map[string]bool{}
	for _, entry := range strings.Split(accept, ",") {
		kind, _, _ := strings.Cut(entry, ";")
		escaping[kind] = escaping[kind] || strings.Contains(entry, "escaping=")
	}
	fmt.Printf("protobuf entry asked with escaping: %v, OpenMetrics entry: %v\n",
		escaping["application/vnd.google.protobuf"], escaping["application/openmetrics-text"])
}

// scraped returns the name under which a scrape stores the target's metric.
func scraped(address string, native bool) string {
	c, err := config.Load(fmt.Sprintf("global: {scrape_interval: 100ms, scrape_timeout: 100ms}\n"+
		"scrape_configs: [{job_name: test, scrape_native_histograms: %v, static_configs: [{targets: [%q]}]}]\n", native, address), nil)
	if err != nil {
		panic(err)
	}
	storage := teststorage.NewAppendable()
	m, err := scrape.NewManager(&scrape.Options{DiscoveryReloadInterval: model.Duration(10 * time.Millisecond)}, nil, nil, nil, storage, prometheus.NewRegistry())
	if err != nil {
		panic(err)
	}
	if err := m.ApplyConfig(c); err != nil {
		panic(err)
	}
	groups := make(chan map[string][]*targetgroup.Group)
	go func() { _ = m.Run(groups) }()
	defer m.Stop()
	groups <- map[string][]*targetgroup.Group{"test": {{Source: "0", Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(address)}}}}}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, s := range storage.ResultSamples() {
			if name := s.L.Get(model.MetricNameLabel); strings.HasPrefix(name, "http") {
				return name
			}
		}
	}
	panic("nothing was scraped")
}
GO
go mod init example.org/finding >/dev/null 2>&1
go get github.com/prometheus/prometheus@v0.316.0 github.com/prometheus/client_golang@v1.25.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run . | tee seen
diff seen - <<'EOF'
scrape_native_histograms: false  series http.status
scrape_native_histograms: true   series http_status
protobuf entry asked with escaping: false, OpenMetrics entry: true
EOF
