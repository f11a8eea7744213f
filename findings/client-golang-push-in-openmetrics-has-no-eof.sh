#!/usr/bin/env bash
# github.com/prometheus/client_golang v1.25.0, prometheus/push: with
# Format(expfmt.NewFormat(expfmt.TypeOpenMetrics)) the body that Push sends is labelled
# application/openmetrics-text and never ends in `# EOF`, which every OpenMetrics body
# has to: the pusher does not close the encoder. So what the official client pushes is
# no OpenMetrics to Prometheus' own parser (github.com/prometheus/prometheus v0.316.0),
# and a gateway that reads it as such has to refuse it, or to know better.
#
# Output seen:
#   content type: application/openmetrics-text; version=1.0.0; charset=utf-8
#   last line: rows 7.0
#   parser: data does not end with # EOF
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
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func main() {
	var kind, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		kind, body = r.Header.Get("Content-Type"), string(raw)
	}))
	defer server.Close()
	rows := prometheus.NewGauge(prometheus.GaugeOpts{Name: "rows", Help: "Rows."})
	rows.Set(7)
	err := push.New(server.URL, "nightly").Collector(rows).Format(expfmt.NewFormat(expfmt.TypeOpenMetrics)).Push()
	if err != nil {
		panic(err)
	}
	lines := strings.Split(strings.TrimSpace(body), "\n")
	kind, _, _ = strings.Cut(kind, "; escaping=")
	fmt.Println("content type:", kind)
	fmt.Println("last line:", lines[len(lines)-1])
	p, err := textparse.New([]byte(body), kind, labels.NewSymbolTable(), textparse.ParserOptions{})
	for err == nil {
		_, err = p.Next()
	}
	fmt.Println("parser:", err)
}
GO
go mod init example.org/finding >/dev/null 2>&1
go get github.com/prometheus/client_golang@v1.25.0 github.com/prometheus/common@v0.73.1 github.com/prometheus/prometheus@v0.316.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run . | tee seen
diff seen - <<'EOF'
content type: application/openmetrics-text; version=1.0.0; charset=utf-8
last line: rows 7.0
parser: data does not end with # EOF
EOF
