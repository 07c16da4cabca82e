#!/bin/bash
# Champion and challenger from training to a test of their difference: a plan from the models, the same result for any number
# of banks, measures that agree with `score --metrics`, and models that do not fit.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 2500 5 >rows.csv
plan 5 >plain.yaml
sed 's/task: logistic/task: scorecard/' plain.yaml >card.yaml
for plan in plain card; do "$cofferdam" fit $plan.yaml --data rows.csv --out $plan >/dev/null 2>&1 || fail "fit $plan"; done
"$cofferdam" plan evaluate plain/model.json --against card/model.json --cutoff 0.2 --cutoff 0.4 --group region \
    --purpose check -o five.yaml || fail "plan evaluate"
"$cofferdam" plan check five.yaml >check.out || fail "plan check"
grep -q 'the model challenger, which is in the plan, scores every row at its bank' check.out || fail "plan check says nothing"
sed 's/minimum: 5/minimum: 3/' five.yaml >three.yaml
run five five.yaml --split rows.csv:5
run three three.yaml --split rows.csv:3
for k in five three; do sed '/hash"/d; /"banks"/d' $k/model.json >$k.rest; done
cmp five.rest three.rest || fail "five banks and three differ"
"$cofferdam" model show five/model.json >shown || fail "model show"
grep -q '^AUC of the first less the second, training' shown || fail "no difference"
for k in 0 1; do
    model=$([ $k -eq 0 ] && echo plain || echo card)
    "$cofferdam" score $model/model.json --data rows.csv --metrics --json >exact.json || fail "metrics"
    python3 - five/model.json exact.json $k <<'END' || fail "$model: not the exact measures"
import json, sys
found = json.load(open(sys.argv[1]))["models"][int(sys.argv[3])]
exact = json.load(open(sys.argv[2]))
for name in ("train", "holdout"):
    if name not in found:
        continue
    a, b = found[name], exact[name] if name in exact else exact["metrics"][name]
    assert abs(a["auc"] - b["auc"]) < 3e-4 and abs(a["ks"] - b["ks"]) < 8e-3, (name, a["auc"], b)
    assert abs(a["brier"] - b["brier"]) < 1e-9 and abs(a["log_loss"] - b["log_loss"]) < 1e-9, name
END
done
sed 's/purpose: "check"/purpose: FILL_IN/' five.yaml >bad.yaml
refuses 2 'bad.yaml:[0-9]*: key "purpose": is still to be filled in' plan check bad.yaml
sed 's/cutoffs: \["0.2", "0.4"\]/cutoffs: [0.4, 0.2]/' five.yaml >bad.yaml
refuses 2 'bad.yaml:[0-9]*: key "evaluate.cutoffs": 0.2 does not come after 0.4' plan check bad.yaml
sed 's/group: "region"/group: "income"/' five.yaml >bad.yaml
refuses 2 'bad.yaml:[0-9]*: key "evaluate.group": "income" is no category' plan check bad.yaml
refuses 2 'key "evaluate.cutoffs": 1.5 is not' plan evaluate plain/model.json --cutoff 1.5
refuses 2 'key "evaluate.cutoffs": "0.5]" is not' plan evaluate plain/model.json --cutoff '0.5]'
refuses 2 'key "evaluate.group": "income" is no category' plan evaluate plain/model.json --group income
refuses 2 '\-\-group nobody: no model reads it' plan evaluate plain/model.json --group nobody
refuses 2 'scores no rows' plan evaluate five/model.json

# Drift: on the rows that trained there is none; on others it is what the models' own training counts give.
awk -F, 'BEGIN { OFS = "," } NR > 1 { $2 = int($2 * 0.7 + 500); if ($4 == "W") $4 = "E" } 1' rows.csv >moved.csv
for plan in plain card; do
    sed '/^split/d; /^id/d' $plan.yaml >whole-$plan.yaml
    "$cofferdam" fit whole-$plan.yaml --data rows.csv --out whole-$plan >/dev/null 2>&1 || fail "fit whole $plan"
done
"$cofferdam" plan evaluate whole-plain/model.json --against whole-card/model.json --purpose check -o whole.yaml
for data in rows moved; do
    "$cofferdam" fit whole.yaml --data $data.csv --out drift-$data >/dev/null 2>&1 || fail "fit on $data"
done
cat >drift.py <<'END'
import bisect, csv, json, math, sys
def psi(pairs):
    pairs, joined = [list(p) for p in pairs], []
    for now, then in pairs:
        if joined and 0 in joined[-1]:
            joined[-1] = [joined[-1][0] + now, joined[-1][1] + then]
        else:
            joined.append([now, then])
    if len(joined) > 1 and 0 in joined[-1]:
        last = joined.pop()
        joined[-1] = [joined[-1][0] + last[0], joined[-1][1] + last[1]]
    n, t = (sum(p[k] for p in joined) for k in (0, 1))
    return sum((a / n - b / t) * math.log((a / n) / (b / t)) for a, b in joined if a and b)
def cells(feature, rows, train):
    if "classes" in feature:
        then, now = [c["rows"] for c in feature["classes"]], [0] * len(feature["classes"])
        for row in rows:
            v = row[feature["name"]]
            for k, c in enumerate(feature["classes"]):
                if v in c["levels"] if "levels" in c else (c["from"] is None or float(v) >= c["from"]) and (c["to"] is None or float(v) < c["to"]):
                    now[k] += 1
        return zip(now, then)
    if feature["kind"] == "number":
        then = feature["bins"]["rows"]
        now = [0] * len(then)
        for row in rows:
            now[bisect.bisect_right(feature["bins"]["edges"], float(row[feature["name"]]))] += 1
        return zip(now, then)
    return [(sum(row[feature["name"]] == l["level"] for row in rows), l["rows"]) for l in feature["levels"]]
found = json.load(open(f"drift-{sys.argv[1]}/model.json"))
rows = list(csv.DictReader(open(sys.argv[1] + ".csv")))
for number, path in enumerate(("whole-plain/model.json", "whole-card/model.json")):
    model = json.load(open(path))
    told = {f["name"]: f["psi"] for f in found["models"][number]["train"]["features"]}
    assert set(told) == {f["name"] for f in model["features"]}
    for feature in model["features"]:
        expected = psi(cells(feature, rows, model["rows"]["train"]))
        assert abs(told[feature["name"]] - expected) < 1e-9, (path, feature["name"], told[feature["name"]], expected)
        assert sys.argv[1] == "moved" or abs(expected) < 1e-12
    assert sys.argv[1] == "rows" or told["income"] > 0.1, told
END
for data in rows moved; do python3 drift.py $data || fail "drift of $data"; done
"$cofferdam" model show drift-moved/model.json | grep -q '^drift of champion, all rows: .*income (PSI 0' || fail "the drift is not shown"
if "$cofferdam" model show drift-rows/model.json | grep -q '^drift of'; then fail "drift where there is none"; fi
