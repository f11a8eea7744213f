// The form on which a token is made.
(() => {
	'use strict';

	// Whoever fills in a day means it.
	document.addEventListener('input', event => {
		const choice = document.getElementById(event.target.dataset?.picks ?? '');
		if (choice && event.target.value) choice.checked = true;
	});
})();
