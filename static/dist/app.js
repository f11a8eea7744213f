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
		for (const time of document.querySelectorAll('time[data-ago]')) {
			const text = ago((Date.now() + skew - Date.parse(time.dateTime)) / 1000);
			if (time.dataset.ago === 'title') time.title = text;
			else if (time.textContent !== text) time.textContent = text;
		}
	}
	setInterval(tick, 1000);

	// Copies the text of the element that data-copy names, else of the block of
	// code that the button stands by.
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

	// What a person prefers is in a cookie, so that the server can tell before the
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
		if (ctx.target === dialog) show();
		else if (dialog.open && ctx.target === '#toasts' && dialog.contains(event.target)) told(ctx);
		else if (lost) setTimeout(findFocus);
	});

	function show() {
		if (dialog.open || !dialog.childElementCount) return;
		dialog.setAttribute('aria-labelledby', 'dialog-title');
		dialog.showModal();
	}

	// What went well is told on the page. What did not is told in the dialog: behind
	// it nobody would hear of it.
	function told(ctx) {
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
		if (event.detail.ctx.target !== menu || !menu.matches(':popover-open')) return;
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

	let all = false; // that match are meant, on whatever page
	let filter; // by which they match
	let last; // box that was ticked or not
	let ranged = false; // with the shift key

	function update() {
		const form = bar();
		if (!form) {
			tell('');
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
		tell(n > 0 ? text : '');
	}

	// Heard by who does not see the bar.
	function tell(text) {
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
		case 'bulk-clear':
			clear();
			document.getElementById('pick-page').focus();
			break;
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
				say('The browser does not let pages copy.', true);
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

	// Other scripts tell something by the event "toast": {text, problem}.
	document.addEventListener('toast', event => {
		toasts.append(make(event.detail.text, event.detail.problem));
	});

	// A request without an answer is told once, with the way to try it again.
	let unreachable;
	document.addEventListener('htmx:error', event => {
		const { ctx } = event.detail;
		if (!ctx || ctx.response || unreachable?.isConnected) return;
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
