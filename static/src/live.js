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
