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
