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
    c.fillStyle = color('soft');
    for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++) {
      if (p % step) continue;
      for (const mark of powers < 2 ? [1, 2, 5] : [1]) {
        const v = mark * 10 ** p;
        if (v < low || v > high) continue;
        line(c, left, y(v), width - right, y(v), color('rule'));
        c.fillText(format(v), left - 8, y(v));
      }
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
