// The coordinator's views.

import { el, facts, list, table, whole } from "./dom.js";
import { phases, runsTable } from "./run.js";
import { warnings } from "./warnings.js";

const title = (text) => el("h1", { tabindex: "-1" }, text);

export const views = [
  { path: "", name: "Runs" },
  { path: "members", name: "Members" },
  { path: "warnings", name: "Warnings" },
];

export const who = (state) => `coordinator at ${state.address.replace("tls+tcp://", "")}`;
export const runsOf = (state) => state.runs;
export const runDetail = (run) => `${run.sums}/${run.state}`;

function overview(state) {
  const connected = state.members.filter((member) => member.connected).length;
  const open = state.runs.filter((run) => run.state === "open").length;
  return [
    { id: "title", data: "", build: () => title("Runs") },
    {
      id: "numbers",
      data: [state.members, open, state.voided, state.refused],
      build: () =>
        facts([
          ["Connected", `${connected} of ${state.members.length} members`],
          ["Running", whole(open)],
          ["Rounds given up", whole(state.voided)],
          ["Requests refused", whole(state.refused)],
        ]),
    },
    { id: "runs", data: state.runs, build: () => runsTable(state.runs) },
    { id: "phases", data: state.phases, build: () => [el("h2", {}, "Where the time went"), phases(state.phases, "Time of all runs in each phase since the coordinator started")] },
  ];
}

// Which versions of the protocol a member speaks, and who upgrades when they are not this coordinator's.
function speaks({ protocol, connected }, ours) {
  if (!protocol) return el("span", { class: "muted" }, connected ? "not known" : "not known before it dials");
  const range = protocol.oldest === protocol.newest ? protocol.newest : `${protocol.oldest} to ${protocol.newest}`;
  const upgrade = protocol.newest < ours ? "upgrade its node" : "upgrade the coordinator";
  const standing = { older: `behind: ${upgrade}`, refused: `refused: ${upgrade}` }[protocol.standing];
  return [`protocol\u00a0${range}`, standing ? el("div", { class: "muted" }, standing) : null];
}

function members(state) {
  const missing = (name) => state.runs.filter((run) => run.state === "open" && (run.awaited || []).includes(name)).map((run) => run.run.slice(0, 12));
  return [
    { id: "title", data: "", build: () => title("Members") },
    {
      id: "roster",
      data: [state.roster_version, state.roster_hash, state.protocol],
      build: () => facts([["Roster", `version ${state.roster_version}, ${state.members.length} members`], ["Hash", el("code", { class: "long" }, state.roster_hash)], ["Address", state.address], ["Newest protocol", `version ${state.protocol}`]]),
    },
    {
      id: "members",
      data: [state.members, state.protocol, state.runs.map((run) => [run.state, run.awaited])],
      build: () =>
        table(
          "Members of the roster",
          ["Member", "Connection", "Speaks", "Awaited in"],
          state.members.map((member) => [
            member.name,
            el("span", { class: `badge ${member.connected ? "done" : "failed"}` }, member.connected ? "connected" : "not connected"),
            speaks(member, state.protocol),
            list(missing(member.name), "no run"),
          ]),
        ),
    },
  ];
}

export function sections(state, view) {
  if (view === "members") return members(state);
  if (view === "warnings") return warnings(state);
  return view === "" ? overview(state) : null;
}
