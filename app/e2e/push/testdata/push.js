// Drives the Node client: push.js ACTION URL JOB GROUPING VALUE
'use strict';

const client = require('prom-client');

// PUSH_FORMAT=openmetrics makes registries of that format.
function registry() {
	const made = new client.Registry();
	if (process.env.PUSH_FORMAT === 'openmetrics') made.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
	return made;
}

function everything(value) {
	const registers = [registry()];
	const gauge = new client.Gauge({ name: 'backup_bytes', help: 'Size of the "last" backup\nin \\ bytes.', labelNames: ['table'], registers });
	gauge.set({ table: 'a "b"\n\\ü' }, value);
	gauge.set({ table: '' }, Infinity);
	new client.Counter({ name: 'backups_total', help: 'Backups so far.', registers }).inc(value);
	const histogram = new client.Histogram({ name: 'backup_seconds', help: 'Duration.', buckets: [0.5, 1, 10], registers });
	const summary = new client.Summary({ name: 'backup_wait_seconds', help: 'Wait.', percentiles: [0.5], registers });
	for (const seconds of [0.25, 2, 64]) {
		histogram.observe(seconds);
		summary.observe(seconds);
	}
	return registers[0];
}

function one(value) {
	const registers = [registry()];
	new client.Gauge({ name: 'last_success', help: 'Time of the last success.', registers }).set(value);
	return registers[0];
}

function huge() {
	const registers = [registry()];
	const gauge = new client.Gauge({ name: 'huge', help: 'Too large.', labelNames: ['text'], registers });
	for (let i = 0; i < 17; i++) gauge.set({ text: i + 'x'.repeat(1e6) }, 1);
	return registers[0];
}

const [action, url, jobName, grouping, value] = process.argv.slice(2);
const params = { jobName, groupings: JSON.parse(grouping) };
// Signs in with what the environment gives.
const { PUSH_USER, PUSH_PASSWORD, PUSH_TOKEN } = process.env;
const options = {};
if (PUSH_USER) options.auth = `${PUSH_USER}:${PUSH_PASSWORD}`;
if (PUSH_TOKEN) options.headers = { Authorization: `Bearer ${PUSH_TOKEN}` };
const gateway = metrics => new client.Pushgateway(url, options, metrics);
const actions = {
	push: () => gateway(everything(Number(value))).push(params),
	add: () => gateway(one(Number(value))).pushAdd(params),
	huge: () => gateway(huge()).push(params),
	delete: () => gateway(one(0)).delete(params),
};
actions[action]().then(({ resp }) => {
	// The client takes a redirect for success.
	if (resp.statusCode >= 300) throw new Error(`status ${resp.statusCode}`);
}).catch(err => {
	console.error(err.message);
	process.exit(1);
});
