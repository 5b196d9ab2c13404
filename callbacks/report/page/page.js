'use strict';
(() => {

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

/* Charts over epochs */

// A chart is told by its lines. A line has a metric, or the values of an eigenvalue;
// with `band`, the interval of the metric from _low to _high is drawn as well.
const charts = [
  {id: 'loss', title: 'Loss', says: 'Mean over each split.', lines: [
    {metric: 'train/loss', color: 'loss'}, {metric: 'validation/loss', color: 'loss', dash: [2, 3]}, {metric: 'test/loss', color: 'loss', dash: [8, 4]}]},
  {id: 'accuracy', title: 'Accuracy', says: 'Share of each split that is classified rightly.', linear: true, lines: [
    {metric: 'train/accuracy', color: 'accuracy'}, {metric: 'validation/accuracy', color: 'accuracy', dash: [2, 3]}, {metric: 'test/accuracy', color: 'accuracy', dash: [8, 4]}]},
  {id: 'eigenvalues', title: 'Largest eigenvalues', says: 'How sharply the loss curves in its sharpest directions.', lines: [
    {metric: 'spectrum/lambda_max', color: 'lambda', band: true},
    ...[2, 3, 4, 5].map(rank => ({rank, color: 'lambda', width: 1.25, alpha: .95 - .12 * rank}))]},
  {id: 'outliers', title: 'Outliers', says: 'Eigenvalues far above the others: one less than the classes for a boundary as simple as can be.', linear: true, steps: true,
    level: run => run.model.classes > 1 && {y: run.model.classes - 1, label: 'classes − 1'}, lines: [
      {metric: 'spectrum/outliers', color: 'outlier'}, {metric: 'spectrum/outliers_gap', color: 'outlier', dash: [2, 3], width: 1.25, alpha: .7}]},
  {id: 'complexity', title: 'Complexity G', says: 'Share of eigenvectors that are aligned with the gradient of some sample; the shade is where it lies.', lines: [
    {metric: 'boundary/complexity', color: 'complexity', band: true}]},
  {id: 'directions', title: 'Directions', says: 'How many directions share the gradients’ energy; the shade is where the number lies.', lines: [
    {metric: 'boundary/directions', color: 'complexity', band: true}, {metric: 'boundary/effective_rank', color: 'complexity', dash: [2, 3], width: 1.25}]},
  {id: 'margin', title: 'Margin', says: 'Distance from the samples to the boundary: the least one, and quantiles.', lines: [
    {metric: 'boundary/margin', color: 'margin', width: 2.5}, {metric: 'boundary/margin_high', color: 'margin', dash: [2, 3]},
    {metric: 'boundary/margin_lower', color: 'margin', dash: [1, 3], width: 1.25},
    {metric: 'boundary/margin_q05', color: 'margin', alpha: .8, width: 1.5}, {metric: 'boundary/margin_q25', color: 'margin', alpha: .6, width: 1.5},
    {metric: 'boundary/margin_median', color: 'margin', alpha: .45, width: 1.5, band: true}]},
  {id: 'stability', title: 'Edge of stability', says: 'Above 1, a step of gradient descent overshoots along v₁.', level: () => ({y: 1, label: 'unstable above'}), lines: [
    {metric: 'spectrum/edge_of_stability', color: 'lambda'}, {metric: 'sharpness/critical_ratio', color: 'outlier', dash: [8, 4], width: 1.5}]},
  {id: 'critical', title: 'Critical sharpness', says: '2 over the smallest step at which the loss rises; the shade is where it lies.', lines: [
    {metric: 'sharpness/critical', color: 'outlier', band: true}]},
  {id: 'cost', title: 'Cost of measuring', says: 'Hessian-vector products, and seconds by the clock.', lines: [
    {metric: 'spectrum/hvps', color: 'cost'}, {metric: 'spectrum/seconds', color: 'cost', dash: [8, 4]}, {metric: 'boundary/margin_seconds', color: 'margin', dash: [8, 4]}]},
];

// tracks returns what a chart of a run draws: lines {label, metric, x, y} and bands.
function tracks(spec, run) {
  const found = [];
  for (const line of spec.lines) {
    if (line.rank) {
      const of = run.frames.filter(f => f.eigenvalues.length >= line.rank);
      if (of.length) {
        found.push({...line, label: 'λ' + '₀₁₂₃₄₅₆₇₈₉'[line.rank], meaning: `eigenvalue number ${line.rank} by size, where eigenpairs were stored`,
          x: of.map(f => f.epoch), y: of.map(f => f.eigenvalues[line.rank - 1])});
      }
      continue;
    }
    const metric = metricOf(run, line.metric), s = series(run, line.metric);
    if (s) found.push({...line, metric, label: heading(metric), ...s});
    const low = series(run, line.metric + '_low'), high = series(run, line.metric + '_high');
    if (line.band && low && high) {
      // Where the value itself is never certain, the legend shows the interval.
      const alone = !s && metric && {interval: true, points: undefined, metric, label: heading(metric)};
      const kind = end => ({color: line.color, alpha: .5, width: 1, points: false, metric: metricOf(run, line.metric + end), label: line.metric + end});
      found.push({...kind('_high'), ...high, bandWithNext: true, ...alone}, {...kind('_low'), ...low});
    }
  }
  return found;
}

// join puts lines on one ascending axis of epochs, with null where one was not recorded.
function join(lines) {
  const grids = [...new Set(lines.map(l => l.x))];
  if (grids.length === 1) return [grids[0], ...lines.map(l => l.y)];
  const x = [...new Set(grids.flat())].sort((a, b) => a - b);
  return [x, ...lines.map(l => {
    const y = new Array(x.length).fill(null);
    let i = 0;
    l.x.forEach((epoch, j) => { while (x[i] < epoch) i++; y[i] = l.y[j]; });
    return y;
  })];
}

const positive = lines => lines.every(l => l.y.every(v => v > 0));

function spread(lines) {
  let low = Infinity, high = -Infinity;
  for (const l of lines) for (const v of l.y) { if (v < low) low = v; if (v > high) high = v; }
  return [low, high];
}

function axes(kind) {
  const grid = {stroke: () => color('rule'), width: 1}, ticks = {show: false};
  const common = {stroke: () => color('soft'), font: '11px system-ui, sans-serif', ticks, grid};
  return [
    {...common, grid: {show: false}, size: 26, gap: 5, space: 60, values: (u, splits) => splits.map(v => Number.isInteger(v) ? format(v) : '')},
    {...common, size: 52, gap: 8, values: (u, splits) => splits.map(v => format(v)), ...(kind === 3 && {splits: (u, axis, min, max) => powers(min, max), filter: (u, splits) => splits})},
  ];
}

// powers returns the marks of a logarithmic axis: at most about six powers of ten, or
// also 2 and 5 times them where there are few.
function powers(min, max) {
  const first = Math.floor(Math.log10(min)), last = Math.ceil(Math.log10(max));
  const step = Math.max(1, Math.ceil((last - first) / 6)), marks = [];
  for (let p = first; p <= last; p++) {
    if (p % step === 0) marks.push(...(last - first > 2 ? [1] : [1, 2, 5]).map(d => Number(d + 'e' + p)));
  }
  return marks.filter(v => v >= min && v <= max);
}

// chart draws lines over epochs. It returns its figure and how to move and change it.
// Extent gives the epochs of the axis, which all charts of a page share.
function chart(spec, lines, extent, level) {
  const size = {height: 210};
  const figure = el('figure', {class: 'chart', 'data-chart': spec.id});
  const legend = el('ul', {class: 'legend'}), plot = el('div', {class: 'plot'});
  figure.append(el('figcaption', {}, el('h3', {}, spec.title), el('p', {}, spec.says)), legend, plot);

  const [least, largest] = spread(lines);
  const distr = !spec.linear && positive(lines) && largest > 30 * least ? 3 : 1;
  const stroke = l => () => faded(color(l.color), l.alpha || 1);
  const values = lines.map((l, i) => {
    const value = el('span', {class: 'value'}), swatch = el('span', {class: 'swatch'});
    if (spec.legend !== false && l.points !== false) {
      swatch.style.borderTopStyle = l.dash ? (l.dash[0] < 4 ? 'dotted' : 'dashed') : 'solid';
      legend.append(el('li', {}, swatch, term(l.label, l.metric, l.meaning), value));
    }
    return {value, swatch};
  });
  const all = (min, max) => min <= lines.reduce((a, l) => Math.min(a, l.x[0]), Infinity) && max >= lines.reduce((a, l) => Math.max(a, l.x[l.x.length - 1]), 0);
  const bands = lines.flatMap((l, i) => l.bandWithNext ? [{series: [i + 1, i + 2], fill: () => faded(color(l.color), .18)}] : []);
  const u = new uPlot({
    ...size, width: 320, legend: {show: false}, padding: [8, 18, 0, 0],
    cursor: {y: false, sync: {key: 'epochs', setSeries: false}, points: {size: 6}, focus: {prox: spec.legend === false ? 24 : -1}, drag: {x: true, y: false}},
    focus: {alpha: .15},
    scales: {x: {time: false, range: (u, min, max) => all(min, max) ? extent() : [min, max]}, y: {distr, range: (u, min, max) => range(distr, min, max, level)}},
    axes: axes(distr), bands,
    series: [{}, ...lines.map(l => ({
      label: l.label, stroke: stroke(l), width: l.width || 2, dash: l.dash, spanGaps: true,
      paths: spec.steps ? uPlot.paths.stepped({align: 1}) : undefined,
      points: {show: l.points !== false && l.x.length <= 40, size: 5, stroke: stroke(l), fill: stroke(l)},
    }))],
    hooks: {draw: [u => level && drawLevel(u, level)], setCursor: [u => { hovered = u.cursor.idx; read(); }]},
  }, join(lines), plot);

  let hovered = null, moment;
  const mark = el('div', {class: 'moment', hidden: true});
  u.over.append(mark);

  function read() {
    if (spec.legend === false) return;
    const i = hovered === null || hovered === undefined ? (moment === undefined ? -1 : indexOf(u.data[0], moment)) : hovered;
    values.forEach(({value}, j) => { value.textContent = i < 0 ? '' : lines[j].interval ? between(u.data[j + 2][i], u.data[j + 1][i]) : format(u.data[j + 1][i]); });
  }
  function place() {
    if (moment === undefined) return;
    const x = u.valToPos(moment, 'x');
    mark.hidden = !(x >= 0 && x <= u.over.clientWidth);
    mark.style.transform = `translateX(${x}px)`;
  }
  u.hooks.setScale = [key => place()];

  function label() {
    const x = u.data[0];
    const parts = lines.filter(l => l.points !== false).map((l, i) => `${l.label} from ${format(l.y[0])} to ${format(l.y[l.y.length - 1])}`);
    u.root.setAttribute('role', 'img');
    u.root.setAttribute('aria-label', `${spec.title}, epochs ${x[0]} to ${x[x.length - 1]}: ${parts.slice(0, 8).join('; ')}`);
  }
  function restyle() {
    lines.forEach((l, i) => { values[i].swatch.style.borderTopColor = stroke(l)(); });
    u.redraw(false);
  }
  restyle();
  label();
  return {
    figure, u, restyle,
    key: spec.id + ':' + lines.map(l => l.label).join(),
    move(epoch) { moment = epoch; place(); read(); },
    resize(width) { if (width > 0 && width !== u.width) u.setSize({width, ...size}); place(); },
    // change shows the lines with new values, without losing what was zoomed into.
    change(next) {
      const zoomed = u.scales.x.min > u.data[0][0] || u.scales.x.max < u.data[0][u.data[0].length - 1];
      lines = next;
      u.setData(join(lines), !zoomed);
      label();
      place();
      read();
    },
  };
}

function range(distr, min, max, level) {
  if (min === null || min === undefined || !Number.isFinite(min)) return distr === 3 ? [.1, 1] : [0, 1];
  if (level) { min = Math.min(min, level.y); max = Math.max(max, level.y); }
  if (distr === 3) return uPlot.rangeLog(min, max, 10, false);
  const pad = (max - min || Math.abs(max) || 1) * .08;
  return [min >= 0 && min - pad < 0 ? 0 : min - pad, max + pad];
}

function drawLevel(u, level) {
  const y = Math.round(u.valToPos(level.y, 'y', true)), {left, top, width, height} = u.bbox;
  if (y < top || y > top + height) return;
  const c = u.ctx, ratio = devicePixelRatio;
  c.save();
  c.strokeStyle = c.fillStyle = color('soft');
  c.lineWidth = ratio;
  c.setLineDash([4 * ratio, 4 * ratio]);
  c.beginPath();
  c.moveTo(left, y);
  c.lineTo(left + width, y);
  c.stroke();
  c.font = `${11 * ratio}px system-ui, sans-serif`;
  c.textAlign = 'right';
  c.fillText(level.label, left + width - 4 * ratio, y + (y - top > 18 * ratio ? -5 : 13) * ratio);
  c.restore();
}

/* Panels of one epoch, on canvases of our own */

// canvas makes a canvas that draw paints; height is a function of its width.
function canvas(label, height, draw) {
  const node = el('canvas', {class: 'drawn', role: 'img', 'aria-label': label});
  let width = 0;
  const panel = {
    node,
    label(text) { node.setAttribute('aria-label', text); },
    paint() {
      if (!width) return;
      const c = node.getContext('2d'), ratio = devicePixelRatio || 1, h = height(width);
      if (node.width !== Math.round(width * ratio) || node.height !== Math.round(h * ratio)) {
        node.width = Math.round(width * ratio);
        node.height = Math.round(h * ratio);
        node.style.height = h + 'px';
      }
      c.setTransform(ratio, 0, 0, ratio, 0, 0);
      c.clearRect(0, 0, width, h);
      c.font = '11px system-ui, sans-serif';
      draw(c, width, h);
    },
    resize(next) { if (next > 0 && next !== width) { width = next; panel.paint(); } },
  };
  return panel;
}

// image makes a picture of cells, a colour each, that can be drawn at any size.
function image(width, height, colorOf) {
  const node = el('canvas', {width, height}), c = node.getContext('2d');
  const data = c.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = colorOf(i);
    data.data.set([r, g, b, 255], 4 * i);
  }
  c.putImageData(data, 0, 0);
  return node;
}

// decoded returns the arrays of bytes of a frame, which are decoded when they are
// first seen.
const cache = new WeakMap();
function decoded(frame) {
  let d = cache.get(frame);
  if (!d) {
    d = {};
    if (frame.plane) d.plane = {...refined(frame.plane.side, bytes(frame.plane.predicted), bytes(frame.plane.gaps)), alignments: frame.plane.alignments.map(bytes)};
    if (frame.alignments) d.heat = {predicted: bytes(frame.alignments.predicted), values: bytes(frame.alignments.values)};
    cache.set(frame, d);
  }
  return d;
}

// refined returns the predicted classes on a finer grid. The score of a class in a cell is
// the gap to the next class if it is predicted, and less the gap if not; between cells
// it is interpolated, so that the boundary is where the gap is 0.
function refined(side, predicted, gaps) {
  if (!gaps.length) return {side, predicted};
  const score = Float32Array.from(gaps, g => g * g), times = Math.ceil(240 / side), fine = times * side, result = new Uint8Array(fine * fine);
  for (let row = 0; row < fine; row++) {
    const y = Math.min(side - 1, Math.max(0, (row + .5) / times - .5)), r = Math.min(side - 2, Math.floor(y)), dy = y - r;
    for (let column = 0; column < fine; column++) {
      const x = Math.min(side - 1, Math.max(0, (column + .5) / times - .5)), k = Math.min(side - 2, Math.floor(x)), dx = x - k;
      const i = r * side + k, corners = [i, i + 1, i + side, i + side + 1];
      const weights = [(1 - dx) * (1 - dy), dx * (1 - dy), (1 - dx) * dy, dx * dy];
      const of = predicted[i];
      let best = of;
      if (corners.some(j => predicted[j] !== of)) {
        let highest = -Infinity;
        for (const j of corners) {
          const sum = corners.reduce((total, m, n) => total + weights[n] * (predicted[m] === predicted[j] ? score[m] : -score[m]), 0);
          if (sum > highest) { highest = sum; best = predicted[j]; }
        }
      }
      result[row * fine + column] = best;
    }
  }
  return {side: fine, predicted: result};
}

function spectrumPanel(run) {
  let frames, low, high, last, log, frame;
  function limits(r) {
    frames = r.frames;
    const sizes = frames.flatMap(f => f.eigenvalues.map(Math.abs));
    high = sizes.reduce((a, b) => Math.max(a, b), 1e-12) * 1.6;
    low = Math.max(sizes.reduce((a, b) => b > 0 ? Math.min(a, b) : a, Infinity), high * 1e-11) / 1.6;
    last = Math.max(2, frames.reduce((a, f) => Math.max(a, ...f.ranks), 0));
    log = last > 60;
  }
  limits(run);
  const left = 58, right = 12, top = 12, bottom = 30;
  const panel = canvas('Spectrum', () => 260, (c, width, height) => {
    const x = rank => left + 10 + (width - left - right - 20) * (log ? Math.log(rank) / Math.log(last) : (rank - 1) / (last - 1));
    const y = v => top + (height - top - bottom) * (1 - Math.log(v / low) / Math.log(high / low));
    const base = height - bottom;
    c.textAlign = 'right';
    c.textBaseline = 'middle';
    const powers = Math.log10(high / low), step = Math.max(1, Math.ceil(powers / 6));
    for (let p = Math.ceil(Math.log10(low)); p <= Math.log10(high); p++) {
      if (p % step) continue;
      line(c, left, y(10 ** p), width - right, y(10 ** p), color('rule'));
      c.fillStyle = color('soft');
      c.fillText(format(10 ** p), left - 8, y(10 ** p));
    }
    c.textAlign = 'center';
    c.textBaseline = 'top';
    for (const rank of log ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] : [1, 5, 10, 15, 20, 25, 30, 40, 50]) {
      if (rank <= last) c.fillText(format(rank), x(rank), base + 8);
    }
    if (!frame || !frame.eigenvalues.length) return;
    if (frame.threshold > low) {
      const at = y(frame.threshold);
      line(c, left, at, width - right, at, color('outlier'), [5, 4]);
      c.fillStyle = color('outlier');
      c.textAlign = 'right';
      c.textBaseline = 'bottom';
      c.fillText('λ₁/10: outliers are above', width - right, at - 3);
    }
    frame.eigenvalues.forEach((v, i) => {
      const size = Math.max(Math.abs(v), low), px = x(frame.ranks[i]), py = y(size);
      const of = color(i === 0 && v > 0 ? 'lambda' : v > frame.threshold ? 'outlier' : 'cost');
      line(c, px, base, px, py, faded(of, .35));
      c.beginPath();
      c.arc(px, py, v > frame.threshold ? 4 : 2.6, 0, 2 * Math.PI);
      c.fillStyle = v < 0 ? color('page') : of;
      c.strokeStyle = of;
      c.lineWidth = 1.25;
      c.fill();
      c.stroke();
    });
    line(c, left, base, width - right, base, color('strong-rule'));
  });
  const words = run.words;
  const figure = el('figure', {class: 'wide', 'data-panel': 'spectrum'}, el('figcaption', {},
    el('h3', {}, term('Spectrum', undefined, words.eigenpair)),
    el('p', {}, 'Known eigenvalues of the Hessian by rank, on a logarithmic scale: λ₁ in blue, other ', term('outliers', undefined, words.outlier),
      ' in vermillion, negative ones hollow.')), panel.node);
  return {
    figure, parts: [panel], change: limits,
    show(f) {
      frame = f;
      const above = f.eigenvalues.filter(v => v > f.threshold).length;
      panel.label(`Spectrum at epoch ${f.epoch}: ${f.known} known eigenvalues, the largest ${format(f.eigenvalues[0])}, ${above} above a tenth of it`);
      panel.paint();
    },
  };
}

