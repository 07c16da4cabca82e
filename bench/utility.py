#!/usr/bin/env python3
"""make utility: what differential privacy costs in accuracy, measured on public data.

Simulates logistic and statistics (and a scorecard, where it has a private form) on taiwan_default and adult with
five banks: once exactly, then RUNS times for each epsilon, with fresh noise each time. Every score is measured on the
rows it holds out, in the clear. Writes DIR/runs.csv, one line a measure of a run; draws FIGURE with gnuplot (Debian:
gnuplot-nox); prints a table in Markdown. Exit 1 when the requirement of docs/privacy.md is missed.
"""
import argparse
import concurrent.futures
import csv
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True  # nothing beside the sources
import utility_plans  # noqa: E402

TASKS = ["logistic", "statistics", "scorecard"]
EPSILONS = [0.5, 1, 2, 4, 8]
DELTA = 1e-6
# Held-out AUC of the joint score on taiwan_default, against the exact one's.
REQUIRED = {"set": "taiwan_default", "epsilon": 4, "most": 0.01}
# A coefficient whose exact estimate has a standard error beyond this is none to compare (few rows, or one outcome).
KNOWN = 0.5
# How a measure is called in the table, and with how many digits.
LABELS = {"auc": ("held-out AUC", 4), "auc lost": ("AUC lost", 4),
          "coefficients, relative": ("coefficients, relative error", 2),
          "coefficients, rms": ("coefficients, root mean square error", 2), "terms estimated": ("terms estimated", 1),
          "means": ("a mean, in sd", 4), "quartiles": ("a quartile, in sd", 4),
          "outer quantiles": ("1, 5, 95, 99 % quantile, in sd", 3),
          "counts": ("rows of a level, relative error", 4)}
QUANTILES = {0.25: "quartiles", 0.5: "quartiles", 0.75: "quartiles", 0.01: "outer quantiles", 0.05: "outer quantiles",
             0.95: "outer quantiles", 0.99: "outer quantiles"}
COLUMNS = ["set", "task", "epsilon", "run", "measure", "value"]


def cofferdam(*arguments):
    program = pathlib.Path(os.environ.get("BUILD", "build")) / "cofferdam"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def must(done):
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, done.args))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


# ---- what is measured of a model, and against the exact one


def auc_of(model, table):
    return json.loads(must(cofferdam("score", model, "--data", table, "--metrics", "--json")))["holdout"]["auc"]


def read(model):
    return json.loads(model.read_text(encoding="utf-8"))


def coefficients(document, scales):
    """By term, on the exact model's scale: of a number, for each of its standard deviations there."""
    of = {}
    for term in document["terms"]:
        if term["term"] != "(intercept)" and term["estimate"] is not None:
            of[term["term"]] = term["estimate"] * scales.get(term["term"], 1) / term.get("sd", 1)
    return of


def compare_coefficients(document, exact):
    """Of the terms that both estimate, and that the exact one's rows tell something of."""
    known = {term["term"] for term in exact["terms"] if term["estimate"] is not None and term["std_error"] < KNOWN}
    scales = {term["term"]: term["sd"] for term in exact["terms"] if "sd" in term}
    mine, theirs = coefficients(document, scales), coefficients(exact, scales)
    both = mine.keys() & theirs.keys() & known
    squares = sum((mine[term] - theirs[term]) ** 2 for term in both)
    return {"coefficients, relative": math.sqrt(squares / sum(theirs[term] ** 2 for term in both)),
            "coefficients, rms": math.sqrt(squares / len(both)), "terms estimated": len(mine)}


def compare_scores(model, exact, table):
    mine = auc_of(model, table)
    return {"auc": mine, "auc lost": auc_of(exact, table) - mine}


def levels_of(feature):
    return {level["level"]: level["rows"] for level in feature.get("levels", []) if "level" in level}


def compare_statistics(document, exact):
    """Means and quantiles in standard deviations of the column, counts in themselves."""
    off = {"means": [], "quartiles": [], "outer quantiles": [], "counts": []}
    for mine, theirs in zip(document["features"], exact["features"]):
        if mine["kind"] == "category":
            rows = levels_of(mine)
            off["counts"] += [abs(rows[level] / count - 1) for level, count in levels_of(theirs).items()
                              if count and level in rows]
            continue
        off["means"].append(abs(mine["mean"] - theirs["mean"]) / theirs["sd"])
        for a, b in zip(mine["quantiles"], theirs["quantiles"]):
            if a["value"] is not None and b["value"] is not None and a["share"] in QUANTILES:
                off[QUANTILES[a["share"]]].append(abs(a["value"] - b["value"]) / theirs["sd"])
    return {name: statistics.fmean(values) for name, values in off.items()}


def measure(task, model, exact, table):
    if task == "statistics":
        return compare_statistics(read(model), read(exact))
    return compare_scores(model, exact, table) | \
        (compare_coefficients(read(model), read(exact)) if task == "logistic" else {})


# ---- runs


