/* The comparison of runs */

const columns = [
  {title: 'status', value: r => r.status.replaceAll('_', ' ')}, {title: 'data', value: r => r.data.name}, {title: 'parameters', value: r => r.model.parameters},
  {title: 'epoch', value: r => r.epoch},
  ...['train/loss', 'train/accuracy', 'validation/accuracy', 'test/accuracy', 'spectrum/lambda_max', 'spectrum/outliers', 'boundary/complexity', 'boundary/directions', 'boundary/margin'].map(metric => ({metric})),
  {title: 'time', value: r => r.seconds, text: r => duration(r.seconds)},
];

// last returns the last value of a metric as text and as a number to sort by: the middle
// of its interval where only that is known; and its epoch, if that is not the run's last.
function last(run, name) {
  const final = n => run.final[n];
  const value = final(name), low = final(name + '_low'), high = final(name + '_high');
  const cell = (text, number, {epoch}) => ({text, number, at: epoch < run.epoch ? epoch : undefined});
  if (value && !(high && high.epoch > value.epoch)) return cell(format(value.value), value.value, value);
  if (low && high) return cell(between(low.value, high.value), (low.value + high.value) / 2, high);
  if (high) return cell('≤ ' + format(high.value), high.value, high);
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
        ...cells.map((c, j) => el('td', {class: used[j].metric || typeof c.number === 'number' ? 'number' : undefined}, c.text,
          ...(c.at === undefined ? [] : [el('small', {}, 'at epoch ' + c.at)])))),
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
