#!/usr/bin/env bash
# prometheus-cpp 1.0.1 (Debian 12: prometheus-cpp-dev 1.0.1-1): TextSerializer writes
# a HELP text as it is. A line end in it, which the text format wants as \n and which
# label values of the same library get as \n, begins a new line of the exposition.
# Prometheus' parser (github.com/prometheus/prometheus v0.316.0) then refuses the
# whole of it, all other metrics included; a backslash changes the text.
#
# Output seen:
#   # HELP rows Rows of the last run,
#   of all tables.
#   # TYPE rows gauge
#   rows{table="a\nb"} 7
#   refused: strconv.ParseFloat: parsing "all": invalid syntax while parsing: "of all"
#
# Exits 0 while it is so. Needs g++, go, apt-get on Debian 12.
set -euo pipefail

dir=$(mktemp -d)
cleanup() { rm -rf "$dir"; }
trap cleanup EXIT
cd "$dir"
chmod 755 .

apt-get -qq update >/dev/null 2>&1 || true
apt-get -qq download prometheus-cpp-dev=1.0.1-1 libprometheus-cpp-core1.0=1.0.1-1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
lib=$(dirname "$(find root -name 'libprometheus-cpp-core.so.1.0')")

cat > render.cpp <<'CPP'
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <iostream>
int main() {
  using namespace prometheus;
  Registry registry;
  BuildGauge().Name("rows").Help("Rows of the last run,\nof all tables.").Register(registry).Add({{"table", "a\nb"}}).Set(7);
  std::cout << TextSerializer{}.Serialize(registry.Collect());
}
CPP
g++ -Iroot/usr/include -o render render.cpp -L"$lib" -lprometheus-cpp-core
LD_LIBRARY_PATH=$lib ./render > exposition

mkdir parse
cat > parse/main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

func main() {
	body, _ := io.ReadAll(os.Stdin)
	p, err := textparse.New(body, "text/plain;version=0.0.4", labels.NewSymbolTable(), textparse.ParserOptions{})
	for err == nil {
		_, err = p.Next()
	}
	if err == io.EOF {
		fmt.Println("accepted")
		return
	}
	fmt.Println("refused:", err)
}
GO
cd parse
go mod init example.org/finding >/dev/null 2>&1
go get github.com/prometheus/prometheus@v0.316.0 >/dev/null 2>&1
go mod tidy >/dev/null 2>&1
go build -o ../parses .
cd ..

cat exposition
verdict=$(./parses < exposition)
echo "$verdict"
[ "$(cat exposition)" = '# HELP rows Rows of the last run,
of all tables.
# TYPE rows gauge
rows{table="a\nb"} 7' ]
[[ $verdict == refused:* ]]
