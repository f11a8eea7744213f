/** @type {import('tailwindcss').Config} */
module.exports = {
	content: ['./views/**/*.templ', './static/src/*.js'],
	theme: {
		extend: {
			// The one palette; static/src/app.css gives each its light and dark value.
			colors: Object.fromEntries(
				['page', 'surface', 'raised', 'fg', 'muted', 'line', 'accent', 'on-accent', 'danger', 'warn', 'ok']
					.map(name => [name, `var(--${name})`]),
			),
			fontFamily: {
				mono: ['ui-monospace', 'SFMono-Regular', 'Menlo', 'Consolas', 'monospace'],
			},
		},
	},
};
