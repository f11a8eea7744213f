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
