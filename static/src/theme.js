// Runs before the first paint.
document.documentElement.classList.add('js');
