// What the daemon warned of lately.

import { el, table, when } from "./dom.js";

export function warnings(state) {
  const rows = [...state.warnings].reverse().map((line) => [
    when(Date.parse(line.time)),
    el("span", { class: `badge ${line.level === "error" ? "failed" : "waits"}` }, line.level),
    `${line.run ? `${line.run}: ` : ""}${line.message}${line.peer ? ` (asked by ${line.peer})` : ""}`,
  ]);
  return [
    { id: "title", data: "", build: () => el("h1", { tabindex: "-1" }, "Warnings") },
    { id: "warnings", data: state.warnings, build: () => [el("p", {}, "The latest warnings and errors of this process; the log has all."), table("Warnings, the latest first", ["Time", "Level", { text: "What", words: true }], rows, "None since it started.")] },
  ];
}
