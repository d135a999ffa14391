"use strict";
/* A chart in SVG: axes, marks, a tooltip; a part of it fills the chart when a mouse draws a box
 * around it. Domains may be shared between charts, which then show the same part. */

const SVG = "http://www.w3.org/2000/svg";
const LETTER = 6.1; /* pixels of a letter in a mark, rather too many */
const THIN = 3; /* pixels of a box whose border would hide its colour */

function svg(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/* The end of a name, from one of its parts if that costs little. */
function shorten(text, letters) {
  if (text.length <= letters) return text;
  if (letters < 3) return "";
  const end = text.slice(text.length - letters + 1);
  const cut = end.slice(0, -1).search(/[/._]/);
  return "…" + (cut >= 0 && cut < end.length / 2 ? end.slice(cut) : end);
}

/* The first of the names that fits; of the last one the end, if that says anything. */
function fitting(names, letters) {
  const all = [names].flat();
  const whole = all.find(name => name.length <= letters);
  if (whole !== undefined) return whole;
  return letters < 7 ? "" : shorten(all[all.length - 1], letters);
}

class Domain {
  constructor(from, to) {
    this.whole = [from, to];
    this.view = [from, to];
    this.charts = [];
  }

  show(from, to) {
    const [first, last] = this.whole;
    const least = (last - first) * 1e-5;
    if (to - from < least) return;
    this.view = [Math.max(first, from), Math.min(last, to)];
    if (this.view[1] - this.view[0] < least) this.view = [first, last];
    for (const chart of this.charts) chart.draw();
  }

  zoom(factor) {
    const [from, to] = this.view;
    const half = ((to - from) * factor) / 2;
    this.show((from + to) / 2 - half, (from + to) / 2 + half);
  }

  move(share) {
    const [from, to] = this.view;
    const [first, last] = this.whole;
    const by = Math.min(Math.max((to - from) * share, first - from), last - to);
    this.show(from + by, to + by);
  }

  reset() {
    this.show(...this.whole);
  }

  get isWhole() {
    return this.view[0] === this.whole[0] && this.view[1] === this.whole[1];
  }
}

/* Round numbers between two, about as many as asked for. */
function linearTicks(from, to, count, base = 10) {
  const rough = (to - from) / Math.max(count, 1);
  if (!(rough > 0)) return [from];
  const power = base ** Math.floor(Math.log(rough) / Math.log(base) + 1e-9);
  const steps = base === 2 ? [1, 2] : [1, 2, 5, 10];
  const step = power * steps.find(each => each * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) ticks.push(i * step);
  return ticks;
}

/* Of an axis of logarithms: powers of ten, or where few of these are seen, 1-2-5 steps too. */
function logTicks(from, to) {
  const digits = to - from > 3 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let p = Math.floor(from); p <= Math.ceil(to); p++) {
    for (const digit of digits) {
      const at = p + Math.log10(digit);
      if (at >= from - 1e-9 && at <= to + 1e-9) ticks.push(at);
    }
  }
  return ticks;
}

const tooltip = document.createElement("div");
tooltip.className = "tooltip";
tooltip.hidden = true;

function showTooltip(event, lines) {
  tooltip.replaceChildren(
    ...lines.map((line, i) => {
      const part = document.createElement(i ? "div" : "b");
      part.textContent = line;
      return part;
    }),
  );
  tooltip.hidden = false;
  const box = tooltip.getBoundingClientRect();
  const right = event.clientX + 14 + box.width > document.documentElement.clientWidth;
  const below = event.clientY + 14 + box.height > window.innerHeight;
  tooltip.style.left = `${Math.max(4, right ? event.clientX - box.width - 10 : event.clientX + 14)}px`;
  tooltip.style.top = `${Math.max(4, below ? event.clientY - box.height - 10 : event.clientY + 14)}px`;
}

/* settings: x, y (Domains; y from the bottom up), height, left, label, xTicks and yTicks (from, to,
 * count -> values), xText and yText (value -> text), paint(chart), zoomY. */
