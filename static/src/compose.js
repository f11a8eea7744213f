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
