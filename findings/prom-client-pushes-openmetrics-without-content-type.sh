#!/usr/bin/env bash
# prom-client 15.1.3 (npm): a Pushgateway made with a registry that writes OpenMetrics
# sends the body in OpenMetrics and no Content-Type at all; the registry knows it
# (registry.contentType), and only the handler of a scrape would have to say it.
# What is pushed differs from the text format just so much that a gateway which takes
# it for that keeps the samples and loses the types: a counter is called `jobs` in TYPE
# and `jobs_total` in its line. With the default registry the body is in the text
# format, and there is no Content-Type either.
#
# Output seen:
#   registry.contentType: application/openmetrics-text; version=1.0.0; charset=utf-8
#   Content-Type sent: undefined
#   # TYPE jobs counter
#   jobs_total 1
#   # EOF
#
# Exits 0 while it is so. Needs node and npm.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --no-audit --no-fund --silent prom-client@15.1.3 >/dev/null
cat > main.js <<'JS'
const http = require('node:http');
const client = require('prom-client');

const registry = new client.Registry(client.Registry.OPENMETRICS_CONTENT_TYPE);
const counter = new client.Counter({ name: 'jobs', help: 'Jobs.', registers: [registry] });
counter.inc();
const server = http.createServer((req, res) => {
  let body = '';
  req.on('data', (part) => { body += part; });
  req.on('end', () => {
    console.log('Content-Type sent: ' + req.headers['content-type']);
    console.log(body.split('\n').filter((line) => line && !line.startsWith('# HELP')).join('\n'));
    res.end();
  });
});
server.listen(0, '127.0.0.1', async () => {
  console.log('registry.contentType: ' + registry.contentType);
  await new client.Pushgateway(`http://127.0.0.1:${server.address().port}`, {}, registry).push({ jobName: 'nightly' });
  server.close();
});
JS
node main.js | tee seen
diff seen - <<'EOF'
registry.contentType: application/openmetrics-text; version=1.0.0; charset=utf-8
Content-Type sent: undefined
# TYPE jobs counter
jobs_total 1
# EOF
EOF