function line(c, x0, y0, x1, y1, stroke, dash = []) {
  c.save();
  c.strokeStyle = stroke;
  c.lineWidth = 1;
  c.setLineDash(dash);
  c.beginPath();
  c.moveTo(x0, y0);
  c.lineTo(x1, y1);
  c.stroke();
  c.restore();
}

// border draws the lines between cells of different classes.
function border(c, {side: n, predicted}, width, height, stroke, lineWidth) {
  const dx = width / n, dy = height / n;
  c.beginPath();
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      const i = row * n + column;
      if (column + 1 < n && predicted[i] !== predicted[i + 1]) { c.moveTo((column + 1) * dx, row * dy); c.lineTo((column + 1) * dx, (row + 1) * dy); }
      if (row + 1 < n && predicted[i] !== predicted[i + n]) { c.moveTo(column * dx, (row + 1) * dy); c.lineTo((column + 1) * dx, (row + 1) * dy); }
    }
  }
  c.strokeStyle = stroke;
  c.lineWidth = lineWidth;
  c.stroke();
}

function boundaryPanel(run) {
  let frame, of = run;
  const panel = canvas('Decision regions', width => width, (c, width, height) => {
    if (!frame || !frame.plane) return;
    const {plane} = frame, regions = decoded(frame).plane, surface = rgb(color('page'));
    const shade = root.dataset.theme === 'dark' ? .38 : .3;
    c.imageSmoothingEnabled = false;
    const shades = classes.map(of => mix(surface, rgb(of), shade));
    c.drawImage(image(regions.side, regions.side, i => shades[regions.predicted[i] % classes.length]), 0, 0, width, height);
    border(c, regions, width, height, color('ink'), 1.25);
    const [x0, x1, y0, y1] = plane.box;
    const x = v => (v - x0) / (x1 - x0) * width, y = v => (y1 - v) / (y1 - y0) * height;
    if (of.points) {
      bytes(of.points.labels).forEach((label, i) => {
        c.beginPath();
        c.arc(x(of.points.xy[2 * i]), y(of.points.xy[2 * i + 1]), 3, 0, 2 * Math.PI);
        c.fillStyle = classColor(label);
        c.strokeStyle = color('page');
        c.lineWidth = .75;
        c.fill();
        c.stroke();
      });
    }
    const m = frame.margins;
    if (!m) return;
    const green = color('margin');
    for (let i = m.to.length / 2 - 1; i >= 0; i--) { // the shortest last, over the others
      if (m.from.length) {
        c.beginPath();
        c.moveTo(x(m.from[2 * i]), y(m.from[2 * i + 1]));
        c.lineTo(x(m.to[2 * i]), y(m.to[2 * i + 1]));
        c.strokeStyle = i ? faded(green, .45) : green;
        c.lineWidth = i ? 1 : 3;
        c.stroke();
      }
    }
    c.beginPath();
    c.arc(x(m.to[0]), y(m.to[1]), 4, 0, 2 * Math.PI);
    c.fillStyle = green;
    c.fill();
  });
  panel.node.classList.add('plane');
  const note = el('p');
  const figure = el('figure', {'data-panel': 'boundary'}, el('figcaption', {},
    el('h3', {}, term('Decision regions', undefined, run.words['decision boundary'])), note), panel.node);
  return {
    figure, parts: [panel], change(r) { of = r; },
    show(f) {
      frame = f;
      note.textContent = !f.plane ? 'Not stored at this epoch.' : f.margins ? 'Samples by class; green: their distances to the boundary, the margin bold.' :
        'Samples by class. Distances were not measured at this epoch.';
      const found = f.plane ? new Set(decoded(f).plane.predicted).size : 0;
      panel.label(`Decision regions at epoch ${f.epoch}: ${found} classes are predicted`);
      panel.paint();
    },
  };
}

