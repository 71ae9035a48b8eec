// A classic script, before the first paint: otherwise a chosen theme would appear after a flash of the other one.
const chosen = localStorage.getItem('sluice-theme')
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen
