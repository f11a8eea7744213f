#!/usr/bin/env bash
# prometheus-cpp 1.0.1 (Debian 12: prometheus-cpp-dev 1.0.1-1): Gateway::Push sends
# POST and Gateway::PushAdd sends PUT.
#
# In Pushgateway's API, and under these names in the clients of Go, Java, Python and
# Node.js, push is PUT, which replaces all metrics of the grouping, and add is POST,
# which replaces only those with the pushed names. A program that calls Push keeps
# metrics for ever that it no longer has, and one that calls PushAdd deletes those
# of others. The header says no more than "Push metrics" and "PushAdd metrics".
#
# Output seen:
#   Push    POST /metrics/job/nightly
#   PushAdd PUT /metrics/job/nightly
#
# Exits 0 while it is so. Needs g++, python3, apt-get and libcurl4 on Debian 12.
set -euo pipefail

dir=$(mktemp -d)
listener=
cleanup() {
  [ -z "$listener" ] || kill "$listener" 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"
chmod 755 .

apt-get -qq update >/dev/null 2>&1 || true
apt-get -qq download prometheus-cpp-dev=1.0.1-1 libprometheus-cpp-core1.0=1.0.1-1 libprometheus-cpp-push1.0=1.0.1-1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done
lib=$(dirname "$(find root -name 'libprometheus-cpp-push.so.1.0')")

cat > push.cpp <<'CPP'
#include <prometheus/gateway.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
int main(int, char** argv) {
  using namespace prometheus;
  auto registry = std::make_shared<Registry>();
  BuildGauge().Name("rows").Help("Rows.").Register(*registry).Add({}).Set(7);
  Gateway gateway{"127.0.0.1", argv[1], "nightly"};
  gateway.RegisterCollectable(registry);
  return gateway.Push() == 200 && gateway.PushAdd() == 200 ? 0 : 1;
}
CPP
g++ -Iroot/usr/include -o push push.cpp -L"$lib" -lprometheus-cpp-push -lprometheus-cpp-core

cat > listener.py <<'PY'
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open("requests", "a") as f:
            print(self.command, self.path, file=f)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST = do_GET = answer

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
mkfifo port
python3 listener.py > port &
listener=$!
read -r number < port
LD_LIBRARY_PATH=$lib timeout 30 ./push "$number"

seen=$(paste -d ' ' <(printf '%-7s\n' Push PushAdd) requests)
echo "$seen"
[ "$seen" = "Push    POST /metrics/job/nightly
PushAdd PUT /metrics/job/nightly" ]
