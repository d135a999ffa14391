"use strict";
/* What is drawn of a report. */

document.body.append(tooltip);
const report = JSON.parse(document.querySelector("#report").textContent);
const layers = report.layers;
const hertz = report.latency.frequency_hz;
const cyclesMark = document.body.dataset.mark;

const ends = [];
layers.reduce((now, layer) => (ends.push(now + layer.cycles), ends[ends.length - 1]), 0);
const begins = layers.map((layer, i) => ends[i] - layer.cycles);
const total = ends[ends.length - 1] || 1;
const slowest = layers.reduce((best, layer, i) => (layer.cycles > layers[best].cycles ? i : best), 0);
const isSlowest = layer => layer.cycles >= 0.995 * layers[slowest].cycles;

/* ---- numbers as people read them ---- */

const digits = value => (value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString());

function scaled(value, scales, unit) {
  if (!value) return `0 ${unit}`.trim();
  const [scale, prefix] = scales.find(([each]) => Math.abs(value) >= each) || scales[scales.length - 1];
  return `${digits(value / scale)} ${prefix}${unit}`.trim();
}

const count = value => scaled(value, [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]], "");
const time = value => scaled(value, [[1, ""], [1e-3, "m"], [1e-6, "u"], [1e-9, "n"]], "s");
const KIB = 1024;
function size(bytes) {
  if (bytes < KIB) return `${Math.round(bytes)} B`;
  if (bytes < KIB * KIB) return `${(bytes / KIB).toFixed(1)} KiB`;
  return `${(bytes / KIB / KIB).toFixed(2)} MiB`;
}
const sizeTick = bytes => size(bytes).replace(/\.0+(?= )/, "");
const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "-");
const plain = value => Number(value.toPrecision(4)).toString();

/* ---- the axis of time, or of layers of the same width ---- */

let even = false;
const span = new Domain(0, total);

/* Where on the axis a cycle lies. */
function place(cycle) {
  if (!even) return cycle;
  let low = 0, high = layers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > cycle) high = middle;
    else low = middle + 1;
  }
  const inside = layers[low].cycles ? (cycle - begins[low]) / layers[low].cycles : 0;
  return low + Math.min(Math.max(inside, 0), 1);
}
const left = i => (even ? i : begins[i]);
const right = i => (even ? i + 1 : ends[i]);

const along = {
  x: span,
  xTicks: (from, to, many) =>
    even
      ? linearTicks(from, to, Math.min(many, to - from))
      : linearTicks((from / hertz) * 1e3, (to / hertz) * 1e3, many).map(ms => (ms * hertz) / 1e3),
  xText: at => (even ? `layer ${Math.round(at)}` : time(at / hertz)),
};

/* The cycle at a place of the axis. */
function cycleAt(at) {
  if (!even) return at;
  const i = Math.min(Math.floor(at), layers.length - 1);
  return begins[i] + (at - i) * layers[i].cycles;
}

function setEven(on) {
  const [from, to] = span.view.map(cycleAt);
  const whole = span.isWhole;
  even = on;
  span.whole = [0, even ? layers.length : total];
  if (whole) span.reset();
  else span.show(place(from), place(to));
}
for (const box of document.querySelectorAll("input[name=axis]")) {
  box.addEventListener("change", () => setEven(box.value === "layers"));
}

function about(i) {
  const layer = layers[i];
  const lines = [
    `${i}: ${layer.name}`,
    `${layer.op}, ${layer.engine}${layer.on_cores ? `, not NE16: ${layer.on_cores}` : ""}`,
    `${count(layer.cycles)} cycles (${cyclesMark}), ${share(layer.cycles, total)}, ${time(layer.cycles / hertz)}`,
  ];
  if (layer.macs) lines.push(`${count(layer.macs)} MAC, ${plain(layer.macs / (layer.cycles || 1))} a cycle`);
  return lines;
}

function bandOfSelected(chart) {
  if (selected === undefined) return;
  const [low, high] = chart.y.whole;
  chart.box(left(selected), right(selected), low, high, "chosen", about(selected), "", selected);
}

const draws = [];
document.addEventListener("layer", () => draws.forEach(chart => chart.draw()));

