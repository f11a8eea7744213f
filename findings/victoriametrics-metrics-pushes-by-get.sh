#!/usr/bin/env bash
# github.com/VictoriaMetrics/metrics v1.45.0: PushMetrics sends its metrics as the body
# of a GET, gzip-compressed and with no Content-Type of metrics, unless
# PushOptions.Method is set. Debian's prometheus-pushgateway 1.5.1 has no GET on
# /metrics/job/…, so that it answers 405; but where a GET of that address is a read
# (of what is held there, as in some gateways), the push succeeds and is lost.
#
# Output seen:
#   default:     GET /metrics/job/nightly, gzip body of rows 7
#   Method: PUT: PUT /metrics/job/nightly, gzip body of rows 7
#
# Exits 0 while it is so. Needs go.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > main.go <<'GO'
package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/VictoriaMetrics/metrics"
)

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			panic(err)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s %s, gzip body of %s\n", r.Method, r.URL.Path, strings.TrimSpace(string(text)))
	}))
	defer server.Close()
	set := metrics.NewSet()
	set.GetOrCreateCounter("rows").Set(7)
	for _, o := range []*metrics.PushOptions{{}, {Method: http.MethodPut}} {
		fmt.Printf("%-13s", map[string]string{"": "default:", "PUT": "Method: PUT:"}[o.Method])
		if err := set.PushMetrics(context.Background(), server.URL+"/metrics/job/nightly", o); err != nil {
			panic(err)
		}
	}
}
GO
go mod init example.org/finding >/dev/null 2>&1
go get github.com/VictoriaMetrics/metrics@v1.45.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go run . | tee seen
diff seen - <<'EOF'
default:     GET /metrics/job/nightly, gzip body of rows 7
Method: PUT: PUT /metrics/job/nightly, gzip body of rows 7
EOF
