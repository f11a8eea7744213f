// Runs before the first paint.
(() => {
	const root = document.documentElement;
	root.classList.add('js');
	const theme = localStorage.getItem('theme');
	if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
})();
