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
