// The form on which a token is made.
(() => {
	'use strict';

	// A day that is filled in is chosen, too.
	document.addEventListener('input', event => {
		const choice = document.getElementById(event.target.dataset?.picks ?? '');
		if (choice && event.target.value) choice.checked = true;
	});
})();
