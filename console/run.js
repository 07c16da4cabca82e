// One run: what it is doing, how it came there, what it left.

import { curve } from "./chart.js";
import { badge, el, facts, fixed, list, since, span, table, when, whole } from "./dom.js";
import { entries, sent } from "./journal.js";
import { modelView } from "./model.js";

const number = (text) => ({ text, number: true });
const words = (text) => ({ text, words: true });
const card = (title, ...content) => [el("h2", {}, title), ...content];

export function facts_of(run) {
  return [
    el("h1", { tabindex: "-1" }, "Run ", el("code", {}, run.run.slice(0, 12))),
    facts([
      ["State", badge(run.state)],
      ["Plan", run.plan],
      ["Task", run.task],
      ["Purpose", run.purpose],
      ["Submitted", [when(run.submitted_ms), ` by ${run.submitter}`]],
      ["Banks", list(run.cohort)],
      ["Protocol", run.protocol ? `version ${run.protocol}` : null],
      ["Id", el("code", { class: "long" }, run.run)],
    ]),
  ];
}

function now(run) {
  if (run.state !== "open" && run.state !== "waits") {
    return card(
      run.state === "done" ? "Done" : "How it ended",
      el("p", {}, run.state === "done" ? "Every step is certified, and the result is written." : run.phase || "No reason is known."),
      el("p", { class: "muted" }, when(run.since_ms)),
    );
  }
  const rows = [
    ["Phase", run.phase],
    ["For", since(run.since_ms)],
    ["Sums taken", run.sums === undefined ? null : whole(run.sums)],
    ["Masked inputs here", run.uploads === undefined ? null : `${run.uploads} of ${run.cohort.length}, round ${run.round}`],
    ["Awaited", run.awaited && run.awaited.length ? list(run.awaited) : null],
    ["Progress", run.progress],
    ["Checked here", run.checked && run.checked.text],
  ];
  const share = run.uploads === undefined ? null : el("progress", { max: run.cohort.length, value: run.uploads, "aria-label": "Masked inputs that are here of the present round" });
  return card("Now", facts(rows), share);
}

// The latest stretch of steps whose figure has one name.
function figures(steps) {
  const known = steps.filter((step) => step.figure);
  const name = known.length ? known[known.length - 1].figure.name : "";
  return { name, points: known.filter((step) => step.figure.name === name).map((step) => [step.step, step.figure.value]) };
}

function convergence(steps) {
  const { name, points } = figures(steps);
  if (points.length === 0) return card("Convergence", el("p", { class: "muted" }, "No step so far has a number to draw; the table of rounds says where the run stands."));
  const last = points[points.length - 1][1];
  const described = `${name} after each of ${points.length} sums, ${fixed(last, 4)} at last`;
  const options = { title: "Convergence", description: described, across: "sum", up: name };
  return card(
    "Convergence",
    points.length > 1 ? curve(options, points) : null,
    el("p", {}, `Latest ${name}: ${fixed(last, 4)}`),
    el("details", {}, el("summary", {}, "The curve as a table"), table(`Convergence: ${name}`, ["Sum", number(name)], points.map(([step, value]) => [String(step), fixed(value, 6)]))),
  );
}

function rounds(steps, run) {
  const rows = [...steps].reverse().map((step) => [
    String(step.step),
    step.text,
    step.missing ? list(step.missing, "nobody") : "–",
    step.round === undefined ? "–" : String(step.round),
    when(step.at_ms),
  ]);
  const missed = steps.filter((step) => step.missing && step.missing.length).length;
  const voided = steps.length && steps[steps.length - 1].round ? steps[steps.length - 1].round - steps.length : 0;
  const told = steps.length ? el("p", {}, `${steps.length} sums; ${missed} without some bank; ${voided} rounds given up and begun anew.`) : null;
  return card("Rounds", told, table("Rounds, the latest first", [number("Sum"), words("Where it stands"), "Without", number("Round"), "Closed"], rows, run.state === "open" ? "No sum yet." : "This coordinator kept none."));
}

function log(checkpoint, run) {
  if (!checkpoint) return card("The run's log", el("p", { class: "muted" }, "No checkpoint yet: it comes with the first sum."));
  const by = checkpoint.cosigned_by;
  return card(
    "The run's log",
    facts([
      ["Checkpoint", `${whole(checkpoint.size)} certified steps`],
      ["Root", el("code", { class: "long" }, checkpoint.root)],
      ["Cosigned", by.length ? `by ${by.length} of ${run.cohort.length} banks: ${list(by)}; each signature was checked here` : "by nobody"],
    ]),
  );
}

