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