function figure(id, settings) {
  const host = document.getElementById(id);
  if (host) draws.push(new Chart(host, settings));
}

/* ---- memory over time ---- */

function aboutBuffer(buffer, level) {
  const copies = buffer.copies ?? 1;
  const pieces = copies > 1 ? `, ${copies} copies` : "";
  const when = buffer.first === buffer.last
    ? `layer ${buffer.first}: ${layers[buffer.first].name}`
    : `layers ${buffer.first} to ${buffer.last}: ${layers[buffer.first].name} to ${layers[buffer.last].name}`;
  const end = buffer.address + buffer.bytes;
  return [
    buffer.name,
    `${buffer.kind}, ${size(buffer.bytes)}${pieces}`,
    `${level.toUpperCase()} bytes ${buffer.address.toLocaleString("en")} to ${end.toLocaleString("en")} of the arena (planned)`,
    level === "l3" ? "in L3 always" : when,
  ];
}

/* When L3 reads each layer's weights: one after another, each from the start of a layer on. */
function reads() {
  const found = [];
  let free = 0;
  layers.forEach((layer, i) => {
    if (!layer.read_cycles) return;
    const begin = Math.max(free, begins[layer.read_from]);
    free = begin + layer.read_cycles;
    found.push({ layer: i, begin, end: Math.min(free, total) });
  });
  return found;
}

function memory(name) {
  const level = report.memory[name];
  const buffers = report.buffers[name];
  const top = name === "l3" ? level.arena : Math.max(level.capacity, level.peak);
  figure(`memory-${name}`, {
    ...along,
    label: `${name.toUpperCase()} over time`,
    y: new Domain(0, Math.max(top, 1)),
    height: name === "l3" ? 220 : 320,
    yTicks: (from, to, many) => linearTicks(from, to, many, 2),
    yText: sizeTick,
    paint(chart) {
      for (const each of buffers) {
        chart.box(left(each.first), right(each.last), each.address, each.address + each.bytes,
          `buffer ${each.kind}`, aboutBuffer(each, name), each.name,
          each.first === each.last ? each.first : undefined);
      }
      if (name === "l3") paintReads(chart, buffers);
      else if (level.reserved) {
        const what = name === "l1" ? "stacks" : "code and stacks";
        const code = level.code === undefined ? "" : `, ${size(level.code)} of it code`;
        const lines = [`${size(level.reserved)} for ${what}${code}`, document.body.dataset.reserved];
        chart.box(...span.whole, top - level.reserved, top, "buffer reserved", lines, what);
      }
      bandOfSelected(chart);
    },
  });
}

function paintReads(chart, buffers) {
  for (const { layer, begin, end } of reads()) {
    const block = buffers.find(each => each.address === layers[layer].l3_address);
    if (!block) continue;
    chart.box(place(begin), place(end), block.address, block.address + block.bytes, "reading",
      [`read of ${block.name}`, `${size(block.bytes)} for layer ${layer} (estimate)`], "", layer, 2);
  }
}

/* ---- the engines ---- */

const ROWS = [
  ["layers", layer => 1, "span"],
  ["cycles", null],
  ["cores", layer => layer.compute, "cores"],
  ["NE16", layer => layer.ne16_busy, "ne16"],
  ["DMA", layer => layer.dma_busy, "dma"],
  ["L3", null],
];
const PARTS = [
  ["compute", "cores", "kernels on the cores"],
  ["exposed_ne16", "ne16", "waiting for NE16"],
  ["exposed_dma", "dma", "waiting for DMA"],
  ["exposed_l3", "l3", "waiting for L3"],
  ["overhead", "other", "the rest"],
];
const ESTIMATES = ["DMA", "L3"];

