/* Elements */

const root = document.documentElement;
const page = document.getElementById('page');

// el makes an element. Children that are strings become text, never markup.
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter(child => child !== undefined && child !== null && child !== ''));
  return node;
}

/* Numbers and colours */

function format(v, digits = 4) {
  if (v === undefined || v === null) return '–';
  const size = Math.abs(v);
  if (size === 0) return '0';
  let text;
  if (Number.isInteger(v) && size < 1e7) text = size >= 1e4 ? v.toLocaleString('en') : String(v);
  else if (size >= 1e-4 && size < 1e6) text = String(Number(v.toPrecision(digits)));
  else text = v.toExponential(size < 1e-4 ? 1 : 2).replace('.0e', 'e').replace('e+', 'e');
  return text.replaceAll('-', '−');
}

const between = (low, high) => low === undefined || low === null || high === undefined ? '–' : `${format(low, 3)} to ${format(high, 3)}`;

function duration(seconds) {
  if (seconds < 100) return format(Number(seconds.toPrecision(2))) + ' s';
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? minutes + ' min' : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// The colours of classes, and of runs among several (Okabe and Ito 2008).
const classes = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#5a5a5a'];
const classColor = i => classes[i % classes.length];

// color returns the value of a variable of the style sheet, or a colour as it is.
function color(name) {
  return name.startsWith('#') ? name : getComputedStyle(root).getPropertyValue('--' + name).trim();
}

const rgb = hex => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
const mix = (from, to, share) => from.map((v, i) => v + (to[i] - v) * share);
const faded = (hex, alpha) => `rgba(${rgb(hex).join(',')},${alpha})`;

// diverging returns the colour of an alignment from a byte: blue for −1, vermillion
// for 1, and that of the page for 0.
function diverging(byte, zero) {
  const v = (byte - 127) / 127;
  return mix(zero, rgb(v < 0 ? '#0072b2' : '#d55e00'), Math.abs(v));
}

const bytes = base64 => Uint8Array.from(atob(base64 || ''), c => c.charCodeAt(0));

/* Terms: what a number means, while the pointer or the focus is on its name */

const explanation = document.getElementById('explanation');
let explained; // the term

function term(text, metric, meaning, attributes = {}) {
  if (!metric && !meaning) return text;
  const node = el('button', {type: 'button', class: 'term', 'aria-describedby': 'explanation', ...attributes}, text);
  const show = () => explain(node, metric, meaning);
  for (const event of ['pointerenter', 'focus', 'click']) node.addEventListener(event, show);
  for (const event of ['pointerleave', 'blur']) node.addEventListener(event, () => { explanation.hidden = true; });
  return node;
}

function explain(node, metric, meaning) {
  const details = [];
  if (metric) {
    if (metric.unit) details.push('unit: ' + metric.unit);
    if (metric.better !== 'neither') details.push(metric.better + ' is better');
  }
  explanation.replaceChildren(
    el('b', {}, metric ? metric.name : node.textContent), metric ? metric.meaning : meaning,
    ...(details.length ? [el('small', {}, details.join(' · '))] : []));
  explanation.hidden = false;
  explained = node;
  place(node);
}

// place moves the explanation above its term, or below where there is no room.
function place(node) {
  const at = node.getBoundingClientRect(), box = explanation.getBoundingClientRect();
  const above = at.top - box.height - 8;
  explanation.style.left = Math.max(8, Math.min(at.left, innerWidth - box.width - 8)) + 'px';
  explanation.style.top = (above > 8 ? above : at.bottom + 8) + 'px';
}

addEventListener('keydown', e => { if (e.key === 'Escape') explanation.hidden = true; });
// What the focus explains stays beside it: to get the focus, a term may be scrolled to.
addEventListener('scroll', () => {
  if (explained && explained === document.activeElement && !explanation.hidden) place(explained);
  else explanation.hidden = true;
}, {passive: true});

/* The data of a run */

const metricOf = (run, name) => run.metrics.find(m => m.name === name);

function heading(metric) {
  return metric.heading || metric.name.split('/').pop().replaceAll('_', ' ');
}

function series(run, name) {
  const s = run.series[name];
  return s && {x: run.grids[s.grid], y: s.values};
}

// extent returns the first and the last epoch of runs.
function extent(runs) {
  const grids = runs.flatMap(run => run.grids).filter(grid => grid.length);
  const first = Math.min(...grids.map(grid => grid[0])), last = Math.max(...grids.map(grid => grid[grid.length - 1]));
  return first < last ? [first, last] : [first - 1, last + 1];
}

// indexOf returns where a value is in ascending ones, or −1.
function indexOf(values, value) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1; else high = middle;
  }
  return values[low] === value ? low : -1;
}

// at returns the value that a metric had at an epoch, if it was recorded there.
function at(run, name, epoch) {
  const s = series(run, name);
  const i = s ? indexOf(s.x, epoch) : -1;
  return i < 0 ? undefined : s.y[i];
}
