// The console: which view is shown, and keeping it true. Sections are made anew only when their data changed, so that
// focus, selection and scrolling stay where they are.

import { enter, follow, get, leave, Refused } from "./api.js";
import * as coordinator from "./coordinator.js";
import { clockIs, el, tick } from "./dom.js";
import * as node from "./node.js";
import { runSections } from "./run.js";

const main = document.getElementById("main");
const nav = document.getElementById("views");
const notice = document.getElementById("notice");
const leaveButton = document.getElementById("leave");
const footer = document.getElementById("footer");
const PROGRAMS = { coordinator, node };

let state = null;
let end = null;
let heard = new Date(); // from the daemon, the last time
let shown = { key: null, sections: new Map() };
const details = new Map(); // run -> {at, told, model}

function say(text, alarm) {
  if (notice.textContent !== text) notice.textContent = text;
  notice.className = alarm ? "alarm" : "";
}

// ---- what is on the page

// What one section cannot show does not take the others away.
function built(build) {
  try {
    return build();
  } catch (error) {
    console.error(error);
    return el("p", { class: "alarm" }, `This cannot be shown: ${error.message}`);
  }
}

function put(sections, key) {
  if (shown.key !== key) {
    main.replaceChildren();
    shown = { key, sections: new Map() };
  }
  const focused = document.activeElement?.id;
  const open = new Set([...main.querySelectorAll("details[open] > summary")].map((node) => node.textContent));
  const kept = new Map();
  for (const { id, data, build } of sections) {
    const text = JSON.stringify(data);
    const before = shown.sections.get(id);
    const entry = before && before.text === text ? before : { text, node: el("section", { class: "block", id: `block-${id}` }, built(build)) };
    if (before && entry !== before) before.node.replaceWith(entry.node);
    else if (!before) main.append(entry.node);
    kept.set(id, entry);
  }
  for (const [id, entry] of shown.sections) if (!kept.has(id)) entry.node.remove();
  shown.sections = kept;
  order(sections);
  for (const node of main.querySelectorAll("details:not([open]) > summary")) if (open.has(node.textContent)) node.parentNode.open = true;
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function order(sections) {
  let place = main.firstElementChild;
  for (const { id } of sections) {
    const { node } = shown.sections.get(id);
    if (node === place) place = place.nextElementSibling;
    else main.insertBefore(node, place);
  }
}

const route = () => location.hash.replace(/^#\/?/, "");

function menu(views, now) {
  nav.hidden = false;
  leaveButton.hidden = false;
  const items = views.map(({ path, name }) => el("li", {}, el("a", { href: `#/${path}`, id: `view-${path}`, "aria-current": path === now ? "page" : null }, name)));
  const text = JSON.stringify([views, now]);
  if (nav.dataset.text === text) return;
  nav.dataset.text = text;
  nav.replaceChildren(el("ul", {}, items));
}

function render() {
  if (!state) return;
  const program = PROGRAMS[state.program];
  const at = route();
  const [, id] = at.match(/^run\/([0-9a-f]{64})$/) || [];
  const run = id && program.runsOf(state).find((one) => one.run === id);
  menu(program.views, id ? "" : at);
  const known = run && details.get(id);
  const sections = run ? runSections(run, known?.told, known?.model) : program.sections(state, at, documents);
  put(sections || [{ id: "none", data: at, build: () => [el("h1", { tabindex: "-1" }, "Not found"), el("p", {}, el("a", { href: "#/" }, "All runs"))] }], run ? id : at);
  const heading = main.querySelector("h1")?.textContent || "";
  document.title = `${heading} – Cofferdam ${program.who(state)}`;
  footer.textContent = `cofferdam-${state.program} ${state.version}, ${program.who(state)}`;
  if (run) ask(run, program);
  else askDocuments(program, at);
}

// ---- what is asked for beside the events

async function ask(run, program) {
  const at = program.runDetail(run, state);
  const known = details.get(run.run) || {};
  if (known.at === at) return;
  details.set(run.run, { ...known, at });
  try {
    const told = await get(`/api/runs/${run.run}`);
    const model = told?.files.includes("model") ? known.model || (await get(`/api/runs/${run.run}/model`)) : null;
    details.set(run.run, { at, told, model });
    render();
  } catch (error) {
    details.set(run.run, known);
    failed(error);
  }
}

const documents = new Map(); // name -> {at, told}
async function askDocuments(program, view) {
  const wanted = program.documentOf?.(state, view);
  if (!wanted || documents.get(wanted.name)?.at === wanted.at) return;
  const before = documents.get(wanted.name);
  documents.set(wanted.name, { ...before, at: wanted.at });
  try {
    documents.set(wanted.name, { at: wanted.at, told: await get(`/api/${wanted.name}`) });
    render();
  } catch (error) {
    documents.delete(wanted.name);
    failed(error);
  }
}

function failed(error) {
  if (error instanceof Refused) outside("Your session is over.");
  else say("The daemon does not answer.", true);
}

// ---- the session

function outside(why) {
  end?.();
  end = null;
  state = null;
  nav.hidden = true;
  leaveButton.hidden = true;
  footer.textContent = "";
  say("");
  document.title = "Log in – Cofferdam";
  const command = (text) => el("p", {}, el("code", {}, text));
  const again = el("button", { type: "button", onclick: begin }, "Try again");
  put(
    [
      {
        id: "out",
        data: why,
        build: () => [
          el("h1", { tabindex: "-1" }, "Log in"),
          why ? el("p", { class: "alarm", role: "alert" }, why) : null,
          el("p", {}, "On the daemon's machine, as its user, ask for an address and open it here:"),
          command("cofferdam-coordinator console /etc/cofferdam"),
          command("cofferdam-node console /etc/cofferdam"),
          el("p", {}, "It counts once and for five minutes."),
          el("p", {}, again),
        ],
      },
    ],
    "out",
  );
}

function announce(before, after) {
  const program = PROGRAMS[after.program];
  const old = new Map(program.runsOf(before).map((run) => [run.run, run]));
  for (const run of program.runsOf(after)) {
    const was = old.get(run.run);
    const text = !was ? `A new run: ${run.run.slice(0, 12)}, plan ${run.plan}` : was.state !== run.state ? `Run ${run.run.slice(0, 12)} ${run.state === "done" ? "is done" : run.state === "open" ? "goes on" : `ended: ${run.phase}`}` : "";
    if (text) say(text);
  }
}

function follows() {
  end?.();
  end = follow({
    state(told, now) {
      heard = new Date();
      clockIs(now);
      if (state) announce(state, told);
      if (notice.className) say("");
      state = told;
      render();
    },
    beat(age) {
      heard = new Date(Date.now() - age);
      if (age > 15000) say("The daemon has said nothing new for a while: it may be at something long.", true);
      else if (notice.className) say("");
    },
    async lost(over) {
      say(`The connection to the daemon is lost; trying again. What is shown is of ${heard.toTimeString().slice(0, 8)}.`, true);
      try {
        await get("/api/session");
      } catch (error) {
        if (error instanceof Refused) return outside("Your session is over.");
      }
      if (over && end) setTimeout(follows, 2000);
    },
  });
}

async function begin() {
  const [, token] = location.hash.match(/^#token=([0-9a-f]+)$/) || [];
  let why = "";
  if (token) {
    history.replaceState(null, "", "/#/");
    try {
      why = await enter(token);
    } catch {
      why = "The daemon does not answer.";
    }
  }
  try {
    await get("/api/session");
    follows();
  } catch (error) {
    outside(error instanceof Refused ? why : "The daemon does not answer.");
  }
}

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) return begin();
  render();
  scrollTo(0, 0);
  main.querySelector("h1")?.focus({ preventScroll: true });
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
leaveButton.addEventListener("click", async () => {
  await leave();
  outside("");
});
setInterval(tick, 1000);
begin();
