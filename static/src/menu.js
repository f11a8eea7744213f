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
