// Charts as SVG. Each has a title and a description, and stands beside a table with the same numbers.

import { el, svg } from "./dom.js";

const WIDE = { width: 640, height: 300 };
const EVEN = { width: 460, height: 400 };
const LEFT = 76;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 46;

// Round numbers between low and high.
function steps(low, high, most) {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= raw);
  const out = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at++) out.push(at * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return out.map((value) => ({ value, text: value.toFixed(Math.min(digits, 12)) }));
}

function frame(options) {
  const { low, high, size } = options;
  const width = size.width - LEFT - RIGHT;
  const height = size.height - TOP - BOTTOM;
  const x = (value) => LEFT + ((value - low.x) / (high.x - low.x)) * width;
  const y = (value) => TOP + height - ((value - low.y) / (high.y - low.y)) * height;
  const horizontal = steps(low.y, high.y, 5).map(({ value, text }) => [
    svg("line", { class: "grid", x1: LEFT, x2: size.width - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, text),
  ]);
  const vertical = steps(low.x, high.x, 8)
    .filter(({ value }) => !options.whole || Number.isInteger(value))
    .map(({ value, text }) => ({ value, text: options.whole ? String(value) : text }))
    .map(({ value, text }) => svg("text", { class: "tick", x: x(value), y: size.height - BOTTOM + 18, "text-anchor": "middle" }, text));
  const names = [
    svg("text", { class: "axis", x: LEFT + width / 2, y: size.height - 6, "text-anchor": "middle" }, options.across),
    svg("text", { class: "axis", x: 14, y: TOP + height / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${TOP + height / 2})` }, options.up),
  ];
  return { x, y, parts: [horizontal, vertical, names] };
}

function figure(options, frameOf, marks) {
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${options.size.width} ${options.size.height}`, class: options.size === EVEN ? "even" : null, role: "img", "aria-label": `${options.title}. ${options.description}` },
    frameOf.parts,
    marks,
  );
  return el("figure", {}, drawing, options.legend ? el("figcaption", {}, options.legend) : null);
}

const path = (points, { x, y }) => points.map((point, index) => `${index ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`).join("");

// points: [[x, y], ...] with at least two of them.
export function curve(options, points) {
  const ys = points.map((point) => point[1]);
  const xs = points.map((point) => point[0]);
  const room = (Math.max(...ys) - Math.min(...ys)) * 0.06 || Math.abs(ys[0]) * 0.01 || 1;
  const low = { x: Math.min(...xs), y: Math.min(...ys) - room };
  const high = { x: Math.max(...xs), y: Math.max(...ys) + room };
  const at = frame({ ...options, size: WIDE, low, high, whole: true });
  const dots = points.map((point) => svg("circle", { class: "dot", cx: at.x(point[0]), cy: at.y(point[1]), r: 4 }));
  return figure({ ...options, size: WIDE }, at, [svg("path", { class: "line one", d: path(points, at) }), dots]);
}

const key = (name, kind) => el("span", { class: `key ${kind}` }, name);

// Curves between 0 and 1 both ways, with the diagonal: {name, kind, points}.
export function square(options, curves) {
  const at = frame({ ...options, size: EVEN, low: { x: 0, y: 0 }, high: { x: 1, y: 1 } });
  const diagonal = svg("path", { class: "diagonal", d: path([[0, 0], [1, 1]], at) });
  const lines = curves.map(({ kind, points, pieces }) =>
    (pieces || [points]).map((piece) => svg("path", { class: `line ${kind}`, d: path(piece, at) })),
  );
  return figure({ ...options, size: EVEN, legend: curves.map(({ name, kind }) => key(name, kind)) }, at, [diagonal, lines]);
}