export function phases(times, caption) {
  const names = Object.entries(times || {}).sort((a, b) => b[1] - a[1]);
  const total = names.reduce((sum, [, ms]) => sum + ms, 0);
  const share = (ms) => el("meter", { min: 0, max: Math.max(total, 1), value: ms, "aria-label": `${Math.round((100 * ms) / Math.max(total, 1))} %` });
  return table(caption, ["Phase", number("Time"), "Share"], names.map(([name, ms]) => [name, span(ms), share(ms)]), "No time was spent since the coordinator started.");
}

const FILES = {
  report: ["Report", "how good the model is, for people; opens as a page of its own"],
  bundle: ["Bundle", "the whole run, to verify with cofferdam audit verify"],
  model: ["Model", "model.json"],
  plan: ["Plan", "as it was signed"],
};

export function files(run, names) {
  const links = ["report", "bundle", "model", "plan"].filter((name) => names.includes(name)).map((name) => {
    const [title, what] = FILES[name];
    const address = `/api/runs/${run.run}/${name}`;
    const own = name === "bundle" ? { download: "" } : { target: "_blank", rel: "noopener noreferrer" };
    return el("li", {}, el("a", { href: address, id: `file-${name}`, ...own }, title), el("span", { class: "muted" }, ` ${what}`));
  });
  return links.length ? card("Files", el("ul", { class: "files" }, links)) : null;
}

// Sections of a run's page: {id, data, build}. details: what /api/runs/RUN told, or null while it is asked.
export function runSections(run, details, model) {
  const steps = details?.steps || [];
  const sections = [
    { id: "facts", data: [run.run, run.state, run.plan, run.cohort, run.protocol], build: () => facts_of(run) },
    { id: "now", data: [run.state, run.phase, run.since_ms, run.sums, run.uploads, run.round, run.awaited, run.progress, run.checked], build: () => now(run) },
  ];
  if (!details) return sections;
  if (details.evidence > 0) {
    sections.push({
      id: "evidence",
      data: details.evidence,
      build: () => card("Evidence", el("p", { class: "alarm" }, `${details.evidence} file${details.evidence > 1 ? "s" : ""} of evidence against a member stand in the run's directory: cofferdam audit evidence FILE judges them.`)),
    });
  }
  if (details.files?.length) sections.push({ id: "files", data: details.files, build: () => files(run, details.files) });
  if (model) sections.push({ id: "model", data: model.hash || model, build: () => modelView(model) });
  const over = run.state !== "open" && run.state !== "waits";
  if (details.steps && (steps.length || !over)) {
    sections.push(
      { id: "convergence", data: steps, build: () => convergence(steps) },
      { id: "log", data: details.checkpoint || null, build: () => log(details.checkpoint, run) },
      { id: "rounds", data: steps, build: () => rounds(steps, run) },
    );
  }
  if (details.steps) sections.push({ id: "phases", data: run.phases, build: () => card("Where the time went", phases(run.phases, "Time in each phase since the coordinator started")) });
  if (details.journal) {
    sections.push(
      { id: "sent", data: [run.state, run.asks, sent(details.journal)], build: () => left(run, sent(details.journal)) },
      { id: "entries", data: details.journal.length, build: () => card("Journal", entries(details.journal, "This run's entries, the newest first")) },
    );
  }
  return sections;
}

// What a bank gave to a run, and by whose word.
function left(run, total) {
  const asks = run.asks || {};
  return card(
    "What left this bank",
    facts([
      ["Masked inputs", whole(total.inputs)],
      ["Words of 64 bits", whole(total.words)],
      ["Bytes", whole(total.bytes)],
      ["Approved by", run.state === "refused" ? "nobody: it was refused" : asks.needed ? `${asks.approvals} of ${asks.needed} officers${asks.approved_by ? `: ${asks.approved_by}` : ""}` : "a rule of the policy"],
    ]),
  );
}

export function runsTable(runs) {
  return table(
    "Runs, the newest first",
    ["Run", "State", words("Doing"), "Plan", "For"],
    runs.map((run) => [
      el("a", { href: `#/run/${run.run}`, id: `run-${run.run}` }, el("code", {}, run.run.slice(0, 12))),
      badge(run.state),
      run.state === "open" || run.state === "waits" ? [run.phase, run.awaited?.length && run.awaited.length < run.cohort.length ? el("div", { class: "muted" }, `awaited: ${list(run.awaited)}`) : null] : run.state === "failed" || run.state === "refused" ? run.phase : "",
      run.plan || "–",
      since(run.since_ms),
    ]),
    "No run yet.",
  );
}
