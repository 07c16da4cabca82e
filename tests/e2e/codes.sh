#!/bin/bash
# Special codes of a number: bins and classes of their own, in statistics, scorecards and evaluations.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
python3 - <<'END' >rows.csv
import random
random.seed(9)
print("delay,income,y")
for i in range(4000):
    kind = random.random()
    delay = "" if kind < 0.05 else "-1" if kind < 0.25 else "999" if kind < 0.4 else "-9" if kind < 0.401 else str(random.randint(0, 60))
    chance = 0.1 if delay == "-1" else 0.6 if delay == "999" else 0.2 + int(delay) / 120 if delay and int(delay) >= 0 else 0.3
    print(f"{delay},{random.randint(1000, 9999)},{int(random.random() < chance)}")
END
plan_of() { # TASK BANKS
    cat <<END
cofferdam: 1
name: codes
purpose: test
task: $1
target: {column: y, positive: "1", negative: ["0"]}
split: {fraction: 0.25, seed: s}
features:
  - {name: delay, kind: number, min: 0, max: 60, missing: level, special: [999, -1, -9], resolution: 1}
  - {name: income, kind: number, min: 0, max: 10000}
cohort: {minimum: $2}
END
}
for task in statistics scorecard; do
    for banks in 3 5; do
        plan_of $task $banks >$task-$banks.yaml
        run $task-$banks $task-$banks.yaml --split rows.csv:$banks
        sed '/hash"/d; /"banks"/d' $task-$banks/model.json >$task-$banks.rest
    done
    cmp $task-3.rest $task-5.rest || fail "$task: three banks and five differ"
done
sed '/^split/d' statistics-3.yaml >whole.yaml
"$cofferdam" fit whole.yaml --data rows.csv --out whole >/dev/null 2>&1 || fail "fit of statistics"
sed '/^split/d' scorecard-3.yaml >card.yaml
"$cofferdam" fit card.yaml --data rows.csv --out card >/dev/null 2>&1 || fail "fit of a scorecard"
"$cofferdam" score card/model.json --data rows.csv -o scores.csv || fail "score"
python3 - <<'END' || fail "codes are not told apart as they must be"
import csv, json, math, statistics
rows = list(csv.DictReader(open("rows.csv")))
def cell(name):
    return [(int(r["y"])) for r in rows if r["delay"] == name]
of = {f["name"]: f for f in json.load(open("whole/model.json"))["features"]}["delay"]
values = [float(r["delay"]) for r in rows if r["delay"] and r["delay"] not in ("-1", "999", "-9")]
# The code -9 has too few customers: with it neither the other codes nor the missing values are told, but all with a bin.
assert 0 < len(cell("-9")) < 10
assert all(s["rows"] is None for s in of["special"]) and of["missing"]["rows"] is None
assert sum(b["rows"] for b in of["bins"]) == len(rows)
assert abs(of["mean"] - statistics.fmean(values)) < 1e-9 and abs(of["sd"] - statistics.stdev(values)) < 1e-9
card = json.load(open("card/model.json"))
classes = {f["name"]: f for f in card["features"]}["delay"]["classes"]
special = {code: c for c in classes for code in c.get("special", [])}
positives = sum(int(r["y"]) for r in rows)
for code, name in ((-1, "-1"), (999, "999")):
    c, ys = special[code], cell(name)
    assert c["rows"] == len(ys) and c["positives"] == sum(ys) and "from" not in c, c
    woe = math.log((sum(ys) / positives) / ((len(ys) - sum(ys)) / (len(rows) - positives)))
    assert abs(c["woe"] - woe) < 1e-12
assert "from" in special[-9]  # too few: in the most neutral interval
assert sum(c["rows"] for c in classes) == len(rows)
missing = next(c for c in classes if c.get("missing"))
by = {"-1": special[-1], "999": special[999], "-9": special[-9], "": missing}
base, income = card["points"]["base_points"], {f["name"]: f for f in card["features"]}.get("income")
def interval(feature, v):
    return next(c for c in feature["classes"] if "from" in c and (c["from"] is None or v >= c["from"]) and (c["to"] is None or v < c["to"]))
for row, score in zip(rows, csv.DictReader(open("scores.csv"))):
    c = by.get(row["delay"]) or interval({"classes": classes}, float(row["delay"]))
    points = base + c["points"] + (interval(income, float(row["income"]))["points"] if income else 0)
    assert float(score["points"]) == points, (row, score, points)
END
sed 's/999, -1, -9/999, -1/; s/outside: refuse//' whole.yaml >fewer.yaml
awk -F, '$1 != "-9"' rows.csv >clean.csv
"$cofferdam" fit fewer.yaml --data clean.csv --out fewer >/dev/null 2>&1 || fail "fit without the rare code"
python3 - <<'END' || fail "codes are not counted"
import csv, json
rows = list(csv.DictReader(open("clean.csv")))
of = {f["name"]: f for f in json.load(open("fewer/model.json"))["features"]}["delay"]
for s in of["special"]:
    ys = [int(r["y"]) for r in rows if r["delay"] and float(r["delay"]) == s["code"]]
    assert s["rows"] == len(ys) and s["positives"] == sum(ys) and len(ys) > 100, s
assert of["missing"]["rows"] == sum(r["delay"] == "" for r in rows)
END
"$cofferdam" model show fewer/model.json | grep -q '^  code 999 ' || fail "a code is not shown"
"$cofferdam" model show card/model.json | grep -q '^  code 999 ' || fail "a code's class is not shown"

# An evaluation reads the codes as the model does; on the rows that trained nothing has moved.
"$cofferdam" plan evaluate card/model.json --purpose test -o check.yaml || fail "plan evaluate"
grep -q 'special: \[-9, -1, 999\]' check.yaml || fail "the plan does not have the codes"
sed -i 's/minimum: 5/minimum: 3/' check.yaml
run check check.yaml --split rows.csv:3
python3 -c "
import json
for f in json.load(open('check/model.json'))['models'][0]['train']['features']: assert abs(f['psi']) < 1e-12, f" || fail "drift where there is none"

# The frozen table of a node keeps the codes: a row outside the bounds that is no code is refused.
sed '5s/^[^,]*/77/' rows.csv >outside.csv
refuses 2 'outside.csv:5: column delay: 77 is outside' fit whole.yaml --data outside.csv --out bad
sed 's/task: statistics/task: logistic/; s/missing: level/missing: mean/' whole.yaml >logistic.yaml
refuses 2 'key "special": a logistic model has no class for codes' fit logistic.yaml --data rows.csv --out bad
sed 's/999, -1, -9/1, 1/' whole.yaml >twice.yaml
refuses 2 'key "special": 1 stands there twice' plan check twice.yaml
