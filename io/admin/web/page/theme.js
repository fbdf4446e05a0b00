// Before anything is drawn: the theme that was chosen here before. It is all that the page keeps longer than the tab is open.
'use strict';
try {
  const theme = localStorage.getItem('lockstep6-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch { /* a browser that keeps nothing takes the system's */ }
