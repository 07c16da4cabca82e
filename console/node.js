// The node's views: for the bank's own people.

import { entries } from "./journal.js";
import { badge, el, facts, fixed, table, when, whole } from "./dom.js";
import { runsTable } from "./run.js";
import { warnings } from "./warnings.js";

const number = (text) => ({ text, number: true });
const words = (text) => ({ text, words: true });
const title = (text) => ({ id: "title", data: "", build: () => el("h1", { tabindex: "-1" }, text) });

export const views = [
  { path: "", name: "Runs" },
  { path: "plans", name: "Plans" },
  { path: "budget", name: "Budget" },
  { path: "journal", name: "Journal" },
  { path: "warnings", name: "Warnings" },
];

export const who = (state) => `node of ${state.member}`;
export const runDetail = (run, state) => `${state.journal_entries}/${run.state}/${run.bundle}`;
export const documentOf = (state, view) => (view === "journal" ? { name: "journal", at: state.journal_entries } : null);

// What the node says of a run, and what its officers' list says, as one; in the same words as the coordinator's.
export function runsOf(state) {
  const plans = new Map(state.plans.runs.map((plan) => [plan.run, plan]));
  return state.runs.map(({ here, ...run }) => {
    const plan = plans.get(run.run) || {};
    const standing = ["waits", "refused"].includes(plan.standing) ? plan.standing : here.state;
    const reason = standing === "refused" || standing === "failed" ? plan.reason || here.phase : here.phase;
    return { ...run, ...here, task: plan.task, purpose: plan.purpose, state: standing, phase: reason, asks: plan };
  });
}

function overview(state) {
  const runs = runsOf(state);
  const waits = runs.filter((run) => run.state === "waits");
  const failing = state.runs.filter((run) => run.here.state === "done" && run.here.bundle === false).length;
  const sections = [
    title("Runs"),
    {
      id: "health",
      data: [state.connected, state.trouble, state.words_this_month, state.words_a_month, state.journal_entries, state.roster_version, failing],
      build: () => [
        state.trouble ? el("p", { class: "alarm" }, `The coordinator is not reached: ${state.trouble}`) : null,
        failing ? el("p", { class: "alarm" }, `${failing} of the runs that are done have no bundle here; the log says why.`) : null,
        facts([
          ["Coordinator", el("span", { class: `badge ${state.connected ? "done" : "failed"}` }, state.connected ? "connected" : "not connected")],
          ["Bank", `${state.member}, roster version ${state.roster_version} with ${state.members} members`],
          ["Source", state.source],
          ["Released this month", el("span", { class: "long" }, `${whole(state.words_this_month)} words of at most ${whole(state.words_a_month)}`)],
          ["Journal", `${whole(state.journal_entries)} entries`],
        ]),
      ],
    },
  ];
  if (waits.length) {
    sections.push({
      id: "waits",
      data: waits,
      build: () => [el("h2", {}, "Waits for an officer"), el("ul", {}, waits.map((run) => el("li", {}, el("a", { href: `#/run/${run.run}`, id: `wait-${run.run}` }, `${run.plan} by ${run.submitter}`), `: ${run.asks.approvals} of ${run.asks.needed} approvals`)))],
    });
  }
  sections.push({ id: "runs", data: runs, build: () => runsTable(runs) });
  return sections;
}

function plans(state) {
  return [
    title("Plans"),
    {
      id: "plans",
      data: state.plans.runs,
      build: () =>
        table(
          "Plans that came to this bank, the newest first",
          ["Plan", "Standing", "Author", "Purpose", "Task", "Approvals", words("Why")],
          state.plans.runs.map((plan) => [
            el("a", { href: `#/run/${plan.run}`, id: `plan-${plan.run}` }, plan.plan),
            badge(plan.standing),
            plan.author,
            plan.purpose,
            plan.task,
            plan.needed ? `${plan.approvals} of ${plan.needed}${plan.approved_by ? `: ${plan.approved_by}` : ""}` : plan.standing === "refused" ? "–" : "a rule approves it",
            plan.reason || "–",
          ]),
          "No plan came yet.",
        ),
    },
    {
      id: "words",
      data: state.plans.words,
      build: () => [
        el("h2", {}, "What officers said"),
        table(
          "Officers' words",
          ["Officer", "Says", "Of", "Given", "Expires", "Standing"],
          state.plans.words.map((word) => [word.officer, badge(word.decision), [`${word.of} `, el("code", {}, word.subject.slice(0, 12))], when(word.given_ms), word.expires_ms ? when(word.expires_ms) : "never", word.standing]),
          "No officer said anything yet.",
        ),
      ],
    },
  ];
}

function budget(state) {
  const epsilon = (value) => fixed(value, 3);
  return [
    title("Budget"),
    {
      id: "sources",
      data: state.budget.sources,
      build: () =>
        table(
          "Privacy budgets, of each source",
          ["Source", number("Budget ε"), number("δ"), number("Spent ε"), number("Spent ρ"), number("Reserved ρ"), number("Left ρ")],
          state.budget.sources.map((source) => [
            source.source,
            source.epsilon === undefined ? "none" : epsilon(source.epsilon),
            source.delta === undefined ? "–" : String(source.delta),
            source.spent_epsilon === undefined ? "–" : epsilon(source.spent_epsilon),
            fixed(source.spent, 5),
            fixed(source.reserved, 5),
            source.left === undefined ? "–" : fixed(source.left, 5),
          ]),
          "No budget is set, and nothing was spent.",
        ),
    },
    {
      id: "spent",
      data: state.budget.runs,
      build: () => [
        el("h2", {}, "What runs cost"),
        table(
          "Runs that cost of a budget",
          ["Run", "Source", "Plan", "Author", "When", number("Reserved ρ"), number("Spent ρ"), number("Spent ε")],
          state.budget.runs.map((run) => [el("a", { href: `#/run/${run.run}`, id: `cost-${run.run}` }, el("code", {}, run.run.slice(0, 12))), run.source, run.plan, run.author, when(run.at_ms), run.open ? fixed(run.reserved, 5) : "–", fixed(run.spent, 5), epsilon(run.spent_epsilon)]),
          "None.",
        ),
      ],
    },
    {
      id: "released",
      data: [state.words_this_month, state.words_a_month, state.budget_taken],
      build: () => [
        el("h2", {}, "What left"),
        facts([
          ["Masked words this month", whole(state.words_this_month)],
          ["The policy allows", `${whole(state.words_a_month)} a month`],
        ]),
      ],
    },
  ];
}

function journal(state, documents) {
  const told = documents.get("journal")?.told;
  return [
    title("Journal"),
    { id: "about", data: [state.journal, state.journal_entries], build: () => facts([["Entries", whole(state.journal_entries)], ["File", el("code", { class: "long" }, state.journal)]]) },
    { id: "entries", data: told?.length ? told[told.length - 1].entry : 0, build: () => (told ? entries(told, "The latest entries, the newest first") : el("p", {}, "Loading.")) },
  ];
}

export function sections(state, view, documents) {
  if (view === "plans") return plans(state);
  if (view === "budget") return budget(state);
  if (view === "journal") return journal(state, documents);
  if (view === "warnings") return warnings(state);
  return view === "" ? overview(state) : null;
}
