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
// The form on which a push is written.
(() => {
	'use strict';

	const prefix = document.documentElement.dataset.prefix ?? '';
	const sent = 'gatehouse-sent'; // the draft that was pushed last

	// Storage may be switched off or full; then nothing is kept.
	function stored(key, value) {
		try {
			if (value === undefined) return sessionStorage.getItem(key);
			if (value === null) sessionStorage.removeItem(key); else sessionStorage.setItem(key, value);
		} catch { /* as above */ }
		return null;
	}

	// Only a grouping's own page shows that a push was accepted, or a notice to people who
	// may not see the grouping.
	const waiting = stored(sent);
	if (waiting) {
		if (/^\/groupings\/[\w-]+$/.test(location.pathname.slice(prefix.length)) || document.querySelector('[data-pushed]')) stored(waiting, null);
		stored(sent, null);
	}

	const form = document.getElementById('compose');
	if (!form) return;
	const text = document.getElementById('text');
	const editor = document.getElementById('editor');
	const gutter = document.getElementById('gutter');
	const labels = document.getElementById('labels');
	const verdict = document.getElementById('verdict');
	const key = `gatehouse-draft:${prefix}:${form.dataset.draft}`;

	// The numbers of the lines. The text area is as high as its text.
	let numbered = '';
	function number() {
		let last = 1;
		for (let at = text.value.indexOf('\n'); at >= 0; at = text.value.indexOf('\n', at + 1)) last++;
		const wrong = [...verdict.querySelectorAll('[data-line]')].map(link => Number(link.dataset.line)).filter(line => line <= last);
		const state = `${last}:${wrong}`;
		if (state === numbered) return;
		numbered = state;
		text.rows = Math.max(16, last);
		const parts = [];
		let from = 1;
		const upTo = to => {
			let plain = '';
			for (; from <= to; from++) plain += `${from}\n`;
			parts.push(plain);
		};
		for (const line of new Set(wrong.sort((a, b) => a - b))) {
			upTo(line - 1);
			const mark = document.createElement('b');
			mark.textContent = from++;
			parts.push(mark);
		}
		upTo(last);
		gutter.replaceChildren(...parts);
	}

	// Selects a line and brings it into view.
	function select(line) {
		let start = 0;
		for (let n = 1; n < line; n++) {
			const end = text.value.indexOf('\n', start);
			if (end < 0) break;
			start = end + 1;
		}
		const end = text.value.indexOf('\n', start);
		text.focus({ preventScroll: true });
		text.setSelectionRange(start, end < 0 ? text.value.length : end);
		const height = parseFloat(getComputedStyle(text).lineHeight);
		editor.scrollTop = (line - 1) * height - editor.clientHeight / 3;
		editor.scrollLeft = 0;
		editor.scrollIntoView({ block: 'nearest' });
	}

	// The server's remarks on an input are shown beside it, too.
	function mark() {
		const problems = new Map([...verdict.querySelectorAll('[data-field]')].map(link => [link.dataset.field, link.parentElement.querySelector('[data-text]').textContent]));
		for (const input of form.querySelectorAll('[aria-invalid]')) {
			const problem = problems.get(input.id) ?? '';
			input.setAttribute('aria-invalid', problem !== '');
			document.getElementById(`${input.id}-problem`).textContent = problem;
		}
		number();
	}

	const rows = () => [...labels.querySelectorAll('[data-label-row]')];
	const isEmpty = row => [...row.querySelectorAll('input')].every(input => input.value === '');
	// Numbers the rows anew: problems name a row by its number.
	function renumber() {
		rows().forEach((row, i) => {
			const [name, value] = row.querySelectorAll('input');
			const problem = row.querySelector('[data-problem]');
			name.id = `label-${i + 1}`;
			problem.id = `${name.id}-problem`;
			name.setAttribute('aria-describedby', problem.id);
			name.setAttribute('aria-label', `Name of label ${i + 1}`);
			value.setAttribute('aria-label', `Value of label ${i + 1}`);
			row.querySelector('button').setAttribute('aria-label', `Remove label ${i + 1}`);
		});
	}
	function addRow(name = '', value = '') {
		const all = rows();
		const row = all[0].cloneNode(true);
		const inputs = row.querySelectorAll('input');
		[inputs[0].value, inputs[1].value] = [name, value];
		inputs[0].setAttribute('aria-invalid', 'false');
		row.querySelector('[data-problem]').textContent = '';
		all.at(-1).after(row);
		renumber();
		return inputs[0];
	}
	function removeRow(row) {
		const all = rows();
		const next = all[all.indexOf(row) + 1] ?? all[all.indexOf(row) - 1];
		if (next) {
			row.remove();
			renumber();
			next.querySelector('input').focus();
		} else {
			for (const input of row.querySelectorAll('input')) input.value = '';
		}
		changed();
	}
	// Without a script there are rows to spare, at the end.
	function tidy() {
		for (const row of rows().slice(1).reverse()) {
			if (!isEmpty(row)) break;
			row.remove();
		}
	}

	// The draft is kept for as long as the tab is open, so that neither a session
	// that ends nor a wrong click takes it away.
	function fields() {
		const all = new FormData(form);
		return JSON.stringify({
			job: all.get('job'), names: all.getAll('name'), values: all.getAll('value'),
			mode: all.get('mode'), ttl: all.get('ttl'), text: all.get('text').replaceAll('\r\n', '\n'),
		});
	}
	function fill(draft) {
		for (const row of rows().slice(1)) row.remove();
		const [name, value] = rows()[0].querySelectorAll('input');
		[name.value, value.value] = [draft.names[0] ?? '', draft.values[0] ?? ''];
		for (let i = 1; i < draft.names.length; i++) addRow(draft.names[i], draft.values[i]);
		form.elements.job.value = draft.job;
		form.elements.ttl.value = draft.ttl;
		form.elements.mode.value = draft.mode;
		text.value = draft.text;
	}
	let leaving = false;
	let gone = false; // the draft is not to be kept
	let keeping;
	function keep() {
		clearTimeout(keeping);
		const now = fields();
		stored(key, now === begun ? null : now);
	}
	function changed() {
		form.dispatchEvent(new Event('input', { bubbles: true }));
	}

	tidy();
	// What was sent and came back is still a draft.
	const returned = form.hasAttribute('data-returned');
	const begun = returned ? '' : fields();
	if (returned) {
		keep();
	} else {
		try {
			const draft = JSON.parse(stored(key));
			if (draft) {
				fill(draft);
				document.getElementById('restored').hidden = false;
				// htmx begins to listen later than this script.
				form.addEventListener('htmx:after:init', () => changed(), { once: true });
			}
		} catch { stored(key, null); }
	}
	mark();

	form.addEventListener('input', () => {
		clearTimeout(keeping);
		keeping = setTimeout(keep, 300);
		number();
	});
	addEventListener('pagehide', () => { if (!gone) keep(); });
	form.addEventListener('submit', event => {
		if (event.submitter?.hasAttribute('formaction')) return;
		keep();
		leaving = true;
		stored(sent, key);
	});
	addEventListener('pageshow', () => { leaving = false; });
	addEventListener('beforeunload', event => {
		if (!leaving && fields() !== begun) event.preventDefault();
	});
	document.addEventListener('htmx:config:request', event => {
		const size = new Blob([text.value]).size;
		if (event.target.closest?.('#compose') && size > Number(form.dataset.most)) {
			event.preventDefault();
			verdict.textContent = 'The text is too large for this page: use curl.';
		}
	});
	document.addEventListener('htmx:after:request', event => {
		// To the sign-in form and back; the draft waits.
		if (event.detail.ctx?.response?.status === 401) leaving = true;
	});
	document.addEventListener('htmx:after:swap', event => {
		if (event.detail.ctx?.target === verdict) mark();
	});
	document.addEventListener('click', event => {
		const at = event.target.closest('button, a');
		if (!at) return;
		if ('addLabel' in at.dataset) addRow().focus();
		if ('removeLabel' in at.dataset) removeRow(at.closest('[data-label-row]'));
		if ('line' in at.dataset) {
			event.preventDefault();
			select(Number(at.dataset.line));
		}
		if ('field' in at.dataset) {
			event.preventDefault();
			document.getElementById(at.dataset.field)?.focus();
		}
		if ('discard' in at.dataset) {
			stored(key, null);
			leaving = gone = true;
			location.replace(location.href);
		}
	});
})();
(() => {
	'use strict';

	// What asks before something is done is loaded into the one dialog of the page.
	const dialog = document.getElementById('dialog');
	if (!dialog) return;

	let opener; // has the focus again when the dialog closes
	let near = []; // rows to go to when that of the opener is gone
	let lost = false; // the opener may go with what was done

	const isGone = element => !element?.isConnected || !element.checkVisibility();

	// The rows behind one come first, the nearest ones at the front.
	function rowsNear(element) {
		const row = element?.closest?.('tr[id]');
		if (!row) return [];
		const rows = [...row.parentElement.children];
		const at = rows.indexOf(row);
		return [...rows.slice(at + 1), ...rows.slice(0, at).reverse()].map(r => r.id);
	}

	document.addEventListener('htmx:before:request', event => {
		const { ctx } = event.detail;
		if (ctx.target !== dialog || dialog.contains(ctx.sourceElement)) return;
		const menu = ctx.sourceElement.closest('[popover]');
		opener = menu ? document.querySelector(`[popovertarget="${menu.id}"][aria-expanded="true"]`) : ctx.sourceElement;
		if (!opener || opener === document.body) opener = document.activeElement;
		near = rowsNear(opener);
		if (menu) menu.hidePopover();
	});

	document.addEventListener('htmx:after:swap', event => {
		const { ctx } = event.detail;
		if (ctx?.target === dialog) show();
		else if (dialog.open && ctx?.target === '#toasts' && dialog.contains(event.target)) finish(ctx);
		else if (lost) setTimeout(findFocus);
	});

	function show() {
		if (dialog.open || !dialog.childElementCount) return;
		dialog.setAttribute('aria-labelledby', 'dialog-title');
		dialog.showModal();
	}

	// Success is reported on the page, failure in the dialog: behind it nobody would
	// see the message.
	function finish(ctx) {
		if (ctx.response.status < 400) {
			lost = true;
			dialog.close();
			return;
		}
		dialog.prepend(document.getElementById('toasts').lastElementChild);
	}

	dialog.addEventListener('close', () => {
		dialog.replaceChildren();
		if (isGone(opener)) findFocus(); else opener.focus();
	});

	dialog.addEventListener('click', event => {
		if (event.target.closest('[data-close]')) dialog.close();
	});

	// Nobody should have to start at the top of the page again because a row is gone.
	function findFocus() {
		if (dialog.open || !isGone(opener)) return;
		lost = false;
		if (document.activeElement !== document.body && !isGone(document.activeElement)) return;
		const row = near.map(id => document.getElementById(id)).find(Boolean);
		(row?.querySelector('a.open') ?? document.getElementById('summary') ?? document.getElementById('main'))?.focus();
	}
})();
(() => {
	'use strict';

	// Examples in several languages: of each group one is shown, all in the same
	// language where they can. Which one is in the page as it comes.
	function choose(group, language) {
		const has = [...group.querySelectorAll('.tab')].some(tab => tab.dataset.language === language);
		if (!has) return;
		for (const tab of group.querySelectorAll('.tab')) {
			const chosen = tab.dataset.language === language;
			tab.setAttribute('aria-selected', chosen);
			tab.tabIndex = chosen ? 0 : -1;
		}
		for (const panel of group.querySelectorAll('figure')) {
			panel.toggleAttribute('data-chosen', panel.dataset.language === language);
		}
	}

	// What was clicked stays where it is, whatever the groups above it do.
	function chooseEverywhere(tab) {
		const before = tab.getBoundingClientRect().top;
		for (const group of document.querySelectorAll('.tabs')) choose(group, tab.dataset.language);
		scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: 'instant' });
		document.dispatchEvent(new CustomEvent('setting', { detail: { name: 'language', value: tab.dataset.language } }));
	}

	document.addEventListener('click', event => {
		const tab = event.target.closest('.tab');
		if (tab) chooseEverywhere(tab);
	});

	const moves = {
		ArrowLeft: (at, n) => (at + n - 1) % n,
		ArrowRight: (at, n) => (at + 1) % n,
		Home: () => 0,
		End: (at, n) => n - 1,
	};
	document.addEventListener('keydown', event => {
		const tab = event.target.closest?.('.tab');
		const move = moves[event.key];
		if (!tab || !move || event.ctrlKey || event.altKey || event.metaKey) return;
		const tabs = [...tab.parentElement.children];
		const next = tabs[move(tabs.indexOf(tab), tabs.length)];
		event.preventDefault();
		chooseEverywhere(next);
		next.focus();
	});

	// As panels the blocks belong to their tabs; without a script they are figures.
	for (const panel of document.querySelectorAll('.tabs figure')) {
		panel.setAttribute('role', 'tabpanel');
		panel.setAttribute('aria-labelledby', `${panel.id}-tab`);
	}
})();
// Shortcuts on single keys. The dialog #help lists them.
(() => {
	'use strict';

	const root = document.documentElement;
	let current = ''; // the id of the row that was last moved to
	let place = 0; // its index in the list
	let went = 0; // when g was pressed

	const rows = () => [...document.querySelectorAll('main tr:has(a.open)')];
	const click = selector => {
		const found = document.querySelector(selector);
		found?.click();
		return Boolean(found);
	};
	const currentRow = () => {
		const all = rows();
		return all.find(row => row.contains(document.activeElement)) ?? all.find(row => row.id === current);
	};

	function mark(row) {
		for (const other of document.querySelectorAll('tr.current')) if (other !== row) other.classList.remove('current');
		row?.classList.add('current');
		current = row?.id ?? '';
		place = row ? rows().indexOf(row) : 0;
	}
	function focus(row) {
		row.querySelector('a.open').focus({ preventScroll: true });
		row.scrollIntoView({ block: 'nearest' });
	}
	function move(step) {
		const all = rows();
		if (all.length === 0) return;
		const at = all.indexOf(currentRow());
		const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1);
		mark(all[next]);
		focus(all[next]);
	}

	// A swap leaves a row without its mark, or no such row: then the one in its
	// place follows, and nobody has to begin at the top again.
	document.addEventListener('htmx:after:swap', () => {
		if (!current) return;
		const all = rows();
		const kept = all.find(row => row.id === current);
		const row = kept ?? all[Math.min(place, all.length - 1)];
		mark(row);
		if (row && !kept && document.activeElement === document.body) focus(row);
	});

	function tick() {
		currentRow()?.querySelector('input[type="checkbox"][name="id"]')?.click();
	}

	function askToDelete() {
		if (document.querySelector('main input[name="id"]:checked')) {
			click('#bulk-delete');
			return;
		}
		const open = currentRow()?.querySelector('a.open');
		if (!open) {
			if (rows().length === 0) click('main a[href$="/delete"]');
			return;
		}
		htmx.ajax('GET', `${open.pathname}/delete`, {
			source: open, target: '#dialog', swap: 'innerHTML', headers: { 'HX-Target': 'dialog#dialog' },
		});
	}

	function help() {
		const dialog = document.getElementById('help');
		if (dialog.open) dialog.close(); else dialog.showModal();
	}

	function escape() {
		if (!click('.bulk-on #bulk-clear')) mark(undefined);
	}

	// Otherwise the browser would drop what was searched for.
	function leave(event) {
		event.preventDefault();
		event.target.blur();
	}

	const actions = {
		'/': () => document.querySelector('main input[type="search"]')?.focus(),
		j: () => move(1),
		k: () => move(-1),
		x: tick,
		d: askToDelete,
		r: () => document.dispatchEvent(new CustomEvent('changed')),
		l: () => click('button[data-live-switch]'),
		y: () => click('button[data-copy="copy-link"]'),
		c: () => click('button[data-copy="copy-read"]'),
		'[': () => click('main a[rel="prev"]'),
		']': () => click('main a[rel="next"]'),
		'?': help,
		g: () => { went = Date.now(); },
		Escape: escape,
	};
	const places = { g: '/', t: '/targets', a: '/activity', d: '/docs', s: '/status', p: '/push' };

	// In an input a key is a letter; an open question has to be answered first.
	const writing = target => target.isContentEditable
		|| target.matches('textarea, select, input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"])');

	document.addEventListener('keydown', event => {
		const { key, target } = event;
		if ('keyless' in root.dataset || event.defaultPrevented || event.isComposing) return;
		if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof Element)) return;
		if (writing(target)) {
			if (key === 'Escape' && target.type === 'search') leave(event);
			return;
		}
		if (document.querySelector('dialog[open], [popover]:popover-open') && key !== '?') return;
		if (event.repeat && key !== 'j' && key !== 'k') return;
		const going = Date.now() - went < 1500 && Object.hasOwn(places, key);
		if (!going && !Object.hasOwn(actions, key)) return;
		if (key !== 'Escape') event.preventDefault();
		went = 0;
		if (going) location.assign(root.dataset.prefix + places[key]); else actions[key]();
	});

	document.addEventListener('click', event => {
		if (event.target.closest('button[data-help]')) help();
	});
})();
// Keeps the part of the page that #live names up to date, or says that there is
// something new where it would be in somebody's way.
(() => {
	'use strict';

	const root = document.documentElement;
	const live = () => document.getElementById('live');
	// The part is missing where there is nothing to show yet.
	const part = () => document.getElementById(live()?.dataset.live ?? '');
	const address = () => location.pathname + location.search;

	let latest = null; // the last change that the server reported
	let asked = Date.now(); // when the part was asked for
	let asking = false;
	let failed = false; // the last time that it was asked for
	let gone = false; // there is no such page any more
	let away = 0; // how often the server did not answer
	let refused = false; // and does so until somebody signs in
	let wait = 1000; // until the first connection is tried again

	const still = () => 'still' in root.dataset;

	// Nothing may move under somebody who points at it, reads or chooses.
	function inTheWay() {
		const area = part() ?? document.getElementById('main');
		const chosen = getSelection();
		return document.querySelector('dialog[open], [popover]:popover-open') !== null
			|| area !== document.activeElement && area.contains(document.activeElement)
			|| area.querySelector('input[type="checkbox"][name="id"]:checked') !== null
			|| !chosen.isCollapsed && chosen.containsNode(area, true);
	}

	async function refresh() {
		const target = part();
		asked = Date.now();
		asking = true;
		if (gone || !target) {
			await refreshAll();
		} else {
			await htmx.ajax('GET', address(), {
				source: target, target, swap: 'innerMorph', live: true,
				headers: { 'HX-Target': `${target.localName}#${target.id}` },
			});
		}
		asking = false;
		paint();
	}
	// All that the page shows, where the part comes or goes.
	function refreshAll() {
		const target = document.getElementById('main');
		return htmx.ajax('GET', address(), { source: target, target, select: '#main > *', swap: 'innerHTML', live: true });
	}

	// How many changes the part does not show, 0 if they can't be counted; null if
	// there are none.
	function behind() {
		if (failed || gone) return 0;
		if (latest === null) return null;
		const [epoch, count] = latest.split('.');
		const [shownEpoch, shown] = live().dataset.seen.split('.');
		if (epoch !== shownEpoch) return 0;
		return count - shown > 0 ? count - shown : null;
	}

	// The stream reports all changes; other elements report one that was just made
	// here, and that has to be seen.
	document.addEventListener('changed', event => {
		if (!live()) return;
		if (event.target !== live()) {
			refresh();
			return;
		}
		latest = event.detail.id;
		if (behind() !== null && !asking && !gone && !still() && !inTheWay()) refresh();
		paint();
	});

	// What was held back is shown as soon as it is in nobody's way. Without any
	// change a part is not older than a minute: some things change by the time.
	setInterval(() => {
		if (!live() || asking || still() || gone || away || refused || document.hidden || inTheWay()) return;
		const due = Date.now() - asked > 60000;
		if (!failed && behind() !== null || due && part()) refresh();
	}, 1000);

	// The answer to a refresh counts while the page is still the one that asked.
	document.addEventListener('htmx:after:request', event => {
		const { ctx } = event.detail;
		if (!ctx?.live) return;
		const { ok, status } = ctx.response.raw;
		if (ctx.request.action !== address()) {
			event.preventDefault();
		} else if (status === 401) {
			return; // it leads to the sign-in page
		} else if (!ok && !(ctx.select && status === 404)) {
			event.preventDefault();
			gone = status === 404;
			fail();
		} else if (!ctx.text.trim()) { // such a page has no such part any more
			event.preventDefault();
			refreshAll();
		} else {
			delete ctx.hx.pushurl;
			const answer = document.createElement('template');
			answer.innerHTML = ctx.text;
			if (answer.content.firstElementChild?.id === ctx.target.id) ctx.swap += ' strip:true';
		}
	});
	function fail() {
		failed = true;
		paint();
	}

	// Every answer with the part, asked for here or not, is as new as the server then was.
	document.addEventListener('htmx:after:swap', event => {
		const { ctx } = event.detail;
		const seen = ctx?.response?.headers.get('Gatehouse-Seen');
		if (live() && seen && (ctx.live || ctx.response.raw.ok && ctx.target === part())) {
			live().dataset.seen = seen;
			asked = Date.now();
			failed = gone = false;
		}
		paint();
	});

	// Pages that nobody sees hold no connection: browsers have few for one server.
	function connect() {
		if (live() && !document.hidden && !refused) htmx.trigger(live(), 'connect');
	}
	function connectLater() {
		setTimeout(connect, wait);
		wait = Math.min(2 * wait, 8000);
	}
	document.addEventListener('htmx:after:process', connect);
	document.addEventListener('visibilitychange', connect);
	addEventListener('pageshow', connect);

	document.addEventListener('htmx:sse:after:connection', () => {
		wait = 1000;
		away = 0;
		paint();
		// The page may have been hidden while the connection was made.
		setTimeout(() => {
			if (document.hidden) document.dispatchEvent(new Event('visibilitychange'));
		});
	});
	document.addEventListener('htmx:sse:before:connection', event => {
		if (refused) event.preventDefault();
	});
	document.addEventListener('htmx:sse:error', event => lost(event.detail.status));
	document.addEventListener('htmx:sse:close', connectLater);
	// The first connection is made like any request.
	document.addEventListener('htmx:before:response', event => {
		const { ctx } = event.detail;
		if (!ctx || ctx.sourceElement !== live()) return;
		event.preventDefault();
		lost(ctx.response.status);
		connectLater();
	});
	document.addEventListener('htmx:error', event => {
		const { ctx } = event.detail;
		if (!ctx) return;
		if (ctx.live) fail();
		if (ctx.sourceElement !== live()) return;
		lost();
		connectLater();
	});
	function lost(status) {
		refused = status === 401 || status === 403;
		away++;
		paint();
	}

	function say(id, text) {
		const element = document.getElementById(id);
		if (element && element.textContent !== text) element.textContent = text;
	}

	function paint() {
		const button = document.querySelector('button[data-live-switch]');
		if (!button) return;
		const state = refused ? 'signed out' : still() ? 'paused' : away ? 'reconnecting' : 'live';
		button.textContent = state;
		button.dataset.state = state;
		button.setAttribute('aria-pressed', String(!still()));
		button.setAttribute('aria-label', `Live updates: ${state}`);
		const count = behind();
		const changes = count === 1 ? '1 change' : count ? `${count} changes` : 'Changes';
		say('news-text', gone ? 'This no longer exists' : changes);
		document.getElementById('news').hidden = count === null || asking;
		let notice = '';
		if (refused) notice = 'You are no longer signed in. Reload the page to sign in again.';
		else if (away > 1) notice = 'The server does not respond. Retrying…';
		say('away', notice);
		say('news-status', count === null || asking ? '' : 'This page has pending changes.');
	}

	document.addEventListener('click', event => {
		const button = event.target.closest('button');
		if (button?.matches('[data-live-switch]')) {
			root.toggleAttribute('data-still');
			document.dispatchEvent(new CustomEvent('setting', { detail: { name: 'live', value: still() ? 'off' : '' } }));
			paint();
		}
		if (button?.matches('[data-news]')) {
			document.getElementById('main').focus({ preventScroll: true });
			refresh();
		}
	});
	paint();
	// htmx processes the page in a task of its own, on a busy machine late and on a slow
	// network before all scripts are there. What is processed already stays as it is.
	htmx.process(document.body);
})();
(() => {
	'use strict';

	// All rows share one menu, which is loaded for the row whose button is pressed.
	const menu = document.getElementById('menu');
	if (!menu) return;

	let button; // of the row

	document.addEventListener('click', event => {
		const pressed = event.target.closest('.more');
		if (pressed) button = pressed;
	}, true);

	menu.addEventListener('toggle', event => {
		for (const other of document.querySelectorAll('.more[aria-expanded]')) other.removeAttribute('aria-expanded');
		if (event.newState !== 'open' || !button) return;
		button.setAttribute('aria-expanded', 'true');
		menu.textContent = 'Loading…';
		place();
		const grouping = button.closest('tr').id.slice('g-'.length);
		htmx.ajax('GET', `${document.documentElement.dataset.prefix}/groupings/${grouping}/menu`, { source: button, target: menu });
	});

	// Below the button, or above it where there is no room.
	function place() {
		const at = button.getBoundingClientRect();
		const below = at.bottom + menu.offsetHeight + 12 < innerHeight;
		menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - menu.offsetHeight - 4)}px`;
		menu.style.left = `${Math.max(8, Math.min(at.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8))}px`;
	}

	document.addEventListener('htmx:after:swap', event => {
		if (event.detail.ctx?.target !== menu || !menu.matches(':popover-open')) return;
		place();
		menu.querySelector('a, button')?.focus();
	});

	menu.addEventListener('keydown', event => {
		const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
		if (!step) return;
		event.preventDefault();
		const choices = [...menu.querySelectorAll('a, button')];
		const at = choices.indexOf(document.activeElement);
		choices[(at + step + choices.length) % choices.length]?.focus();
	});

	menu.addEventListener('click', event => {
		if (event.target.closest('button')) menu.hidePopover();
	});
	addEventListener('scroll', () => { if (menu.matches(':popover-open')) menu.hidePopover(); }, { passive: true });
})();
(() => {
	'use strict';

	// The rows that are ticked, and what can be done with them.
	const bar = () => document.getElementById('bulk');
	const boxes = () => [...document.querySelectorAll('#results input[name="id"]')];
	const number = n => n.toLocaleString('en');

	let all = false; // that match are meant, on all pages
	let filter; // by which they match
	let last; // box that was ticked or not
	let ranged = false; // with the shift key

	function update() {
		const form = bar();
		if (!form) {
			announce('');
			return;
		}
		const list = boxes();
		if (all && form.dataset.filter !== filter) all = false;
		if (all) for (const box of list) box.checked = true;
		const ticked = list.filter(box => box.checked).length;
		const n = all ? Number(form.dataset.matching) : ticked;
		form.classList.toggle('bulk-on', n > 0);
		const text = all ? `All ${number(n)} matching selected` : `${number(n)} selected`;
		form.querySelector('[data-selected]').textContent = text;
		for (const count of form.querySelectorAll('[data-count]')) count.textContent = number(n);
		const more = document.getElementById('bulk-all');
		if (more) more.hidden = all;
		const page = document.getElementById('pick-page');
		page.checked = ticked > 0 && ticked === list.length;
		page.indeterminate = ticked > 0 && ticked < list.length;
		announce(n > 0 ? text : '');
	}

	// Heard by who does not see the bar.
	function announce(text) {
		const status = document.getElementById('bulk-status');
		if (status && status.textContent !== text) status.textContent = text;
	}

	function clear() {
		all = false;
		for (const box of boxes()) box.checked = false;
		update();
	}

	addEventListener('pointerdown', event => { ranged = event.shiftKey; }, true);
	addEventListener('keydown', event => { ranged = event.shiftKey; }, true);

	document.addEventListener('change', event => {
		const box = event.target;
		if (box.id === 'pick-page') {
			all = false;
			for (const other of boxes()) other.checked = box.checked;
		} else if (box.name === 'id' && box.form === bar()) {
			all = false;
			const list = boxes();
			if (ranged && last?.isConnected) {
				const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
				for (const other of list.slice(Math.max(from, 0), to + 1)) other.checked = box.checked;
			}
			last = box;
		} else {
			return;
		}
		update();
	});

	document.addEventListener('click', event => {
		const button = event.target.closest('button');
		switch (button?.id) {
		case 'bulk-clear': {
			// The button goes with the selection.
			const focused = document.activeElement === button;
			clear();
			if (focused) document.getElementById('pick-page').focus();
			break;
		}
		case 'bulk-all':
			all = true;
			filter = bar().dataset.filter;
			update();
			document.getElementById('bulk-delete')?.focus();
			break;
		case 'bulk-copy':
			copySelectors(button);
			break;
		}
		if (button && 'copyText' in button.dataset) write(button.dataset.copyText, button.dataset.copied);
	});

	// What is sent is the filter where all are meant that match it.
	function meanAll(fields) {
		if (!all) return;
		fields.delete('id');
		fields.delete('by');
		for (const [name, value] of new URLSearchParams(bar().dataset.filter)) fields.append(name, value);
	}
	document.addEventListener('formdata', event => { if (event.target === bar()) meanAll(event.formData); });
	document.addEventListener('htmx:config:request', event => {
		const { ctx } = event.detail;
		if (ctx.sourceElement.id === 'bulk-delete') meanAll(ctx.request.body);
	});

	async function copySelectors(button) {
		const fields = new FormData(bar());
		fields.append('format', 'selectors');
		try {
			const answer = await fetch(`${button.dataset.from}?${new URLSearchParams(fields)}`);
			if (!answer.ok) throw new Error(answer.statusText);
			await write(await answer.text(), 'Copied the selectors.');
		} catch {
			say('The selectors could not be copied.', true);
		}
	}

	// Without TLS browsers have no clipboard but for what is selected.
	async function write(text, said) {
		try {
			await navigator.clipboard.writeText(text);
		} catch {
			const area = document.createElement('textarea');
			area.value = text;
			area.className = 'sr-only';
			document.body.append(area);
			area.select();
			const copied = document.execCommand('copy');
			area.remove();
			if (!copied) {
				say('The browser does not allow copying.', true);
				return;
			}
		}
		say(said);
	}

	function say(text, problem = false) {
		document.dispatchEvent(new CustomEvent('toast', { detail: { text, problem } }));
	}

	// A label of a row narrows the list to it; with the Alt key to all others.
	document.addEventListener('click', event => {
		const chip = event.target.closest('.list a.chip');
		if (!chip || !event.altKey) return;
		event.preventDefault();
		const url = new URL(chip.href);
		const matchers = url.searchParams.getAll('m');
		const now = new URLSearchParams(location.search).getAll('m');
		if (matchers.length === now.length) return; // it is asked for already
		matchers.push(matchers.pop().replace(/^("(?:[^"\\]|\\.)*"|[^=]*)=/, '$1!='));
		url.searchParams.delete('m');
		for (const matcher of matchers) url.searchParams.append('m', matcher);
		location.assign(url);
	});

	// A morph keeps the ticks of the rows that stay.
	document.addEventListener('htmx:after:swap', update);
	addEventListener('pageshow', update);
	update();
})();
(() => {
	'use strict';

	// Who prefers the browser's time zone gets UTC from the server, which does not
	// know it.
	const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
	const twoDigits = number => String(number).padStart(2, '0');
	function full(moment) {
		const date = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map(twoDigits).join('-');
		return `${date} ${[moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(twoDigits).join(':')}`;
	}
	function localise() {
		for (const time of document.querySelectorAll('time[data-local]')) {
			const moment = new Date(time.dateTime);
			if (Number.isNaN(moment.getTime())) continue;
			const text = full(moment);
			if (time.textContent !== text) time.textContent = text;
			time.title = `${zone}, ${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
		}
	}
	localise();
	document.addEventListener('htmx:after:swap', localise);

	// The switch in the header chooses what the form on the page has to show.
	document.addEventListener('click', event => {
		if (!event.target.closest('button[data-theme-switch]')) return;
		const chosen = document.querySelector(`input[name="theme"][value="${document.documentElement.dataset.theme ?? 'system'}"]`);
		if (chosen) chosen.checked = true;
	});
})();
(() => {
	'use strict';

	const toasts = document.getElementById('toasts');
	const dialog = document.getElementById('dialog');
	if (!toasts) return;

	// What is no problem goes by itself, but not while somebody is at it.
	const patience = 60;
	const left = new WeakMap();
	setInterval(() => {
		for (const toast of toasts.children) {
			if (toast.matches('.toast-problem, :hover, :focus-within')) continue;
			const seconds = (left.get(toast) ?? patience) - 1;
			left.set(toast, seconds);
			if (seconds <= 0) toast.remove();
		}
	}, 1000);

	function make(text, problem, button) {
		const toast = document.createElement('div');
		toast.className = problem ? 'toast toast-problem' : 'toast';
		if (problem) toast.setAttribute('role', 'alert');
		const said = document.createElement('p');
		said.className = 'grow';
		said.textContent = text;
		toast.append(said);
		if (button) toast.append(button);
		const dismiss = document.createElement('button');
		dismiss.type = 'button';
		dismiss.className = 'btn btn-small';
		dismiss.dataset.dismiss = '';
		dismiss.setAttribute('aria-label', 'Dismiss');
		dismiss.textContent = '×';
		toast.append(dismiss);
		return toast;
	}

	// Other scripts show a message by the event "toast": {text, problem}.
	document.addEventListener('toast', event => {
		toasts.append(make(event.detail.text, event.detail.problem));
	});

	// A request without an answer is reported once, with the way to try it again. What
	// pages ask for by themselves is not what somebody waits for.
	let unreachable;
	document.addEventListener('htmx:error', event => {
		const { ctx } = event.detail;
		if (!ctx || ctx.response || ctx.live || ctx.sourceElement?.id === 'live' || unreachable?.isConnected) return;
		const retry = document.createElement('button');
		retry.type = 'button';
		retry.className = 'btn btn-small';
		retry.textContent = 'Retry';
		retry.addEventListener('click', () => {
			unreachable.remove();
			again(ctx);
		});
		unreachable = make('The server cannot be reached.', true, retry);
		// Behind an open dialog nothing can be pressed.
		if (dialog?.open) dialog.prepend(unreachable); else toasts.append(unreachable);
	});

	// Does once more what somebody did when the request was made.
	function again({ sourceElement, sourceEvent }) {
		if (!sourceElement.isConnected || !(sourceEvent instanceof Event)) {
			location.reload();
			return;
		}
		sourceElement.focus?.();
		sourceElement.dispatchEvent(new sourceEvent.constructor(sourceEvent.type, sourceEvent));
	}

	document.addEventListener('htmx:after:request', () => unreachable?.remove());
})();
// The form on which a token is made.
(() => {
	'use strict';

	// A day that is filled in is chosen, too.
	document.addEventListener('input', event => {
		const choice = document.getElementById(event.target.dataset?.picks ?? '');
		if (choice && event.target.value) choice.checked = true;
	});
})();
