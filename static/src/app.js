(() => {
	'use strict';

	// Words for the time between two moments, as the server puts them.
	const units = [['d', 86400], ['h', 3600], ['m', 60], ['s', 1]];
	function ago(seconds) {
		const past = Math.max(0, Math.round(seconds));
		if (past < 1) return 'now';
		const [unit, size] = units.find(([, size]) => past >= size);
		return `${Math.floor(past / size)} ${unit} ago`;
	}

	// The server's clock counts, however wrong this one is.
	const serverNow = Date.parse(document.documentElement.dataset.now || '');
	const skew = Number.isNaN(serverNow) ? 0 : serverNow - Date.now();
	function tick() {
		if (document.documentElement.dataset.time) return; // these don't age
		for (const time of document.querySelectorAll('time[data-ago]')) {
			const text = ago((Date.now() + skew - Date.parse(time.dateTime)) / 1000);
			if (time.dataset.ago === 'title') time.title = text;
			else if (time.textContent !== text) time.textContent = text;
		}
	}
	setInterval(tick, 1000);

	// Copies the text of the element that data-copy names, else of the block of
	// code beside the button.
	async function copy(button) {
		const from = button.dataset.copy
			? document.getElementById(button.dataset.copy)
			: button.parentElement.querySelector('pre, code');
		const text = from.value ?? from.textContent;
		try {
			await navigator.clipboard.writeText(text);
		} catch {
			// Without TLS there is no clipboard: what is selected can be copied by hand.
			getSelection().selectAllChildren(from);
			return;
		}
		const label = button.textContent;
		button.textContent = 'Copied';
		setTimeout(() => { button.textContent = label; }, 1500);
	}

	// Of an input that was just used a morph keeps the text: the server says what
	// is left of it.
	document.addEventListener('htmx:after:swap', event => {
		const matcher = document.getElementById('m');
		if (matcher && event.detail.ctx?.target?.id === 'results') matcher.value = matcher.defaultValue;
	});

	// A person's preferences are in a cookie, so that the server knows them before the
	// first paint.
	function settings() {
		const found = document.cookie.split('; ').find(c => c.startsWith('gatehouse-settings='));
		return new URLSearchParams(decodeURIComponent(found?.split('=')[1] ?? ''));
	}
	function setting(name, value) {
		const all = settings();
		if (value) all.set(name, value); else all.delete(name);
		const path = `${document.documentElement.dataset.prefix}/`;
		document.cookie = `gatehouse-settings=${encodeURIComponent(all)}; path=${path}; max-age=31536000; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`;
	}

	// Other scripts have a setting kept by this event.
	document.addEventListener('setting', event => setting(event.detail.name, event.detail.value));

	const themes = ['system', 'light', 'dark'];
	function nextTheme(button) {
		const root = document.documentElement;
		const next = themes[(themes.indexOf(root.dataset.theme ?? 'system') + 1) % themes.length];
		if (next === 'system') delete root.dataset.theme; else root.dataset.theme = next;
		setting('theme', next === 'system' ? '' : next);
		label(button, next);
	}
	function label(button, theme) {
		button.textContent = { system: '◐', light: '☀', dark: '☾' }[theme];
		button.setAttribute('aria-label', `Theme: ${theme}`);
		button.title = `Theme: ${theme}`;
	}

	document.addEventListener('click', event => {
		const button = event.target.closest('button');
		if (!button) return;
		if ('copy' in button.dataset) copy(button);
		if ('themeSwitch' in button.dataset) nextTheme(button);
		if ('dismiss' in button.dataset) button.closest('.toast').remove();
	});
	for (const button of document.querySelectorAll('button[data-theme-switch]')) {
		label(button, document.documentElement.dataset.theme ?? 'system');
	}
})();
