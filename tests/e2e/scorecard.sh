#!/bin/bash
# A scorecard from plan to scores: the same for any number of banks; points, reasons and probabilities of rows add up.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 1500 5 >rows.csv
plan 5 | sed 's/task: logistic/task: scorecard/' >five.yaml
sed 's/minimum: 5/minimum: 3/' five.yaml >three.yaml
"$cofferdam" plan check five.yaml >check.out || fail "plan check"
grep -q 'the scorecard shows no class with fewer than 10' check.out || fail "plan check does not name the rule"
run five five.yaml --split rows.csv:5
run three three.yaml --split rows.csv:3
for k in five three; do sed '/hash"/d; /"banks"/d' $k/model.json >$k.rest; done
cmp five.rest three.rest || fail "five banks and three differ"
"$cofferdam" model show five/model.json >shown || fail "model show"
grep -q '^points: 600 at odds of 50 to 1, 20 more double the odds' shown || fail "no points"
"$cofferdam" score five/model.json --data rows.csv -o scores.csv || fail "score"
python3 - five/model.json rows.csv scores.csv <<'END' || fail "scores do not follow from the table"
import csv, json, math, sys
model = json.load(open(sys.argv[1]))
rows, scores = (list(csv.DictReader(open(path))) for path in sys.argv[2:])
assert len(rows) == len(scores) == 1500
def find(feature, text):
    for c in feature["classes"]:
        if feature["kind"] == "category":
            if text in c["levels"] or (text == "" and "missing" in c["levels"]):
                return c
        elif text == "":
            if c.get("missing"):
                return c
        elif "from" in c:
            low, high = c["from"], c["to"]
            if (low is None or float(text) >= low) and (high is None or float(text) < high):
                return c
    raise SystemExit(f"no class for {feature['name']}={text}")
for row, score in zip(rows, scores):
    classes = [find(f, row[f["name"]]) for f in model["features"]]
    odds = model["terms"][0]["estimate"] + sum(c["log_odds"] for c in classes)
    assert abs(1 / (1 + math.exp(-odds)) - float(score["probability"])) < 1e-12
    assert float(score["points"]) == model["points"]["base_points"] + sum(c["points"] for c in classes)
    lost = [(max(c["points"] for c in f["classes"]) - c["points"], f["name"]) for f, c in zip(model["features"], classes)]
    reasons = [name for loss, name in sorted(lost, key=lambda x: -x[0]) if loss > 0][:4]
    assert reasons == [score[f"reason_{i + 1}"] for i in range(4) if score[f"reason_{i + 1}"]], (row, score, lost)
END
"$cofferdam" score five/model.json --data rows.csv --metrics >metrics || fail "score --metrics"

# Plans and models that are wrong.
wrong() { # WORDS SED-SCRIPT: the plan changed by the script is refused
    sed "$2" five.yaml >bad.yaml
    refuses 2 "bad.yaml:[0-9]*: .*$1" plan check bad.yaml
}
wrong 'key "points.pdo": 0 is not from' '$apoints: {pdo: 0}'
wrong 'key "selection.signs": "none" is none of check or any' '$aselection: {signs: none}'
wrong '5 does not come after 10' '0,/kind: number/s//kind: number, cuts: [10, 5]/'
wrong 'is none of no, rising, falling or either' '0,/kind: number/s//kind: number, monotone: up/'
wrong 'is in no group' '0,/kind: category/s//kind: category, groups: [{levels: [N]}]/'
sed 's/"cofferdam": 1/"cofferdam": 2/' five/model.json >newer.json
refuses 2 'newer.json: this is a model of version 2' score newer.json --data rows.csv -o bad.csv
sed '0,/"to": [0-9.]*/s//"to": 1e9/' five/model.json | with_hash >torn.json
refuses 2 'torn.json: feature [0-9]*: class 2 does not begin where' score torn.json --data rows.csv -o bad.csv
