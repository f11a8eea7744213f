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