// mapsPanel shows, for data in the plane, where gradients are aligned with each
// eigenvector.
function mapsPanel(run, count) {
  let frame;
  const square = width => width;
  const maps = Array.from({length: count}, (_, k) => canvas(`Alignment with v${k + 1}`, square, (c, width, height) => {
    const values = frame && frame.plane && decoded(frame).plane.alignments[k];
    if (!values) return;
    const zero = rgb(color('page'));
    c.imageSmoothingEnabled = true;
    c.drawImage(image(frame.plane.side, frame.plane.side, i => diverging(values[i], zero)), 0, 0, width, height);
    border(c, decoded(frame).plane, width, height, color('ink'), .75);
    c.strokeStyle = color('rule');
    c.strokeRect(.5, .5, width - 1, height - 1);
  }));
  const figure = el('figure', {'data-panel': 'alignment'}, el('figcaption', {},
    el('h3', {}, term('Alignment', undefined, run.words.alignment)),
    el('p', {}, 'Of the ', term('gradient', undefined, run.words['reinforcing gradient']), ' at each point of the plane with the first eigenvectors.')),
  el('div', {class: 'maps'}, ...maps.map((m, k) => el('div', {}, el('h4', {}, 'v' + '₁₂₃₄₅₆₇₈₉'[k]), m.node))), scale());
  return {
    figure, parts: maps, change() {},
    show(f) {
      frame = f;
      maps.forEach((m, k) => { m.label(`Alignment of the gradients in the plane with eigenvector ${k + 1} at epoch ${f.epoch}`); m.paint(); });
    },
  };
}

