// Elements made from data. Text goes in as text alone: nothing here reads HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// A table that scrolls by itself where the screen is narrow, by keyboard too. Cells are texts or nodes; a column may be
// {text, number: true} or, of sentences, {text, words: true}; the first cell of a row is its header.
export function table(caption, columns, rows, empty) {
  const heads = columns.map((column) => (typeof column === "string" ? { text: column } : column));
  if (rows.length === 0) return el("p", { class: "muted" }, empty || "Nothing yet.");
  const cell = (content, index) =>
    el(index === 0 ? "th" : "td", { scope: index === 0 ? "row" : null, class: heads[index].number ? "number" : heads[index].words ? "words" : null }, content);
  return el(
    "div",
    { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    el(
      "table",
      {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", class: head.number ? "number" : null }, head.text)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell)))),
    ),
  );
}

// Names and values.
export function facts(pairs) {
  return el(
    "dl",
    { class: "facts" },
    pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

export const list = (names, none) => (names && names.length ? names.join(", ") : none || "none");

const STATES = {
  open: "running",
  waits: "waits for an officer",
  done: "done",
  failed: "ended",
  refused: "refused",
  ended: "ended",
  approved: "approved",
  approve: "approves",
  deny: "denies",
  forgotten: "forgotten",
};
export const badge = (state) => el("span", { class: `badge ${state}` }, STATES[state] || state);

// ---- times: by the daemon's clock

let ahead = 0; // of ours, in milliseconds
export const clockIs = (now) => (ahead = now - Date.now());

const pad = (number) => String(number).padStart(2, "0");
export function when(ms) {
  if (!ms) return "";
  const date = new Date(ms);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return el("time", { datetime: date.toISOString() }, `${day} ${time}`);
}
export function span(ms) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}
const age = (ms) => span(Math.floor(Math.max(0, Date.now() + ahead - ms) / 1000) * 1000).replace(".0 ", " ");
export const since = (ms) => el("span", { class: "since", "data-since": ms }, age(ms));
export function tick() {
  for (const node of document.querySelectorAll("[data-since]")) {
    const text = age(Number(node.dataset.since));
    if (node.textContent !== text) node.textContent = text;
  }
}

// ---- numbers

export const fixed = (value, digits) => (typeof value === "number" ? value.toFixed(digits) : "–");
export const percent = (value) => (typeof value === "number" ? `${(100 * value).toFixed(1)} %` : "–");
export const whole = (value) => (typeof value === "number" ? String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f") : "–");
export const precise = (value) => (typeof value === "number" ? (value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(1) : value.toPrecision(4)) : "–");
