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