const scale = () => el('div', {class: 'scale', 'aria-hidden': 'true'}, '−1', el('i'), '+1');

// heatPanel shows, for data that are not in the plane, the alignments of samples.
function heatPanel(run) {
  let frame;
  const left = 14, bottom = 22;
  const panel = canvas('Alignments of samples', () => 340, (c, width, height) => {
    if (!frame || !frame.alignments) return;
    const {rows, columns} = frame.alignments, {predicted, values} = decoded(frame).heat, zero = rgb(color('page'));
    const h = height - bottom, w = width - left;
    c.imageSmoothingEnabled = false;
    c.drawImage(image(columns, rows, i => diverging(values[i], zero)), left, 0, w, h);
    c.drawImage(image(1, rows, i => rgb(classColor(predicted[i]))), 0, 0, left - 6, h);
    c.strokeStyle = color('rule');
    c.lineWidth = 1;
    c.strokeRect(left + .5, .5, w - 1, h - 1);
    c.fillStyle = color('soft');
    c.textAlign = 'center';
    c.textBaseline = 'bottom';
    for (let k = 0; k < columns; k += columns > 12 ? 4 : 1) c.fillText('v' + String(k + 1).replace(/\d/g, d => '₀₁₂₃₄₅₆₇₈₉'[d]), left + (k + .5) * w / columns, height);
  });
  const note = el('p');
  const figure = el('figure', {class: 'wide', 'data-panel': 'alignment'}, el('figcaption', {},
    el('h3', {}, term('Alignment', undefined, run.words.alignment)), note), panel.node, scale());
  return {
    figure, parts: [panel], change() {},
    show(f) {
      frame = f;
      const a = f.alignments;
      note.textContent = a ? `Of the gradients of ${a.rows < a.samples ? a.rows + ' of ' : ''}${a.samples} samples, a row each, with the first eigenvectors; at the left the predicted class.` :
        'Not measured at this epoch.';
      panel.label(a ? `Alignments of ${a.rows} samples with ${a.columns} eigenvectors at epoch ${f.epoch}` : 'no alignments');
      panel.paint();
    },
  };
}

