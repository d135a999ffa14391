"use strict";
/* The layers' table: a click on a heading sorts, words in the box filter, a click on a row marks the
 * layer in the charts. */

const table = document.querySelector(".layers");
const rows = [...table.tBodies[0].rows];
let selected;

/* Marks a layer everywhere; the marked one again, or none, unmarks it. */
function select(layer) {
  selected = layer === selected ? undefined : layer;
  rows.forEach(row => row.classList.toggle("selected", Number(row.dataset.layer) === selected));
  document.dispatchEvent(new Event("layer"));
}

for (const row of rows) row.addEventListener("click", () => select(Number(row.dataset.layer)));

function sortBy(heading) {
  const column = heading.cellIndex;
  const old = heading.getAttribute("aria-sort");
  const down = old === "descending" ? 1 : -1;
  const key = row => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  rows.sort((a, b) => down * compare(key(a), key(b)) || a.dataset.layer - b.dataset.layer);
  table.tBodies[0].append(...rows);
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
}

for (const heading of table.tHead.rows[0].cells) {
  heading.querySelector("button").addEventListener("click", () => sortBy(heading));
}

const filter = document.querySelector("#filter");
const counted = document.querySelector("#counted");

function applyFilter() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
    shown += !row.hidden;
  }
  counted.textContent = words.length ? `${shown} of ${rows.length} layers` : `${rows.length} layers`;
}

filter.addEventListener("input", applyFilter);
applyFilter();
