#!/usr/bin/env bash
# github.com/prometheus/prometheus v0.316.0 (Prometheus 3.16), its scrape parsers: one
# and the same gauge histogram becomes different series by the format of the scrape.
# The `le` values of a histogram are spelled as floats ("1" becomes "1.0") in the text
# format, in OpenMetrics and in protobuf alike, so that a change of the format changes
# no series. Those of a gauge histogram are so in protobuf only: in OpenMetrics they
# stay as they were sent. Its sum and count are called _gsum and _gcount in OpenMetrics,
# _sum and _count in protobuf.
#
# Output seen:
#   openmetrics histogram      h_bucket{le="1.0"}
#   openmetrics gaugehistogram h_bucket{le="1"}
#   openmetrics gaugehistogram h_gcount
#   protobuf    gaugehistogram h_bucket{le="1.0"}
#   protobuf    gaugehistogram h_count
#
# Exits 0 while it is so. Needs go.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat > main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
)

func show(title, contentType string, body []byte) {
	p, err := textparse.New(body, contentType, labels.NewSymbolTable(), textparse.ParserOptions{})
	for err == nil {
		var entry textparse.Entry
		if entry, err = p.Next(); err != nil || entry != textparse.EntrySeries {
			continue
		}
		var l labels.Labels
		p.Labels(&l)
		name, le := l.Get(labels.MetricName), l.Get("le")
		if le == "1" || le == "1.0" {
			fmt.Printf("%s %s{le=%q}\n", title, name, le)
		} else if strings.HasSuffix(name, "count") && strings.Contains(title, "gauge") {
			fmt.Println(title, name)
		}
	}
	if err != io.EOF {
		panic(err)
	}
}

func main() {
	const openMetrics = "application/openmetrics-text; version=1.0.0"
	show("openmetrics histogram     ", openMetrics, []byte("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# EOF\n"))
	show("openmetrics gaugehistogram", openMetrics, []byte("# TYPE h gaugehistogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_gsum 3\nh_gcount 2\n# EOF\n"))
	var b bytes.Buffer
	_, err := protodelim.MarshalTo(&b, &dto.MetricFamily{
		Name: proto.String("h"), Type: dto.MetricType_GAUGE_HISTOGRAM.Enum(),
		Metric: []*dto.Metric{{Histogram: &dto.Histogram{
			SampleCount: proto.Uint64(2), SampleSum: proto.Float64(3),
			Bucket: []*dto.Bucket{{CumulativeCount: proto.Uint64(1), UpperBound: proto.Float64(1)}},
		}}},
	})
	if err != nil {
		panic(err)
	}
	show("protobuf    gaugehistogram", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited", b.Bytes())
}
GO
go mod init example.org/finding >/dev/null 2>&1
go get github.com/prometheus/prometheus@v0.316.0 github.com/prometheus/client_model@v0.6.3 google.golang.org/protobuf@v1.36.12 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
got=$(go run . | LC_ALL=C sort)
echo "$got"
[ "$got" = 'openmetrics gaugehistogram h_bucket{le="1"}
openmetrics gaugehistogram h_gcount
openmetrics histogram      h_bucket{le="1.0"}
protobuf    gaugehistogram h_bucket{le="1.0"}
protobuf    gaugehistogram h_count' ]