/* The page of a run */

function facts(run) {
  const samples = Object.entries(run.data.samples || {}).sort(([, a], [, b]) => b - a).map(([split, n]) => `${format(n)} ${split}`).join(', ');
  const fact = (name, value) => el('li', {}, name + ' ', el('b', {}, value));
  return el('ul', {class: 'facts'},
    el('li', {class: 'status', 'data-status': run.status}, el('b', {}, run.status.replaceAll('_', ' '))),
    fact('epochs', run.epochs && run.epoch !== run.epochs ? `${format(run.epoch)} of ${format(run.epochs)}` : format(run.epoch)),
    fact('data', `${run.data.name} (${samples})`), fact('model', run.model.description), fact('parameters', format(run.model.parameters)),
    fact('seed', String(run.seed)), fact('time', duration(run.seconds)), fact('started', new Date(run.started).toLocaleString('en-GB', {dateStyle: 'medium', timeStyle: 'short'})));
}

function summaryList(run) {
  const list = el('dl', {class: 'summary'});
  for (const s of run.summary) {
    list.append(el('dt', {}, s.topic), el('dd', {class: s.caution && 'caution'},
      ...s.parts.map(p => term(p.text, metricOf(run, p.term), run.words[p.term]))));
  }
  return list;
}

const readings = ['train/loss', 'train/accuracy', 'test/accuracy', 'spectrum/lambda_max', 'spectrum/outliers', 'boundary/complexity', 'boundary/directions', 'boundary/margin'];

// reading formats the value of a metric at an epoch, or else its interval.
function reading(run, name, epoch) {
  const value = at(run, name, epoch);
  if (value !== undefined) return format(value);
  const low = at(run, name + '_low', epoch), high = at(run, name + '_high', epoch);
  return between(low, high);
}

const has = (run, name) => run.series[name] || run.series[name + '_low'];