class Bench:
    """One data set and one task: its plans, and a directory for its models."""

    def __init__(self, dataset, task, directory):
        self.dataset, self.task = dataset, task
        self.table = directory / f"{dataset['name']}.csv"
        self.directory = directory / f"{dataset['name']}-{task}"
        self.directory.mkdir(parents=True, exist_ok=True)

    def simulate(self, epsilon, run):
        name = "exact" if epsilon is None else f"{epsilon:g}-{run}"
        plan, out = self.directory / f"{name}.yaml", self.directory / name
        plan.write_text(utility_plans.plan(self.dataset, self.task, epsilon, DELTA), encoding="utf-8")
        must(cofferdam("simulate", plan, "--out", out, "--split", f"{self.table}:5", "--threads", "1"))
        return out / "model.json"

    def possible(self):
        plan = self.directory / "check.yaml"
        plan.write_text(utility_plans.plan(self.dataset, self.task, 1, DELTA), encoding="utf-8")
        done = cofferdam("plan", "check", plan)
        if done.returncode != 0:
            print(f"{self.task} on {self.dataset['name']} is left out: {done.stderr.strip()}", file=sys.stderr)
        return done.returncode == 0

    def line(self, *values):
        return dict(zip(COLUMNS, (self.dataset["name"], self.task, *values)))

    def one(self, epsilon, run, exact):
        model = self.simulate(epsilon, run)
        of = measure(self.task, model, exact, self.table)
        shutil.rmtree(model.parent)
        return [self.line(f"{epsilon:g}", run, name, value) for name, value in of.items()]

    def run(self, runs):
        print(f"{self.task} on {self.dataset['name']} ...", file=sys.stderr, flush=True)
        exact = self.simulate(None, 0)
        lines = []
        if self.task != "statistics":
            lines.append(self.line("exact", 0, "auc", auc_of(exact, self.table)))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            jobs = [pool.submit(self.one, epsilon, run, exact) for epsilon in EPSILONS for run in range(runs)]
            return lines + [line for job in jobs for line in job.result()]


def measure_all(shared, directory, runs):
    lines = []
    for dataset in utility_plans.SETS:
        source = shared / dataset["file"]
        if not source.exists():
            print(f"{dataset['name']} is left out: there is no {source}", file=sys.stderr)
            continue
        utility_plans.write_table(dataset, source, directory / f"{dataset['name']}.csv")
        for task in TASKS:
            bench = Bench(dataset, task, directory)
            if bench.possible():
                lines += bench.run(runs)
    return lines


# ---- table and figure


def summarise(lines):
    """(set, task, measure) -> {epsilon: (mean, sd)}."""
    values = {}
    for line in lines:
        key = (line["set"], line["task"], line["measure"])
        values.setdefault(key, {}).setdefault(line["epsilon"], []).append(float(line["value"]))
    return {key: {epsilon: (statistics.fmean(of), statistics.stdev(of) if len(of) > 1 else 0.0)
                  for epsilon, of in by.items()} for key, by in values.items()}


def cell(pair, digits):
    if pair is None:
        return ""
    mean = round(pair[0], digits) + 0.0  # no -0
    return f"{mean:.{digits}f}" if pair[1] == 0 else f"{mean:.{digits}f} ± {pair[1]:.{digits}f}"


def print_table(summary):
    epsilons = [f"{epsilon:g}" for epsilon in EPSILONS]
    print(f"| data, task | measure | exact | {' | '.join(f'ε = {e}' for e in epsilons)} |")
    print("|---" * (3 + len(epsilons)) + "|")
    for (name, task, what), by in summary.items():
        label, digits = LABELS[what]
        cells = [cell(by.get(epsilon), digits) for epsilon in ["exact", *epsilons]]
        print(f"| {name}, {task} | {label} | {' | '.join(cells)} |")


def draw(summary, directory, figure):
    data = directory / "figure.dat"
    with data.open("w", encoding="utf-8") as out:
        for (name, task, what), by in summary.items():
            out.write(f"\n\n# {name}/{task}/{what}\n")
            out.writelines(f"{epsilon} {mean:.9g} {sd:.9g}\n"
                           for epsilon, (mean, sd) in by.items() if epsilon != "exact")
    script = pathlib.Path(__file__).with_name("utility.gp")
    must(subprocess.run(["gnuplot", "-e", f"data='{data}'; figure='{figure}'; required={REQUIRED['most']}", script],
                        capture_output=True, text=True, check=False))


def verdict(summary):
    by = summary.get((REQUIRED["set"], "logistic", "auc lost"))
    if by is None:
        return 0
    lost = by[f"{REQUIRED['epsilon']:g}"][0]
    good = lost <= REQUIRED["most"]
    word = "held" if good else "MISSED"
    print(f"\nrequired: at ε = {REQUIRED['epsilon']}, δ = {DELTA:g} the score on {REQUIRED['set']} loses "
          f"{REQUIRED['most']} of held-out AUC at most, on average; it loses {lost:.4f}: {word}")
    return 0 if good else 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="for each epsilon (20)")
    parser.add_argument("--shared", type=pathlib.Path, default=pathlib.Path("../shared/data"),
                        help="where the data sets are (../shared/data)")
    parser.add_argument("--out", type=pathlib.Path, help="for runs.csv and what is made on the way (BUILD/utility)")
    parser.add_argument("--figure", type=pathlib.Path, help="drawn there, as SVG (DIR/utility.svg)")
    parser.add_argument("--again", action="store_true", help="measures nothing: table and figure from DIR/runs.csv")
    return parser.parse_args()


def main():
    options = arguments()
    directory = options.out or pathlib.Path(os.environ.get("BUILD", "build")) / "utility"
    directory.mkdir(parents=True, exist_ok=True)
    results = directory / "runs.csv"
    if not options.again:
        lines = measure_all(options.shared, directory, options.runs)
        if not lines:
            print(f"skipped: none of the data sets is in {options.shared}")
            return 0
        with results.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)
    with results.open(encoding="utf-8", newline="") as text:
        summary = summarise(csv.DictReader(text))
    if shutil.which("gnuplot"):
        draw(summary, directory, options.figure or directory / "utility.svg")
    else:
        print("no figure: there is no gnuplot (Debian: gnuplot-nox)", file=sys.stderr)
    print_table(summary)
    return verdict(summary)


if __name__ == "__main__":
    sys.exit(main())