class Chart {
  constructor(host, settings) {
    Object.assign(this, { left: 62, height: 240, zoomY: true, yTicks: linearTicks }, settings);
    this.host = host;
    this.margin = { top: 8, right: 14, bottom: this.xTitle ? 38 : 22 };
    this.root = svg("svg", { role: "img", "aria-label": this.label, tabindex: 0 });
    host.append(this.root, ...this.controls());
    for (const domain of [this.x, this.y]) domain.charts.push(this);
    this.listen();
    this.width = 0;
    new ResizeObserver(() => {
      if (Math.abs(host.clientWidth - this.width) > 1) this.draw();
    }).observe(host);
    this.draw();
  }

  controls() {
    const bar = document.createElement("div");
    bar.className = "controls on-screen";
    const add = (text, title, action) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.title = title;
      button.setAttribute("aria-label", title);
      button.addEventListener("click", action);
      bar.append(button);
      return button;
    };
    add("+", "Zoom in", () => this.zoom(0.5));
    add("−", "Zoom out", () => this.zoom(2));
    add("◂", "Move left", () => this.x.move(-0.5));
    add("▸", "Move right", () => this.x.move(0.5));
    this.whole = add("all", "Show all", () => this.reset());
    return [bar];
  }

  zoom(factor) {
    this.x.zoom(factor);
    if (this.zoomY === "always") this.y.zoom(factor);
  }

  reset() {
    this.x.reset();
    this.y.reset();
  }

  get plot() {
    const { top, right, bottom } = this.margin;
    return {
      left: this.left, top,
      width: Math.max(this.width - this.left - right, 40),
      height: this.height - top - bottom,
    };
  }

  px(x) {
    const [from, to] = this.x.view;
    return this.plot.left + ((x - from) / (to - from)) * this.plot.width;
  }

  py(y) {
    const [from, to] = this.y.view;
    return this.plot.top + (1 - (y - from) / (to - from)) * this.plot.height;
  }

  at(event) {
    const box = this.root.getBoundingClientRect();
    const scale = this.width / (box.width || 1);
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    return { x, y };
  }

  value(place) {
    const { left, top, width, height } = this.plot;
    const [x0, x1] = this.x.view, [y0, y1] = this.y.view;
    return {
      x: x0 + ((place.x - left) / width) * (x1 - x0),
      y: y0 + (1 - (place.y - top) / height) * (y1 - y0),
    };
  }

  draw() {
    this.width = Math.max(this.host.clientWidth, 280);
    const { left, top, width, height } = this.plot;
    this.root.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    const clip = `clip-${this.host.id}`;
    const clipPath = svg("clipPath", { id: clip });
    clipPath.append(svg("rect", { x: left, y: top, width, height }));
    this.marks = svg("g", { "clip-path": `url(#${clip})` });
    this.names = svg("g", { "clip-path": `url(#${clip})` }); /* over all marks */
    this.root.replaceChildren(
      clipPath, svg("rect", { class: "plot", x: left, y: top, width, height }), this.axes(), this.marks, this.names,
    );
    this.paint(this);
    this.whole.disabled = this.x.isWhole && this.y.isWhole;
  }

  axes() {
    const { left, top, width, height } = this.plot;
    const group = svg("g", { class: "axis" });
    const below = top + height;
    let free = -Infinity;
    for (const tick of this.xTicks(...this.x.view, width / 90)) {
      const x = this.px(tick), text = this.xText(tick), half = (text.length * LETTER) / 2;
      group.append(svg("line", { x1: x, x2: x, y1: top, y2: below }));
      const middle = Math.min(x, this.width - half - 2);
      if (middle - half < free) continue;
      group.append(svg("text", { x: middle, y: below + 14, "text-anchor": "middle" }, text));
      free = middle + half + 8;
    }
    for (const tick of this.yTicks(...this.y.view, height / 40)) {
      const y = this.py(tick);
      group.append(svg("line", { x1: left, x2: left + width, y1: y, y2: y }));
      group.append(svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, this.yText(tick)));
    }
    if (this.xTitle) {
      const place = { x: left + width / 2, y: below + 31, "text-anchor": "middle" };
      group.append(svg("text", { class: "title", ...place }, this.xTitle));
    }
    return group;
  }

  /* A box from (x0, y0) to (x1, y1) in values, named where there is room; `least` pixels wide and high. */
  box(x0, x1, y0, y1, kind, lines, name = "", layer = undefined, least = 0.6) {
    const [from, to] = this.x.view;
    if (x1 < from || x0 > to) return;
    const { left, width } = this.plot;
    const a = Math.max(this.px(x0), left - 2), b = Math.min(this.px(x1), left + width + 2);
    const upper = this.py(y1), lower = this.py(y0);
    const place = { x: a, y: upper, width: Math.max(b - a, least), height: Math.max(lower - upper, least) };
    const thin = Math.min(place.width, place.height) < THIN;
    const rectangle = svg("rect", { class: thin ? `${kind} thin` : kind, ...place });
    this.mark(rectangle, lines, layer);
    if (name && lower - upper >= 12 && b - a > 24) {
      const text = fitting(name, Math.floor((b - a - 6) / LETTER));
      const middle = { x: (a + b) / 2, y: (upper + lower) / 2 + 4, "text-anchor": "middle" };
      if (text) this.names.append(svg("text", { class: "name", ...middle }, text));
    }
  }

  dot(x, y, radius, kind, lines, layer) {
    this.mark(svg("circle", { class: kind, cx: this.px(x), cy: this.py(y), r: radius }), lines, layer);
  }

  line(points, kind) {
    const path = points.map(([x, y]) => `${this.px(x).toFixed(2)},${this.py(y).toFixed(2)}`);
    this.marks.append(svg("polyline", { class: kind, points: path.join(" ") }));
  }

  mark(element, lines, layer) {
    element.marked = { lines, layer };
    this.marks.append(element);
  }

  listen() {
    const root = this.root;
    let begin = null, band = null;
    root.addEventListener("pointermove", event => {
      const marked = event.target.marked;
      if (begin === null && marked) showTooltip(event, marked.lines);
      else tooltip.hidden = true;
      if (begin !== null) band = this.band(begin, this.at(event), band);
    });
    root.addEventListener("pointerleave", () => (tooltip.hidden = true));
    root.addEventListener("pointerdown", event => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      begin = this.at(event);
      root.setPointerCapture(event.pointerId);
    });
    root.addEventListener("pointerup", event => {
      if (begin === null) return;
      const end = this.at(event), start = begin;
      begin = null;
      if (band) band.remove();
      band = null;
      if (Math.abs(end.x - start.x) < 5) this.click(event);
      else this.showBetween(start, end);
    });
    root.addEventListener("pointercancel", () => {
      begin = null;
      if (band) band.remove();
      band = null;
    });
    root.addEventListener("dblclick", () => this.reset());
    root.addEventListener("keydown", event => {
      const actions = {
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
        ArrowLeft: () => this.x.move(-0.25), ArrowRight: () => this.x.move(0.25), 0: () => this.reset(),
      };
      if (!(event.key in actions) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      actions[event.key]();
    });
  }

  click(event) {
    const under = document.elementFromPoint(event.clientX, event.clientY);
    if (under && under.marked && under.marked.layer !== undefined) select(under.marked.layer);
  }

  get picksY() {
    return this.zoomY !== false;
  }

  band(start, end, old) {
    const band = old || this.root.appendChild(svg("rect", { class: "band" }));
    const { top, height } = this.plot;
    const tall = this.picksY && Math.abs(end.y - start.y) > 12;
    const place = {
      x: Math.min(start.x, end.x), width: Math.abs(end.x - start.x),
      y: tall ? Math.min(start.y, end.y) : top, height: tall ? Math.abs(end.y - start.y) : height,
    };
    for (const [key, value] of Object.entries(place)) band.setAttribute(key, value);
    return band;
  }

  showBetween(start, end) {
    const a = this.value(start), b = this.value(end);
    if (this.picksY && Math.abs(end.y - start.y) > 12) {
      this.y.show(Math.min(a.y, b.y), Math.max(a.y, b.y));
    }
    this.x.show(Math.min(a.x, b.x), Math.max(a.x, b.x));
  }
}