function runPage(data) {
  let run = Object.assign(data.runs[0], {words: data.words});
  const drawn = [], panels = [];
  const specs = charts.map(spec => [spec, tracks(spec, run)]).filter(([, lines]) => lines.length);
  for (const [spec, lines] of specs) drawn.push(chart(spec, lines, () => extent([run]), spec.level && spec.level(run)));

  if (run.frames.length) {
    panels.push(spectrumPanel(run));
    const count = run.frames.reduce((n, f) => Math.max(n, f.plane ? f.plane.alignments.length : 0), 0);
    if (run.frames.some(f => f.plane)) panels.push(boundaryPanel(run));
    if (count) panels.push(mapsPanel(run, count));
    if (run.frames.some(f => f.alignments)) panels.push(heatPanel(run));
  }
  const intro = el('div'), numbers = el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'All metrics'}), notes = el('div');
  const other = anyMetric(run);
  const values = el('dl', {class: 'readings'});
  const momentsOf = r => r.frames.length ? r.frames.map(f => f.epoch) : r.grids.reduce((a, b) => b.length > a.length ? b : a, []);
  const scrubber = slider(momentsOf(run), index => show(index));

  function show(index) {
    const epoch = scrubber.epochs[index];
    for (const c of drawn) c.move(epoch);
    if (other) other.move(epoch);
    for (const p of panels) p.show(run.frames[index]);
    values.replaceChildren(...readings.filter(name => metricOf(run, name) && has(run, name)).flatMap(name => {
      const metric = metricOf(run, name);
      return [el('div', {}, el('dt', {}, term(heading(metric), metric)), el('dd', {}, reading(run, name, epoch)))];
    }));
  }
  function head() {
    intro.replaceChildren(el('h1', {}, run.name), el('p', {class: 'lead'}, run.description || ''), facts(run), summaryList(run));
    numbers.replaceChildren(metricTable(run));
    notes.replaceChildren(...(run.notes.length ? [el('ul', {class: 'notes'}, ...run.notes.map(n => el('li', {}, n)))] : []));
  }
  head();
  page.replaceChildren(intro, notes, ...(scrubber.epochs.length ? [el('h2', {}, run.frames.length ? 'At each measurement' : 'Over the epochs'), scrubber.node, values] : []),
    ...(panels.length ? [el('div', {class: 'panels'}, ...panels.map(p => p.figure))] : []),
    ...(drawn.length ? [el('h2', {}, 'Over the epochs'), el('p', {class: 'notes'}, 'Drag across a chart to zoom, double-click for all. A click takes the slider to the nearest measurement.'),
      el('div', {class: 'charts'}, ...drawn.map(c => c.figure))] : []),
    ...(other ? [other.node] : []),
    el('details', {}, el('summary', {}, 'All metrics'), numbers), footer());
  const all = () => other ? [...drawn, other.chart()] : drawn;
  fit(() => all(), () => panels.flatMap(p => p.parts));
  for (const c of drawn) c.u.over.addEventListener('click', () => { if (c.u.cursor.left >= 0 && !c.u.select.width) scrubber.near(c.u.posToVal(c.u.cursor.left, 'x')); });
  if (scrubber.epochs.length) scrubber.go(scrubber.epochs.length - 1);

  return {
    restyle() { all().forEach(c => c.restyle()); panels.forEach(p => p.parts.forEach(part => part.paint())); },
    // change shows newer data of the run, or returns false if these need another page.
    change(next) {
      const r = Object.assign(next.runs[0], {words: next.words});
      const fresh = charts.map(spec => [spec, tracks(spec, r)]).filter(([, lines]) => lines.length);
      const same = next.runs.length === 1 && !next.compare && fresh.length === drawn.length && !run.frames.length === !r.frames.length && panels.every(p => p.change) &&
        fresh.every(([spec, lines], i) => spec.id + ':' + lines.map(l => l.label).join() === drawn[i].key) && Object.keys(r.series).join() === Object.keys(run.series).join();
      if (!same) return false;
      run = r;
      head();
      fresh.forEach(([, lines], i) => drawn[i].change(lines));
      if (other) other.change(run);
      panels.forEach(p => p.change(run));
      scrubber.change(momentsOf(run));
      return true;
    },
  };
}

// slider chooses an epoch among those measured. It calls show once a frame at most.
function slider(epochs, show) {
  let index = -1, asked = false, timer;
  const input = el('input', {type: 'range', id: 'moment', min: 0, max: Math.max(epochs.length - 1, 0), step: 1, 'aria-label': 'Measured epoch', input: () => go(Number(input.value))});
  const output = el('output', {for: 'moment'});
  const play = el('button', {type: 'button', class: 'quiet play', id: 'play', 'aria-label': 'Play', click: () => timer ? stop() : start()}, '▶');
  const s = {
    node: el('div', {class: 'scrubber'}, play, input, output), epochs, go,
    near(epoch) {
      go(s.epochs.reduce((best, e, i) => Math.abs(e - epoch) < Math.abs(s.epochs[best] - epoch) ? i : best, 0));
    },
    // change takes newer epochs. A slider at the end stays at the end.
    change(next) {
      const atEnd = index === s.epochs.length - 1, epoch = s.epochs[index];
      s.epochs = next;
      input.max = Math.max(next.length - 1, 0);
      go(atEnd ? next.length - 1 : Math.max(indexOf(next, epoch), 0));
    },
  };
  function go(i) {
    index = Math.max(0, Math.min(s.epochs.length - 1, i));
    input.value = index;
    output.textContent = 'epoch ' + format(s.epochs[index]);
    input.setAttribute('aria-valuetext', output.textContent);
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; if (s.node.isConnected && index >= 0) show(index); });
  }
  function start() {
    if (index === s.epochs.length - 1) go(0);
    play.textContent = '❚❚';
    play.setAttribute('aria-label', 'Pause');
    timer = setInterval(() => index < s.epochs.length - 1 && s.node.isConnected ? go(index + 1) : stop(), Math.max(40, 6000 / s.epochs.length));
  }
  function stop() {
    clearInterval(timer);
    timer = undefined;
    play.textContent = '▶';
    play.setAttribute('aria-label', 'Play');
  }
  s.key = e => {
    const step = {ArrowLeft: -1, ArrowRight: 1}[e.key];
    if (!step || e.altKey || e.ctrlKey || e.metaKey || /^(INPUT|SELECT)$/.test(e.target.tagName) || e.target.classList.contains('scroll')) return;
    e.preventDefault();
    go(index + step);
  };
  current.key = s.key;
  return s;
}

