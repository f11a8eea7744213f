(() => {
	'use strict';

	// Examples in several languages: of each group one is shown, all in the same
	// language where they can. Which one is in the page as it comes.
	function choose(group, language) {
		const has = [...group.querySelectorAll('.tab')].some(tab => tab.dataset.language === language);
		if (!has) return;
		for (const tab of group.querySelectorAll('.tab')) {
			const chosen = tab.dataset.language === language;
			tab.setAttribute('aria-selected', chosen);
			tab.tabIndex = chosen ? 0 : -1;
		}
		for (const panel of group.querySelectorAll('figure')) {
			panel.toggleAttribute('data-chosen', panel.dataset.language === language);
		}
	}

	// What was clicked stays where it is, whatever the groups above it do.
	function chooseEverywhere(tab) {
		const before = tab.getBoundingClientRect().top;
		for (const group of document.querySelectorAll('.tabs')) choose(group, tab.dataset.language);
		scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: 'instant' });
		document.dispatchEvent(new CustomEvent('setting', { detail: { name: 'language', value: tab.dataset.language } }));
	}

	document.addEventListener('click', event => {
		const tab = event.target.closest('.tab');
		if (tab) chooseEverywhere(tab);
	});

	const moves = {
		ArrowLeft: (at, n) => (at + n - 1) % n,
		ArrowRight: (at, n) => (at + 1) % n,
		Home: () => 0,
		End: (at, n) => n - 1,
	};
	document.addEventListener('keydown', event => {
		const tab = event.target.closest?.('.tab');
		const move = moves[event.key];
		if (!tab || !move || event.ctrlKey || event.altKey || event.metaKey) return;
		const tabs = [...tab.parentElement.children];
		const next = tabs[move(tabs.indexOf(tab), tabs.length)];
		event.preventDefault();
		chooseEverywhere(next);
		next.focus();
	});

	// As panels the blocks belong to their tabs; without a script they are figures.
	for (const panel of document.querySelectorAll('.tabs figure')) {
		panel.setAttribute('role', 'tabpanel');
		panel.setAttribute('aria-labelledby', `${panel.id}-tab`);
	}
})();