function timeline() {
  const known = layers.some(layer => layer.compute !== undefined);
  const moved = layers.some(layer => layer.dma_busy !== undefined);
  const present = ROWS.filter(([name]) =>
    name === "layers" ||
    (name === "NE16" ? layers.some(each => each.ne16_busy) : ESTIMATES.includes(name) ? moved : known));
  const heights = present.map(([name]) => (name === "cycles" ? 2 : 1));
  const whole = heights.reduce((a, b) => a + b, 0);
  const bottoms = heights.map((_, i) => whole - heights.slice(0, i + 1).reduce((a, b) => a + b, 0));
  const pad = 0.07;
  figure("timeline", {
    ...along,
    label: "Engines over time",
    y: new Domain(0, whole),
    zoomY: false,
    height: 36 * whole + 40,
    yTicks: () => bottoms.map((bottom, i) => bottom + heights[i] / 2),
    yText: at => present[bottoms.findIndex((bottom, i) => at > bottom && at < bottom + heights[i])][0],
    paint(chart) {
      present.forEach(([name, busy, kind], row) => {
        const low = bottoms[row] + pad, high = bottoms[row] + heights[row] - pad;
        if (name === "L3") {
          for (const { layer, begin, end } of reads()) {
            chart.box(place(begin), place(end), low, high, "l3",
              [`read of the weights of ${layers[layer].name}`,
                `${size(layers[layer].bytes)}, ${time((end - begin) / hertz)} (estimate)`], "", layer);
          }
          return;
        }
        layers.forEach((layer, i) => {
          if (name === "layers") {
            const class_ = isSlowest(layer) ? "span slowest" : i % 2 ? "span odd" : "span";
            chart.box(left(i), right(i), low, high, class_, about(i), [layer.name, layer.op.replace(/^q_/, "")], i);
          } else if (name === "cycles") paintParts(chart, layer, i, low, high);
          else {
            const part = Math.min((busy(layer) || 0) / (layer.cycles || 1), 1);
            if (!part) return;
            const mark = ESTIMATES.includes(name) ? "estimate" : cyclesMark;
            const lines = [`${name}: busy ${share(busy(layer), layer.cycles)} of layer ${i}`,
              `${count(busy(layer))} of ${count(layer.cycles)} cycles (${mark})`, layer.name];
            chart.box(left(i), right(i), low, low + part * (high - low), kind, lines, "", i);
          }
        });
      });
      bandOfSelected(chart);
    },
  });
}

function paintParts(chart, layer, i, low, high) {
  const sum = PARTS.reduce((all, [part]) => all + (layer[part] || 0), 0);
  if (!sum) return;
  let from = low;
  for (const [part, kind, text] of PARTS) {
    const cycles = layer[part] || 0;
    const to = from + ((high - low) * cycles) / sum;
    const lines = [`${share(cycles, sum)} ${text}`, `${count(cycles)} cycles (${cyclesMark})`, layer.name];
    if (cycles) chart.box(left(i), right(i), from, to, kind, lines, "", i);
    from = to;
  }
}

/* ---- accuracy along the network ---- */

function accuracy() {
  const judged = layers.filter(layer => typeof layer.sqnr_db === "number");
  if (!judged.length) return;
  const values = judged.map(layer => layer.sqnr_db);
  const y = new Domain(Math.min(0, ...values), Math.max(...values) * 1.08 + 1);
  figure("sqnr", {
    ...along,
    label: "SQNR after each layer",
    y,
    height: 200,
    yText: db => `${plain(db)} dB`,
    paint(chart) {
      layers.forEach((layer, i) => {
        if (typeof layer.sqnr_db !== "number") return;
        const lines = [`${layer.sqnr_db.toFixed(1)} dB after layer ${i} (measured)`, layer.name];
        chart.box(left(i), right(i), y.whole[0], layer.sqnr_db, "sqnr", lines, "", i);
      });
      bandOfSelected(chart);
    },
  });
}

/* ---- roofline ---- */

const log = Math.log10;
const powerOfTen = at => plain(10 ** at);

