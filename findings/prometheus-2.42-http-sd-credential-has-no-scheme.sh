#!/usr/bin/env bash
# Prometheus 2.42.0 (Debian 12: prometheus 2.42.0+ds-5+deb12u1): one and the same
# `authorization: {credentials: …}` is sent in two ways. Scrapes send
# `Authorization: Bearer …`, as the documentation says of the default of `type`; the
# requests of http_sd_configs send the credential alone, without any scheme. A server
# that wants a Bearer token refuses the discovery, with 401, while the scrapes that
# stand beside it succeed; there is nothing in the log but the status. With
# `type: Bearer` written out both send it.
#
# Output seen:
#   discovery, no type       Authorization: token-of-the-test
#   scrape, no type          Authorization: Bearer token-of-the-test
#   discovery, type: Bearer  Authorization: Bearer token-of-the-test
#
# Exits 0 while it is so. Needs python3 and apt-get on Debian 12.
set -euo pipefail

dir=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"
chmod 755 .

apt-get -qq update >/dev/null 2>&1 || true
apt-get -qq download prometheus=2.42.0+ds-5+deb12u1 2>/dev/null
dpkg -x prometheus_*.deb root

cat > server.py <<'PY'
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("requests", "a") as f:
            print(self.path, "Authorization:", self.headers.get("Authorization"), file=f)
        if self.path.startswith("/sd"):
            body, kind = json.dumps([{"targets": ["127.0.0.1:%d" % self.server.server_port]}]), "application/json"
        else:
            body, kind = "up_of_the_test 1\n", "text/plain; version=0.0.4"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open("port.new", "w") as f:
    print(server.server_port, file=f)
os.rename("port.new", "port")
server.serve_forever()
PY
touch requests
python3 server.py & pids+=($!)
until [ -s port ]; do sleep 0.05; done
port=$(cat port)

cat > prometheus.yml <<YML
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: plain
    authorization: {credentials: token-of-the-test}
    http_sd_configs:
      - url: http://127.0.0.1:$port/sd-plain
        authorization: {credentials: token-of-the-test}
  - job_name: typed
    metrics_path: /typed
    http_sd_configs:
      - url: http://127.0.0.1:$port/sd-typed
        authorization: {type: Bearer, credentials: token-of-the-test}
YML
root/usr/bin/prometheus --config.file=prometheus.yml --storage.tsdb.path=data \
  --web.listen-address=127.0.0.1:0 >prometheus.log 2>&1 & pids+=($!)
for _ in $(seq 300); do
  grep -q '^/metrics' requests && grep -q '^/sd-plain' requests && grep -q '^/sd-typed' requests && break
  sleep 0.1
done

one() { grep -m1 "^$1 " requests | cut -d' ' -f2-; }
{
  echo "discovery, no type       $(one /sd-plain)"
  echo "scrape, no type          $(one /metrics)"
  echo "discovery, type: Bearer  $(one /sd-typed)"
} | tee seen
diff seen - <<'EOF'
discovery, no type       Authorization: token-of-the-test
scrape, no type          Authorization: Bearer token-of-the-test
discovery, type: Bearer  Authorization: Bearer token-of-the-test
EOF
