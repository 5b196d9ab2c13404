/* The whole */

// fit gives charts and canvases the width that they have in the page.
function fit(charts, canvases) {
  const resize = () => {
    for (const c of charts()) c.resize(Math.floor(c.figure.clientWidth));
    for (const p of canvases()) p.resize(Math.floor(p.node.clientWidth));
  };
  current.resize = resize;
  observer.disconnect();
  observer.observe(page);
  resize();
}

const current = {shown: undefined, resize() {}, key() {}};
const observer = new ResizeObserver(() => current.resize());
addEventListener('keydown', e => current.key(e));

function show(data) {
  document.title = data.title + ' · hessoscope';
  if (current.shown && current.shown.change(data)) return;
  const y = scrollY, focused = document.activeElement && document.activeElement.id;
  current.key = () => {};
  current.shown = data.compare ? comparePage(data) : runPage(data);
  scrollTo(0, y);
  if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
}

/* Light and dark */

const prefersDark = matchMedia('(prefers-color-scheme: dark)');
let chosenTheme;
try { chosenTheme = localStorage.getItem('hessoscope-theme'); } catch { /* a page without storage has the theme of the system */ }

function setTheme(theme) {
  root.dataset.theme = theme;
  if (current.shown) current.shown.restyle();
}
const theme = () => chosenTheme || (prefersDark.matches ? 'dark' : 'light');
prefersDark.addEventListener('change', () => setTheme(theme()));
document.getElementById('theme').addEventListener('click', () => {
  chosenTheme = root.dataset.theme === 'dark' ? 'light' : 'dark';
  try { localStorage.setItem('hessoscope-theme', chosenTheme); } catch { /* then it is for this time only */ }
  setTheme(chosenTheme);
});
setTheme(theme());

/* Paper: light, everything open, and as wide as a sheet */

let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('details:not([open])')];
  opened.forEach(d => { d.open = true; });
  root.classList.add('printing');
  setTheme('light');
  current.resize();
});
addEventListener('afterprint', () => {
  opened.forEach(d => { d.open = false; });
  root.classList.remove('printing');
  setTheme(theme());
  current.resize();
});

/* Data that are in the page, or come from a server */

const embedded = document.getElementById('data').textContent;
if (embedded) {
  show(JSON.parse(embedded));
} else {
  let loading = false, again = false;
  const load = async () => {
    if (loading) { again = true; return; }
    loading = true;
    try {
      const response = await fetch('data.json', {cache: 'no-store'});
      if (!response.ok) throw new Error(`data.json: ${response.status} ${response.statusText}`);
      show(await response.json());
    } catch (e) {
      if (!current.shown) page.replaceChildren(el('p', {}, 'The run cannot be shown: ' + e.message));
    }
    loading = false;
    if (again) { again = false; load(); }
  };
  new EventSource('events').addEventListener('change', load);
  load();
}
