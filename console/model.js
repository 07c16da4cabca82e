// A model.json as a page: how well it tells, ROC, calibration, coefficients or scorecard.

import { square } from "./chart.js";
import { el, facts, fixed, percent, precise, table, whole } from "./dom.js";

const SETS = [
  ["train", "training", "one"],
  ["holdout", "held out", "two"],
];
const METRICS = [
  ["auc", "AUC", 4],
  ["ks", "KS", 4],
  ["gini", "Gini", 4],
  ["brier", "Brier score", 4],
  ["log_loss", "Log loss", 4],
];

const number = (text) => ({ text, number: true });
const section = (title, ...content) => el("section", { class: "card" }, el("h3", {}, title), content);

// What the histogram, or noise, leaves open.
const error = (value, digits) => (typeof value === "number" ? ` ± ${fixed(value, digits)}` : "");

function metrics(model) {
  const sets = SETS.filter(([name]) => model.metrics && model.metrics[name]);
  if (!sets.length) return null;
  const rows = METRICS.filter(([name]) => sets.some(([set]) => typeof model.metrics[set][name] === "number")).map(([name, title, digits]) => [
    title,
    ...sets.map(([set]) => fixed(model.metrics[set][name], digits) + error(model.metrics[set][`${name}_error`], digits)),
  ]);
  return section("How well it tells", table("Measures of the model", ["Measure", ...sets.map(([, title]) => number(title))], rows));
}

// Score bands from high to low, as shares of all positives and negatives above each edge.
function roc(histogram, set) {
  const positives = histogram[`${set}_positives`];
  const negatives = histogram[`${set}_negatives`];
  const sum = (counts) => counts.reduce((total, count) => total + count, 0);
  if (!positives || !negatives || !sum(positives) || !sum(negatives)) return null;
  const points = [[0, 0]];
  for (let band = positives.length - 1, up = 0, across = 0; band >= 0; band--) {
    up += positives[band];
    across += negatives[band];
    points.push([across / sum(negatives), up / sum(positives)]);
  }
  return points;
}

function rocSection(histogram) {
  const curves = SETS.map(([set, name, kind]) => ({ set, name, kind, points: roc(histogram, set) })).filter((curve) => curve.points);
  if (!curves.length) return null;
  const rows = curves[0].points.map((_, index) => [String(index), ...curves.flatMap((curve) => curve.points[index].map(percent))]);
  const heads = curves.flatMap((curve) => [number(`${curve.name}: negatives called positive`), number(`${curve.name}: positives found`)]);
  const options = {
    title: "ROC curve",
    description: "Share of positives found by share of negatives called positive; the table below has the numbers.",
    across: "negatives called positive",
    up: "positives found",
  };
  return section("ROC", square(options, curves), el("details", {}, el("summary", {}, "The curve as a table"), table("ROC curve, from the highest score down", ["Bands", ...heads], rows)));
}

const chance = (odds) => 1 / (1 + Math.exp(-odds));

// What was predicted lies between a band's edges; what came is one share.
function calibrationSection(histogram) {
  const edges = [0, ...histogram.edges.map(chance), 1];
  const bands = (set) =>
    histogram[`${set}_positives`]
      .map((positives, band) => ({ from: edges[band], to: edges[band + 1], rows: positives + histogram[`${set}_negatives`][band], positives }))
      .filter((band) => band.rows > 0);
  const sets = SETS.filter(([set]) => (histogram[`${set}_positives`] || []).some((count) => count > 0));
  if (!sets.length) return null;
  const curves = sets.map(([set, name, kind]) => ({
    name,
    kind,
    pieces: bands(set).map((band) => [
      [band.from, band.positives / band.rows],
      [band.to, band.positives / band.rows],
    ]),
  }));
  const options = {
    title: "Calibration",
    description: "Share of positives by predicted probability; a model that is right follows the diagonal. The table below has the numbers.",
    across: "predicted probability, from and to",
    up: "share of positives",
  };
  const tables = sets.map(([set, name]) =>
    table(
      `Calibration, ${name} rows`,
      [number("Predicted"), number("Rows"), number("Positives"), number("Share")],
      bands(set).map((band) => [`${percent(band.from)} to ${percent(band.to)}`, whole(band.rows), whole(band.positives), percent(band.positives / band.rows)]),
    ),
  );
  return section("Calibration", square(options, curves), el("details", {}, el("summary", {}, "Calibration as a table"), tables));
}

function terms(model) {
  if (!model.terms || model.features?.some((feature) => feature.classes)) return null;
  const rows = model.terms.map((term) => [term.term, precise(term.estimate), precise(term.std_error), precise(term.z), precise(term.p)]);
  return section("Coefficients", table("Coefficients, on the standardised scale", ["Term", number("Estimate"), number("Standard error"), number("z"), number("p")], rows));
}

// A class is levels, or numbers from one bound to another; those without a value may be among them.
function className(one) {
  const low = typeof one.from === "number";
  const high = typeof one.to === "number";
  const numbers = low && high ? `${one.from} to below ${one.to}` : low ? `${one.from} and above` : high ? `below ${one.to}` : "";
  return [one.levels ? one.levels.join(", ") : numbers, one.missing === true ? "missing" : ""].filter(Boolean).join(", ") || "all";
}

function scorecard(model) {
  const features = (model.features || []).filter((feature) => feature.classes);
  if (!features.length) return null;
  const tables = features.map((feature) =>
    table(
      `${feature.name}${typeof feature.iv === "number" ? `, information value ${feature.iv.toFixed(3)}` : ""}`,
      ["Class", number("Rows"), number("Positives"), number("Weight of evidence"), number("Points")],
      feature.classes.map((one) => [className(one), whole(one.rows), percent(one.rate), fixed(one.woe, 3), fixed(one.points, model.points?.decimals || 0)]),
    ),
  );
  const base = model.points ? el("p", {}, `Base ${fixed(model.points.base_points, model.points.decimals || 0)} points; ${model.points.pdo} points double the odds.`) : null;
  return section("Scorecard", base, tables);
}

export function modelView(model) {
  const histogram = model.score_histogram;
  return el(
    "section",
    { "aria-labelledby": "model-title" },
    el("h2", { id: "model-title" }, "The model"),
    facts([
      ["Task", model.task],
      ["Sums", whole(model.rounds)],
      ["Banks", whole(model.banks)],
      ["Rows", model.rows ? `${whole(model.rows.train)} training${model.rows.holdout ? `, ${whole(model.rows.holdout)} held out` : ""}` : null],
      ["Positives", model.positives ? `${whole(model.positives.train)} training${model.positives.holdout ? `, ${whole(model.positives.holdout)} held out` : ""}` : null],
      ["Converged", model.converged === undefined ? null : model.converged ? "yes" : "no"],
      ["Log-likelihood", typeof model.log_likelihood === "number" ? fixed(model.log_likelihood, 4) : null],
    ]),
    metrics(model),
    histogram?.edges ? rocSection(histogram) : null,
    histogram?.edges ? calibrationSection(histogram) : null,
    terms(model),
    scorecard(model),
    model.terms ? null : el("p", { class: "muted" }, "The report shows the rest of it."),
  );
}
