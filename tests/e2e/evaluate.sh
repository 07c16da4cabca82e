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