function roofline() {
  const peaks = report.peaks;
  const points = layers
    .map((layer, i) => ({ layer, i, x: layer.macs / layer.bytes_moved, y: layer.macs / layer.cycles }))
    .filter(each => each.layer.macs && each.layer.bytes_moved && each.layer.cycles);
  if (!points.length) return;
  const tops = [peaks.cores_macs_per_cycle, report.ne16_macs_per_cycle].filter(Boolean);
  const bandwidth = peaks.l2_l1_bytes_per_cycle;
  const bends = tops.map(top => top / bandwidth);
  const xs = [...points.map(each => each.x), ...bends], ys = [...points.map(each => each.y), ...tops];
  const x = new Domain(log(Math.min(...xs)) - 0.15, log(Math.max(...xs)) + 0.3);
  const y = new Domain(log(Math.min(...ys)) - 0.15, log(Math.max(...ys)) + 0.2);
  const names = { cluster: "cores", ne16: "NE16" };
  figure("roofline", {
    label: "Roofline",
    x, y,
    zoomY: "always",
    height: 360,
    xTitle: "MAC per byte moved between L2 and L1",
    xTicks: logTicks, yTicks: logTicks, xText: powerOfTen, yText: powerOfTen,
    paint(chart) {
      const roofs = [["cores", peaks.cores_macs_per_cycle, "cores"],
        ["ne16", report.ne16_macs_per_cycle, "NE16, 1x1 jobs:"]];
      const highest = log(Math.max(...tops, 1));
      chart.line([[x.whole[0], x.whole[0] + log(bandwidth)], [highest - log(bandwidth), highest]], "roof");
      for (const [kind, top, name] of roofs) {
        if (!top) continue;
        chart.line([[log(top / bandwidth), log(top)], [x.whole[1], log(top)]], `roof ${kind}`);
        const place = { x: chart.plot.left + chart.plot.width - 6, y: chart.py(log(top)) - 6, "text-anchor": "end" };
        chart.names.append(svg("text", { class: "name halo", ...place }, `${name} ${plain(top)} MAC/cycle`));
      }
      const byTime = [...points].sort((a, b) => b.layer.cycles - a.layer.cycles);
      for (const { layer, i, x, y } of byTime) {
        const kind = layer.engine.includes("ne16") ? "ne16" : "cores";
        const class_ = `point ${kind}${i === slowest ? " slowest" : ""}${i === selected ? " chosen-point" : ""}`;
        const lines = [...about(i), `${plain(x)} MAC a byte moved (estimate)`];
        chart.dot(log(x), log(y), 4 + 14 * Math.sqrt(layer.cycles / total), class_, lines, i);
      }
      const worst = points.find(each => each.i === slowest);
      if (worst) labelSlowest(chart, worst);
    },
  });
}

function labelSlowest(chart, { layer, x, y }) {
  const { left, width } = chart.plot;
  const text = `slowest: ${shorten(layer.name, Math.floor(width / LETTER) - 13)}`;
  const half = (text.length * LETTER) / 2;
  const middle = Math.min(Math.max(chart.px(log(x)), left + half + 4), left + width - half - 4);
  const below = chart.py(log(y)) + 14 * Math.sqrt(layer.cycles / total) + 20;
  chart.names.append(svg("text", { class: "name strong halo", x: middle, y: below, "text-anchor": "middle" }, text));
}

/* ---- outputs ---- */

function outputs() {
  report.outputs.forEach((output, index) => {
    const all = [...output.float_model, ...output.integer];
    const low = Math.min(...all), high = Math.max(...all);
    const room = (high - low) * 0.05 || 1;
    figure(`output-${index}`, {
      label: `Outputs ${output.name}: integer against float`,
      x: new Domain(low - room, high + room),
      y: new Domain(low - room, high + room),
      zoomY: "always",
      height: 320,
      xTitle: `${output.name}, float model`,
      xTicks: linearTicks, xText: plain, yText: plain,
      paint(chart) {
        chart.line([[low - room, low - room], [high + room, high + room]], "roof");
        output.float_model.forEach((value, i) => {
          const integer = output.integer[i];
          const lines = [`float ${plain(value)}, integer ${plain(integer)}`, `difference ${plain(integer - value)} (measured)`];
          chart.dot(value, integer, 2.5, "point output", lines);
        });
      },
    });
  });
}

if (report.buffers) for (const name of ["l1", "l2", "l3"]) memory(name);
timeline();
accuracy();
if (report.peaks) roofline();
if (report.outputs) outputs();
window.addEventListener("beforeprint", () => draws.forEach(chart => chart.draw()));
