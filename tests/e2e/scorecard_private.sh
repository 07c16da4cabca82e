#!/bin/bash
# A scorecard under differential privacy: the noise is told wherever figures are shown, scores are near the exact ones, and
# other engines score as cofferdam does.
. "$(dirname "$0")/lib/simulate.bash"
export PYTHONPATH=$root/tests/support
cd "$work"
customers 4000 5 >rows.csv
plan 3 | sed 's/task: logistic/task: scorecard/' >exact.yaml
private() { # EPSILON
    sed 's/resolution: 1}/resolution: 1, missing: level, outside: clamp}/; s/, baseline: "N"/, missing: level, other: level/' exact.yaml
    echo "privacy: {epsilon: $1, delta: 1.0e-6}"
}
private 8 >private.yaml
"$cofferdam" plan check private.yaml >check.out || fail "plan check"
tr -s ' \n' ' ' <check.out >told
for words in 'cases of each outcome in each number.s bins; noise of standard deviation [0-9.]* rows' \
    'standard deviation of the noise, at least: hessian [0-9.]*, gradient' 'a class needs about [0-9]* customers of each outcome'; do
    grep -q "$words" told || fail "plan check does not say '$words'"
done
run exact exact.yaml --split rows.csv:3
run private private.yaml --split rows.csv:3
run again private.yaml --split rows.csv:3
cmp -s private/model.json again/model.json && fail "two runs have the same noise"
"$cofferdam" model show private/model.json >shown || fail "model show"
grep -q '^every figure carries noise' shown || fail "model show does not tell the noise"
grep -q 'Every figure on this page carries noise' private/report.html || fail "the report does not tell the noise"
"$cofferdam" audit verify --json private/run.cfd >verified || fail "the bundle does not hold"
for k in exact private; do "$cofferdam" score $k/model.json --data rows.csv --metrics --json >$k.metrics || fail "score $k"; done
python3 - exact.metrics private.metrics private/model.json verified <<'END' || fail "the private scorecard is far off"
import json, sys
exact, noisy, model, verified = (json.load(open(path)) for path in sys.argv[1:])
assert abs(exact["holdout"]["auc"] - noisy["holdout"]["auc"]) < 0.05, (exact, noisy)
assert model["privacy"]["epsilon"] == 8 and model["converged"] is None and model["fits"] == 1
assert {"counts", "cells", "score counts"} <= set(model["privacy"]["noise_sd"])
spent = verified["differential_privacy"]
assert 0.5 * spent["rho"] < spent["rho_spent"] <= spent["rho"], spent
END
"$cofferdam" model export private/model.json --format pmml -o model.pmml || fail "pmml"
"$cofferdam" model export private/model.json --format onnx -o model.onnx || fail "onnx"
"$cofferdam" model export private/model.json --format sql --table rows -o model.sql || fail "sql"
"$cofferdam" score private/model.json --data rows.csv -o scores.csv || fail "score"
python3 "$root/tests/support/exports.py" private/model.json model.pmml model.onnx model.sql rows.csv scores.csv rows >agreed || fail "exports"
grep -q '4000 rows, 0 of them refused, agree' agreed || fail "exports: $(cat agreed)"

private 0.01 >drowned.yaml
status=0
"$cofferdam" simulate drowned.yaml --split rows.csv:3 --out drowned >drowned.out 2>drowned.err || status=$?
[ $status -eq 2 ] || fail "a run that noise drowns ended with $status: $(cat drowned.err)"
grep -q 'too few rows under the noise' drowned.err || fail "no reason: $(cat drowned.err)"
