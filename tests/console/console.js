// The console in a browser, as people use it: console.js WORK ROLE URL. WORK is a directory for what is passed to and fro
// with the shell (tests/e2e/console.sh): "ready" once the page watches, "away" and "back" when the daemon is to go and to come, "url" by the shell, what was
// downloaded, screenshots. Any failure is told on stderr and ends with exit code 1.
import fs from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

const [work, role, url] = process.argv.slice(2);
const origin = new URL(url).origin;
const WAIT = 60000;
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };
const troubles = [];

function must(condition, what) {
  if (!condition) throw new Error(what);
}

// No error in the console, no request that leaves the daemon. What a test provokes is taken back by `allowed`.
const allowed = [];
function listen(context) {
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) troubles.push(`a request to ${request.url()}`);
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !allowed.some((text) => message.text().includes(text))) troubles.push(`the console says: ${message.text()}`);
  });
  context.on("weberror", (error) => troubles.push(`an exception: ${error.error()}`));
}

const settled = (page) => page.waitForTimeout(100);
const heading = (page, text) => page.getByRole("heading", { level: 1, name: text }).waitFor({ timeout: WAIT });

// Every view, on a phone and a desktop, in one of the colours each, as neither changes the other: nothing that axe finds,
// nothing wider than the screen. There are no frames, so that axe needs no page of its own (its legacy mode); on the second
// look it asks only for what size and colours can change.
const CHANGING = ["color-contrast", "scrollable-region-focusable", "link-in-text-block"];
async function look(page, name) {
  for (const [size, viewport, colorScheme] of [["phone", PHONE, "dark"], ["desktop", DESKTOP, "light"]]) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await settled(page);
    await page.evaluate(() => document.styleSheets[0].insertRule(".scroll { background: none !important }")); // axe measures no contrast on a shade
    const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ["violations"] });
    const found = await (size === "phone" ? axe : axe.withRules(CHANGING)).analyze();
    await page.evaluate(() => document.styleSheets[0].deleteRule(0));
    for (const violation of found.violations)
      troubles.push(`${name}, ${size}, ${colorScheme}: ${violation.id}: ${violation.help}: ${violation.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ").slice(0, 400)}`);
    const markup = await page.evaluate(() => document.querySelectorAll("main :is(i, b, u, img, script), title *").length);
    if (markup) troubles.push(`${name}: ${markup} elements are of texts that were taken for markup`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) troubles.push(`${name}, ${size}: ${wide} pixels wider than the screen`);
    if (process.env.CONSOLE_SHOTS) await page.screenshot({ path: path.join(work, `${role}-${name}-${size}-${colorScheme}.png`), fullPage: true });
  }
}

// By keyboard alone: from the beginning of the page every link and button is met, and what has the focus shows it.
async function walk(page) {
  await page.setViewportSize(DESKTOP);
  await page.evaluate(() => {
    for (const node of document.querySelectorAll("[data-met]")) node.removeAttribute("data-met");
    const start = document.createElement("button");
    document.body.prepend(start);
    start.focus();
    start.remove();
  });
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.textContent);
  must(first === "Skip to the content", `the first stop is "${first}"`);
  const wanted = await page.evaluate(() => [...document.querySelectorAll("a[href], button, summary")].filter((node) => node.checkVisibility()).length);
  let met = 0;
  for (let press = 0; press < 200; press++) {
    const at = await page.evaluate(() => {
      const node = document.activeElement;
      const style = getComputedStyle(node);
      const again = node.hasAttribute("data-met");
      node.setAttribute("data-met", "");
      return { tag: node.tagName, again, shown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, counts: node.matches("a[href], button, summary") };
    });
    if (at.tag === "BODY" || at.again) break;
    must(at.shown, `the focus on a ${at.tag} is not seen`);
    met += at.counts;
    await page.keyboard.press("Tab");
  }
  must(met === wanted, `${met} of ${wanted} links and buttons are met by keyboard`);
}