// anyMetric draws one metric of those that no other chart has.
function anyMetric(run) {
  const taken = new Set(charts.flatMap(c => c.lines.flatMap(l => l.band ? [l.metric, l.metric + '_low', l.metric + '_high'] : [l.metric])));
  const names = run.metrics.map(m => m.name).filter(name => !taken.has(name) && run.series[name] && run.series[name].values.length > 1);
  if (!names.length) return undefined;
  const select = el('select', {id: 'metric', change: () => draw()}, ...names.map(name => el('option', {value: name}, name)));
  const holder = el('div');
  let c, moment, width;
  const linesOf = () => { const metric = metricOf(run, select.value); return [{color: 'ink', metric, label: heading(metric), ...series(run, select.value)}]; };
  function draw() {
    if (c) c.u.destroy();
    c = chart({id: 'any', title: 'Any other metric', says: metricOf(run, select.value).meaning}, linesOf(), () => extent([run]));
    holder.replaceChildren(c.figure);
    if (width) c.resize(width);
    if (moment !== undefined) c.move(moment);
  }
  draw();
  return {
    node: el('div', {class: 'pick'}, el('label', {for: 'metric'}, 'Metric '), select, holder),
    chart: () => ({...c, resize(w) { width = w; c.resize(w); }}),
    move(epoch) { moment = epoch; c.move(epoch); },
    change(r) { run = r; c.change(linesOf()); },
  };
}

function metricTable(run) {
  return el('table', {}, el('caption', {}, 'The last value of every metric that was recorded.'),
    el('thead', {}, el('tr', {}, ...['metric', 'last value', 'at epoch', 'unit', 'better', 'meaning'].map((h, i) => el('th', {scope: 'col', class: (i === 1 || i === 2) && 'number'}, h)))),
    el('tbody', {}, ...run.metrics.filter(m => run.final[m.name]).map(m => el('tr', {}, el('th', {scope: 'row'}, m.name), el('td', {class: 'number'}, format(run.final[m.name].value)),
      el('td', {class: 'number'}, format(run.final[m.name].epoch)), el('td', {}, m.unit || ''), el('td', {}, m.better === 'neither' ? '' : m.better), el('td', {class: 'meaning'}, m.meaning)))));
}

const footer = () => el('footer', {}, 'Written by hessoscope. Charts: uPlot 1.6.32, MIT licence. docs/glossary.md has the formula, unit and error of every number.');

/* The comparison of runs */

const columns = [
  {title: 'status', value: r => r.status.replaceAll('_', ' ')}, {title: 'data', value: r => r.data.name}, {title: 'parameters', value: r => r.model.parameters},
  {title: 'epoch', value: r => r.epoch},
  ...['train/loss', 'train/accuracy', 'validation/accuracy', 'test/accuracy', 'spectrum/lambda_max', 'spectrum/outliers', 'boundary/complexity', 'boundary/directions', 'boundary/margin'].map(metric => ({metric})),
  {title: 'time', value: r => r.seconds, text: r => duration(r.seconds)},
];

// last returns the last value of a metric as text and as a number to sort by: the middle
// of its interval where only that is known.
function last(run, name) {
  const final = n => run.final[n];
  const value = final(name), low = final(name + '_low'), high = final(name + '_high');
  if (value && !(high && high.epoch > value.epoch)) return {text: format(value.value), number: value.value};
  if (low && high) return {text: between(low.value, high.value), number: (low.value + high.value) / 2};
  if (high) return {text: '≤ ' + format(high.value), number: high.value};
  return {text: '–'};
}

const overlays = [
  {metric: 'train/loss', title: 'Training loss'}, {metric: 'test/loss', title: 'Test loss'}, {metric: 'train/accuracy', title: 'Training accuracy', linear: true}, {metric: 'test/accuracy', title: 'Test accuracy', linear: true},
  {metric: 'spectrum/lambda_max', title: 'Largest eigenvalue λ₁'}, {metric: 'spectrum/outliers', title: 'Outliers', linear: true, steps: true},
  {metric: 'boundary/complexity', title: 'Complexity G', says: 'Share of eigenvectors that are aligned with the gradient of some sample; a shade where it lies, if it is not certain.'},
  {metric: 'boundary/directions', title: 'Directions', says: 'How many directions share the gradients’ energy; a shade where the number lies, if it is not certain.'},
  {metric: 'boundary/margin', title: 'Margin'}, {metric: 'boundary/margin_median', title: 'Median distance to the boundary', says: 'Half of the rightly classified samples are nearer.'},
  {metric: 'spectrum/edge_of_stability', title: 'Edge of stability', level: {y: 1, label: 'unstable above'}}, {metric: 'sharpness/critical', title: 'Critical sharpness'},
];

// overlaid returns the lines of all runs for a metric, or intervals where it is known as
// such only; a line has the index of its run.
function overlaid(overlay, runs) {
  const lines = [];
  runs.forEach((run, i) => {
    const line = {...runStyle(i), of: i, width: runs.length > 12 ? 1.25 : 2, label: run.name};
    const s = series(run, overlay.metric), low = series(run, overlay.metric + '_low'), high = series(run, overlay.metric + '_high');
    if (s) lines.push({...line, ...s});
    else if (low && high) lines.push({...line, width: 1, alpha: .5, ...high, bandWithNext: true}, {...line, width: 1, alpha: .5, points: false, ...low});
  });
  return lines;
}

const dashes = [undefined, [8, 4], [2, 3]];

function runStyle(i) {
  return {color: classColor(i) === '#5a5a5a' ? 'soft' : classColor(i), dash: dashes[Math.floor(i / classes.length) % dashes.length]};
}

