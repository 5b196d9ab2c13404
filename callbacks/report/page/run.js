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

// confusion shows for a split how often each class is taken for each.
function confusion(run, split) {
  const c = run.confusion[split], cell = v => el('td', {class: 'number'}, format(v));
  const head = (text, of) => el('th', {scope: 'col', class: 'number'}, term(text, undefined, of));
  return el('table', {class: 'confusion', 'aria-label': `Classes of the ${split} split`},
    el('thead', {}, el('tr', {}, el('th', {scope: 'col'}, 'class'), head('recall', run.words.recall), head('precision', run.words.precision),
      ...(c.matrix ? c.classes.map(name => head('as ' + name)) : []))),
    el('tbody', {}, ...c.classes.map((name, y) => el('tr', {}, el('th', {scope: 'row'}, name), cell(c.recall[y]), cell(c.precision[y]),
      ...(c.matrix ? c.matrix[y].map((n, p) => matrixCell(n, c.matrix[y].reduce((a, b) => a + b), p === y)) : []))),
    el('tr', {}, el('th', {scope: 'row'}, term('mean', undefined, run.words['balanced accuracy'])), cell(c.balanced_accuracy), el('td', {}), ...(c.matrix ? c.classes.map(() => el('td', {})) : []))));
}

// matrixCell is the darker the larger its share of the row is; what is right is blue, and
// mistakes are vermillion.
function matrixCell(n, of, right) {
  const node = el('td', {class: 'number ' + (right ? 'right' : 'wrong')}, n ? format(n) : '·');
  node.style.setProperty('--share', `${n ? Math.round(10 + 45 * n / of) : 0}%`);
  return node;
}

// classesPart shows the confusion of one split at a time.
function classesPart() {
  const select = el('select', {id: 'split', change: () => show()});
  const holder = el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Recall and precision of each class'});
  const says = el('p', {class: 'notes'});
  const node = el('section', {class: 'pick', hidden: true}, el('h2', {}, 'Classes'), el('label', {for: 'split'}, 'Split '), select, says, holder);
  let run;
  const show = () => {
    says.textContent = `By the network of epoch ${format(run.kept)}: a row for each class` + (run.confusion[select.value].matrix ? ', and in the columns what its samples are taken for.' : '.');
    holder.replaceChildren(confusion(run, select.value));
  };
  return {
    node,
    change(r) {
      run = r;
      const splits = Object.keys(run.confusion || {});
      node.hidden = !splits.length;
      if (node.hidden) return;
      const chosen = splits.find(split => split === select.value) || splits.find(split => split !== 'train') || splits[0];
      select.replaceChildren(...splits.map(split => el('option', {value: split}, split)));
      select.value = chosen;
      show();
    },
  };
}

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
  const other = anyMetric(run), classes = classesPart();
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
    classes.change(run);
    notes.replaceChildren(...(run.notes.length ? [el('ul', {class: 'notes'}, ...run.notes.map(n => el('li', {}, n)))] : []));
  }
  head();
  page.replaceChildren(intro, notes, ...(scrubber.epochs.length ? [el('h2', {}, run.frames.length ? 'At each measurement' : 'Over the epochs'), scrubber.node, values] : []),
    ...(panels.length ? [el('div', {class: 'panels'}, ...panels.map(p => p.figure))] : []),
    ...(drawn.length ? [el('h2', {}, 'Over the epochs'), el('p', {class: 'notes'}, 'Drag across a chart to zoom, double-click for all. A click takes the slider to the nearest measurement.'),
      el('div', {class: 'charts'}, ...drawn.map(c => c.figure))] : []),
    ...(other ? [other.node] : []), classes.node,
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
