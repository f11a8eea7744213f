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
