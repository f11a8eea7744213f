// Builds static/dist from static/src and the packages of package.json. What it
// writes is committed, so that the program builds without Node.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

process.chdir(new URL('..', import.meta.url).pathname);
const dist = 'static/dist';
mkdirSync(dist, { recursive: true });

const css = execFileSync('node_modules/.bin/tailwindcss', ['--input', 'static/src/app.css', '--minify'], { stdio: ['ignore', 'pipe', 'pipe'] });
// The packages' source maps are not served.
const script = path => Buffer.from(readFileSync(path, 'utf8').replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'));
// Our own scripts are one file, but for what has to run before the first paint.
const scripts = readdirSync('static/src').filter(name => name.endsWith('.js') && name !== 'theme.js').sort();
const files = {
	'app.css': css,
	'app.js': Buffer.concat(scripts.map(name => script(`static/src/${name}`))),
	'theme.js': script('static/src/theme.js'),
	'icon.svg': readFileSync('static/src/icon.svg'),
	'htmx.js': script('node_modules/htmx.org/dist/htmx.min.js'),
	'sse.js': script('node_modules/htmx.org/dist/ext/hx-sse.min.js'),
};

const kept = new Set();
const write = (name, body) => { kept.add(name); writeFileSync(`${dist}/${name}`, body); };
for (const [name, body] of Object.entries(files)) {
	let old;
	try { old = readFileSync(`${dist}/${name}`); } catch { /* new */ }
	write(name, body);
	kept.add(`${name}.br`).add(`${name}.gz`);
	// Versions of Node compress differently: what is right already stays.
	if (old?.equals(body) && readdirSync(dist).includes(`${name}.br`) && readdirSync(dist).includes(`${name}.gz`)) continue;
	write(`${name}.br`, brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }));
	write(`${name}.gz`, gzipSync(body, { level: 9 }));
}
for (const name of readdirSync(dist)) if (!kept.has(name)) rmSync(`${dist}/${name}`);
