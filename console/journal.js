// Entries of a node's journal.

import { el, precise, table, when, whole } from "./dom.js";

const HEX = /^[0-9a-f]{64,}$/;

function fact(value) {
  if (typeof value === "string") return HEX.test(value) ? el("code", { title: value }, value.slice(0, 12)) : value.length > 300 ? `${value.slice(0, 300)} …` : value;
  if (Array.isArray(value)) return value.map((item) => (item && typeof item === "object" ? JSON.stringify(item) : String(item))).join(", ");
  if (value && typeof value === "object") return JSON.stringify(value);
  return Number.isInteger(value) ? whole(value) : typeof value === "number" ? precise(value) : String(value);
}

const told = (facts) => Object.entries(facts).map(([name, value], index) => [index ? "; " : "", el("span", { class: "muted" }, `${name.replaceAll("_", " ")} `), fact(value)]);

export function entries(list, caption) {
  return table(
    caption,
    [{ text: "Entry", number: true }, "Time", "Event", "Run", { text: "Facts", words: true }],
    [...list].reverse().map((entry) => [String(entry.entry), when(entry.time * 1000), entry.event, entry.run ? el("code", {}, entry.run.slice(0, 12)) : "–", told(entry.facts)]),
    "No entry yet.",
  );
}

// What left this bank in a run, by its own journal.
export function sent(list) {
  const inputs = list.filter((entry) => entry.event === "sent").map((entry) => entry.facts);
  const sum = (name) => inputs.reduce((total, facts) => total + facts[name], 0);
  return { inputs: inputs.length, words: sum("words"), bytes: sum("bytes") };
}
