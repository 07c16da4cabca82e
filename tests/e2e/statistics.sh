#!/bin/bash
# The task statistics from plan to print: the same for any number of banks, no small cell shown, bad plans refused.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 600 5 >rows.csv
plan 5 | sed 's/task: logistic/task: statistics/; /^train/d' >five.yaml
sed 's/minimum: 5/minimum: 3/' five.yaml >three.yaml
"$cofferdam" plan check five.yaml >check.out || fail "plan check"
grep -q 'the report shows no cell with fewer than 10 customers' check.out || fail "plan check does not name the rule"
run five five.yaml --split rows.csv:5
run three three.yaml --split rows.csv:3
for k in five three; do sed '/hash"/d; /"banks"/d' $k/model.json >$k.rest; done
cmp five.rest three.rest || fail "five banks and three differ"
grep -q likelihood five.out && fail "statistics have no likelihood"
"$cofferdam" model show five/model.json >shown || fail "model show"
grep -q '^cells of at least 10 customers' shown || fail "the rule is not printed"
python3 - five/model.json <<'END' || fail "a small cell is shown"
import json, sys
model = json.load(open(sys.argv[1]))
for feature in model["features"]:
    for cell in feature.get("bins", []) + feature.get("levels", []):
        small = [c for c in (cell["positives"], cell["rows"] - cell["positives"]) if c < 10]
        assert cell["rows"] == 0 or not small, (feature["name"], cell)
END
sed 's/^cohort/cells: {minimum: 0}\n&/' five.yaml >bad.yaml
refuses 2 'bad.yaml:[0-9]*: key "cells.minimum": "0"' plan check bad.yaml
sed 's/^cohort/binning: {fine: 101}\n&/' five.yaml >bad.yaml
refuses 2 'bad.yaml:[0-9]*: key "binning.fine": "101"' plan check bad.yaml
refuses 2 'scores no rows' score five/model.json --data rows.csv -o bad.csv

# With differential privacy: noise is promised, added, and told; nothing about a row can stop the run.
sed 's/resolution: 1}/missing: median, outside: clamp, resolution: 1}/; s/baseline: "N"}/missing: level, other: level}/
    s/^cohort/privacy: {epsilon: 8, delta: 1.0e-6}\n&/' five.yaml >private.yaml
"$cofferdam" plan check private.yaml >check.out || fail "plan check of a private plan"
grep -q 'noise of standard' check.out || fail "plan check does not tell the noise"
grep -q 'epsilon 8' check.out || fail "plan check does not tell epsilon"
run private private.yaml --split rows.csv:5
run again private.yaml --split rows.csv:5
for k in private again; do grep -v hash $k/model.json >$k.rest; done
cmp -s private.rest again.rest && fail "two runs have the same noise"
"$cofferdam" model show private/model.json >shown || fail "model show of a private model"
grep -q '^every figure carries noise: private for one customer' shown || fail "model show does not tell the noise"
grep -q 'Every figure on this page carries noise' private/report.html || fail "the report does not tell the noise"
grep -q 'They are exact' private/report.html && fail "the report calls noisy sums exact"
"$cofferdam" audit verify private/run.cfd >audit.out || { cat audit.out; fail "the private run does not verify"; }
"$cofferdam" audit report private/run.cfd --out audited >audit.out || { cat audit.out; fail "audit report"; }
grep -rq 'Differential privacy: ε = 8' audited || fail "the audit's page does not tell of the noise"
python3 - private/model.json five/model.json <<'END' || fail "the noise is not what it should be"
import json, sys
private, exact = (json.load(open(name)) for name in sys.argv[1:])
noise = private["privacy"]["noise_sd"]
assert private["privacy"]["epsilon"] == 8 and private["rounds"] == 3 and min(noise.values()) > 0
assert abs(private["rows"]["train"] - exact["rows"]["train"]) < 10 * noise["cases"]
END
refuses 2 'fit adds no noise; use simulate' fit private.yaml --data rows.csv --out bad
sed 's/other: level/baseline: "N"/' private.yaml >bad.yaml
refuses 2 'region: under privacy a level not listed may not stop a run' plan check bad.yaml
