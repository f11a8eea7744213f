#!/usr/bin/env bash
# github.com/prometheus/common v0.73.1 and github.com/prometheus/prometheus v0.316.0 read
# a TYPE line without a blank behind its # in two ways. expfmt, which Pushgateway,
# Telegraf and others use, skips blanks if there are any: `#TYPE rows counter` gives the
# type. The parser of Prometheus' scrapes wants a blank: to it the line is a comment, and
# the metric has no type. Neither says anything.
#
# Output seen:
#   expfmt     #TYPE rows counter   COUNTER
#   prometheus #TYPE rows counter   no TYPE
#   expfmt     # TYPE rows counter  COUNTER
#   prometheus # TYPE rows counter  counter
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
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func main() {
	for _, line := range []string{"#TYPE rows counter", "# TYPE rows counter"} {
		body := line + "\nrows 7\n"
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		fmt.Printf("expfmt     %-20s %s\n", line, families["rows"].GetType())

		found := "no TYPE"
		p, err := textparse.New([]byte(body), "text/plain; version=0.0.4", labels.NewSymbolTable(), textparse.ParserOptions{})
		for err == nil {
			var entry textparse.Entry
			if entry, err = p.Next(); err == nil && entry == textparse.EntryType {
				_, t := p.Type()
				found = string(t)
			}
		}
		if err != io.EOF {
			panic(err)
		}
		fmt.Printf("prometheus %-20s %s\n", line, found)
	}
}
GO
go mod init example.org/finding >/dev/null 2>&1
go get github.com/prometheus/prometheus@v0.316.0 github.com/prometheus/common@v0.73.1 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
got=$(go run .)
echo "$got"
[ "$got" = 'expfmt     #TYPE rows counter   COUNTER
prometheus #TYPE rows counter   no TYPE
expfmt     # TYPE rows counter  COUNTER
prometheus # TYPE rows counter  counter' ]