function comparePage(data) {
  const drawn = [];
  for (const overlay of overlays) {
    const lines = overlaid(overlay, data.runs);
    if (!lines.length) continue;
    const metric = data.runs.map(r => metricOf(r, overlay.metric)).find(Boolean);
    const c = chart({id: overlay.metric, legend: false, says: overlay.says || (metric ? metric.meaning : ''), linear: overlay.linear, steps: overlay.steps, title: overlay.title}, lines, () => extent(data.runs), overlay.level);
    const name = el('p', {class: 'legend'});
    c.figure.querySelector('.legend').replaceWith(name);
    c.u.hooks.setSeries = [(u, i) => { name.textContent = i ? lines[i - 1].label : ''; }];
    drawn.push({...c, overlay, of: lines.map(l => l.of)});
  }
  const hidden = new Set(), order = {title: undefined, up: true};
  const lines = {
    hidden: i => hidden.has(i),
    toggle(i) {
      if (hidden.has(i)) hidden.delete(i); else hidden.add(i);
      for (const c of drawn) c.of.forEach((run, j) => { if (run === i) c.u.setSeries(j + 1, {show: !hidden.has(i)}); });
    },
    lift(i) {
      for (const c of drawn) { const j = c.of.indexOf(i); c.u.setSeries(j < 0 ? null : j + 1, {focus: j >= 0}); }
    },
  };
  const table = el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Runs'});
  const words = data.runs.map(() => el('div'));
  function fill() {
    for (const run of data.runs) run.words = data.words;
    table.replaceChildren(runTable(data.runs, order, lines));
    words.forEach((node, i) => node.replaceChildren(facts(data.runs[i]), summaryList(data.runs[i])));
  }
  fill();
  page.replaceChildren(el('h1', {}, data.title), el('p', {class: 'lead'}, 'Choose a heading to sort by it. The swatch of a run hides and shows its lines; a row under the pointer lifts them out.'),
    table, ...(data.notes ? [el('ul', {class: 'notes'}, ...data.notes.map(n => el('li', {}, n)))] : []),
    ...(drawn.length ? [el('h2', {}, 'Over the epochs'), el('div', {class: 'charts'}, ...drawn.map(c => c.figure))] : []),
    ...(data.runs.length ? [el('h2', {}, 'In words')] : []), ...data.runs.map((run, i) => el('details', {class: 'words'}, el('summary', {}, run.name), words[i])), footer());
  fit(() => drawn, () => []);
  return {
    restyle() { drawn.forEach(c => c.restyle()); },
    // change shows newer data of the same runs, or returns false if there are others.
    change(next) {
      const key = d => [d.compare, d.notes, d.runs.map(r => r.folder), overlays.map(o => overlaid(o, d.runs).map(l => [l.of, l.bandWithNext]))];
      if (JSON.stringify(key(next)) !== JSON.stringify(key(data))) return false;
      data = next;
      fill();
      for (const c of drawn) c.change(overlaid(c.overlay, data.runs));
      return true;
    },
  };
}

// runTable makes the table of runs, in an order that is kept in `order`.
function runTable(runs, order, lines) {
  const used = columns.filter(c => !c.metric || runs.some(r => last(r, c.metric).number !== undefined));
  const metric = c => runs.map(r => metricOf(r, c.metric)).find(Boolean);
  const rows = runs.map((run, i) => {
    const swatch = el('span', {class: 'swatch'});
    const {color, dash} = runStyle(i);
    swatch.style.borderTopColor = color === 'soft' ? 'var(--soft)' : color;
    swatch.style.borderTopStyle = ['solid', 'dashed', 'dotted'][dashes.indexOf(dash)];
    const show = el('button', {type: 'button', class: 'show', 'aria-pressed': String(!lines.hidden(i)), 'aria-label': 'Show the lines of ' + run.name,
      click: () => { lines.toggle(i); show.setAttribute('aria-pressed', String(!lines.hidden(i))); }}, swatch);
    const cells = used.map(c => c.metric ? last(run, c.metric) : {text: c.text ? c.text(run) : typeof c.value(run) === 'number' ? format(c.value(run)) : c.value(run), number: c.value(run)});
    return {
      keys: [run.name, ...cells.map(c => c.number)],
      node: el('tr', {pointerenter: () => lines.lift(i), pointerleave: () => lines.lift(null)},
        el('th', {scope: 'row'}, show, run.link ? el('a', {href: run.link}, run.name) : run.name),
        ...cells.map((c, j) => el('td', {class: used[j].metric || typeof c.number === 'number' ? 'number' : undefined}, c.text))),
    };
  });
  const body = el('tbody', {}, ...rows.map(r => r.node));
  const titles = [], heads = ['run', ...used].map((c, i) => {
    const m = c.metric && metric(c);
    const title = c === 'run' ? 'run' : m ? heading(m) : c.title || c.metric;
    titles.push(title);
    return el('th', {scope: 'col', class: (c.metric || /parameters|epoch|time/.test(title)) && 'number'},
      m ? term(title, m, undefined, {click: () => choose(i)}) : el('button', {type: 'button', class: 'term', click: () => choose(i)}, title));
  });
  function choose(i) {
    order.up = order.title !== titles[i] || !order.up;
    order.title = titles[i];
    sort();
  }
  function sort() {
    const column = titles.indexOf(order.title), up = order.up;
    heads.forEach(h => h.removeAttribute('aria-sort'));
    if (column < 0) return;
    heads[column].setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const compare = (a, b) => typeof a === 'string' ? a.localeCompare(b, 'en', {numeric: true}) : a - b;
    rows.sort(({keys: {[column]: a}}, {keys: {[column]: b}}) => a === undefined ? (b === undefined ? 0 : 1) : b === undefined ? -1 : (up ? 1 : -1) * compare(a, b)); // what is not known comes last
    body.replaceChildren(...rows.map(r => r.node));
  }
  sort();
  return el('table', {}, el('thead', {}, el('tr', {}, ...heads)), body);
}

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

})();