async function open(browser) {
  const context = await browser.newContext({ viewport: DESKTOP, acceptDownloads: true });
  listen(context);
  const page = await context.newPage();
  const answer = await page.goto(url);
  const policy = answer.headers()["content-security-policy"] || "";
  must(policy.startsWith("default-src 'none'") && !policy.includes("unsafe"), `the page's policy is: ${policy}`);
  await page.waitForFunction(() => !location.hash.includes("token"), null, { timeout: WAIT });
  return { context, page };
}

// From a run that waits to one that is done, on one page that is never loaded anew.
async function watch(page) {
  await heading(page, "Runs");
  await page.locator("tbody a[href^='#/run/']").first().waitFor({ timeout: WAIT });
  await look(page, "list");
  await page.locator("tbody a[href^='#/run/']").first().focus();
  await page.keyboard.press("Enter");
  await heading(page, /^Run [0-9a-f]{12}/); // not "Runs", which is there until the address has changed
  const focused = page.waitForFunction(() => document.activeElement.tagName === "H1", null, { timeout: WAIT });
  must(await focused.then(() => true, () => false), "the focus is not on the view's heading");
  if (role === "coordinator") await look(page, "running");
  await page.evaluate(() => {
    window.seen = new Set();
    const take = () => {
      const sums = [...document.querySelectorAll("dt")].find((node) => node.textContent === "Sums taken");
      if (sums) window.seen.add(sums.nextElementSibling.textContent);
    };
    new MutationObserver(take).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  fs.writeFileSync(told("ready"), "");
  await page.locator(".facts .badge.done").waitFor({ timeout: 5 * WAIT });
  const seen = await page.evaluate(() => [...window.seen]);
  must(role !== "coordinator" || seen.length >= 2, `only these sums were seen live: ${seen}`);
}

async function result(page, context) {
  await page.getByRole("heading", { name: "The model" }).waitFor({ timeout: WAIT });
  must((await page.getByRole("table", { name: "Measures of the model" }).getByRole("row").count()) >= 5, "no measures");
  must((await page.getByRole("img", { name: /^ROC curve/ }).count()) === 1, "no ROC curve");
  const file = page.locator("#file-bundle");
  await file.waitFor({ timeout: WAIT });
  const [download] = await Promise.all([page.waitForEvent("download"), file.click()]);
  await download.saveAs(told(`${role}.cfd`));
  must(/^[0-9a-f]{12}\.cfd$/.test(download.suggestedFilename()), `the bundle is called ${download.suggestedFilename()}`);
  const [report] = await Promise.all([context.waitForEvent("page"), page.locator("#file-report").click()]);
  await report.waitForLoadState();
  must((await report.locator("h1").count()) === 1, "the report has no heading");
  must((await report.evaluate(() => origin)) === "null", "the report is not in a sandbox");
  await report.close();
  const version = page.locator(".facts div", { has: page.locator("dt", { hasText: /^Protocol$/ }) }).locator("dd");
  must((await version.first().textContent()) === "version 2", "the run's version of the protocol is not among its facts");
  for (const summary of await page.locator("summary").all()) await summary.click();
  await look(page, "done");
  await walk(page);
}

const told = (name) => path.join(work, name);
async function hear(name) {
  const until = Date.now() + 2 * WAIT;
  while (!fs.existsSync(told(name))) {
    must(Date.now() < until, `the shell does not say "${name}"`);
    await new Promise((later) => setTimeout(later, 50));
  }
  return fs.readFileSync(told(name), "utf8").trim();
}

// The daemon goes away and comes back: the page says so, keeps what it shows, and asks for a new address.
async function away(page) {
  allowed.push("ERR_", "401", "403");
  fs.writeFileSync(told("away"), "");
  await page.locator("#notice.alarm", { hasText: "What is shown is of" }).waitFor({ timeout: WAIT });
  await heading(page, "Runs");
  await look(page, "away");
  fs.writeFileSync(told("back"), "");
  const again = await hear("url");
  await page.getByRole("alert").waitFor({ timeout: WAIT });
  must((await page.getByRole("alert").textContent()).includes("session is over"), "the page does not say that its session is over");
  await page.evaluate((address) => (location.href = address), again);
  await heading(page, "Runs");
  await page.locator("tbody a[href^='#/run/']").first().waitFor({ timeout: WAIT });
}

// Which versions each member speaks; the one that came back as an older program is behind, in words.
async function behind(page) {
  const spoken = (name) => page.getByRole("row", { name: new RegExp(`^${name}`) }).getByRole("cell").nth(1);
  await page.locator("nav a", { hasText: "Members" }).click();
  await heading(page, "Members");
  await spoken("east").filter({ hasText: /^protocol\s1behind: upgrade its node$/ }).waitFor({ timeout: WAIT });
  await spoken("north").filter({ hasText: /^protocol\s1 to 2$/ }).waitFor({ timeout: WAIT });
  await look(page, "behind");
}

// What is refused: the same address again, and anything without a session.
async function refused(browser, page) {
  const other = await browser.newContext();
  const stranger = await other.newPage();
  await stranger.goto(url);
  await stranger.getByRole("alert").waitFor({ timeout: WAIT });
  must((await stranger.getByRole("alert").textContent()).includes("used already"), "the address counts twice");
  must((await stranger.evaluate(() => fetch("/api/events").then((answer) => answer.status))) === 401, "events without a session");
  await other.close();
  allowed.push("401");
  await page.getByRole("button", { name: "Log out" }).click();
  await heading(page, "Log in");
  if (role === "coordinator") await look(page, "login");
  must((await page.evaluate(() => fetch("/api/session").then((answer) => answer.status))) === 401, "the session goes on after its end");
}

async function views(page) {
  const names = await page.locator("nav a").allTextContents();
  for (const name of names.slice(1)) {
    await page.locator("nav a", { hasText: name }).click();
    await heading(page, name);
    await settled(page);
    await look(page, name.toLowerCase());
    await walk(page);
  }
  return names;
}

// What an officer's bank sees before the officer's word.
async function waits(page) {
  await heading(page, "Runs");
  await page.getByRole("heading", { name: "Waits for an officer" }).waitFor({ timeout: WAIT });
  await look(page, "list");
  await page.locator("a[id^='wait-']").click();
  await page.locator(".facts .badge.waits").waitFor({ timeout: WAIT });
  await look(page, "run");
}

// Of the run that was refused, every text stands as it was written: none of it is markup.
async function written(page) {
  await page.locator("tbody a[href^='#/run/']").last().click();
  await page.locator(".facts .badge.refused, .facts .badge.failed").waitFor({ timeout: WAIT });
  const text = await page.locator("main").textContent();
  for (const name of ["<i>refused", "<b>other"]) must(text.includes(name), `the page of a refused run does not have ${name}`);
  must(!text.includes("a rule of the policy"), "a run that was refused is said to be approved");
  if (role === "node") await look(page, "refused");
  await page.locator("nav a").first().click();
  await heading(page, "Runs");
}

async function main() {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  const { context, page } = await open(browser);
  if (role === "officer") {
    await waits(page);
    await browser.close();
    return;
  }
  await watch(page);
  await result(page, context);
  const names = await views(page);
  must(names.length >= 3, `only these views: ${names}`);
  await page.locator("nav a").first().click();
  await heading(page, "Runs");
  await walk(page);
  await written(page);
  if (role === "coordinator") {
    await away(page);
    await behind(page);
  }
  await refused(browser, page);
  await browser.close();
}

try {
  await main();
} catch (error) {
  troubles.push(error.stack || String(error));
}
for (const trouble of new Set(troubles)) console.error(trouble);
process.exit(troubles.length ? 1 : 0);
