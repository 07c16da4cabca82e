#!/bin/bash
# Champion and challenger under differential privacy: a plan from the models, one round, figures near the exact ones, and the
# noise told wherever they are shown.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 4000 5 >rows.csv
plan 3 >plain.yaml
sed 's/task: logistic/task: scorecard/' plain.yaml >card.yaml
for plan in plain card; do "$cofferdam" fit $plan.yaml --data rows.csv --out $plan >/dev/null 2>&1 || fail "fit $plan"; done
evaluate() {
    "$cofferdam" plan evaluate plain/model.json --against card/model.json --cutoff 0.4 --group region --purpose check "$@" ||
        fail "plan evaluate $*"
}
evaluate | sed 's/minimum: 5/minimum: 3/' >exact.yaml
evaluate --epsilon 4 --delta 1.0e-6 | sed 's/minimum: 5/minimum: 3/' >private.yaml
refuses 2 '\-\-epsilon and \-\-delta go together' plan evaluate plain/model.json --epsilon 4
"$cofferdam" plan check private.yaml >check.out || fail "plan check"
tr -s ' \n' ' ' <check.out | grep -q 'score counts: .* noise of standard deviation [0-9.]* rows' ||
    fail "plan check says nothing of the noise"
# Rows that the models refuse, as their values are missing or none they know: the run goes on.
(cat rows.csv; for i in $(seq 9001 9040); do echo "$i,,30,N,1"; echo "$i,2000,30,X,0"; done) >more.csv
run exact exact.yaml --split rows.csv:3
run private private.yaml --split more.csv:3
python3 - exact/model.json private/model.json <<'END' || fail "the noisy figures are far off"
import json, sys
exact, noisy = (json.load(open(path)) for path in sys.argv[1:])
assert noisy["rounds"] == 1 and noisy["privacy"]["epsilon"] == 4
assert noisy["rows_refused"] is None or abs(noisy["rows_refused"] - 80) < 40, noisy["rows_refused"]
for k in range(2):
    for name in ("train", "holdout"):
        if name not in exact["models"][k]:
            continue
        a, b = exact["models"][k][name], noisy["models"][k][name]
        assert abs(a["auc"] - b["auc"]) < 0.003 + 5 * b["auc_noise_sd"], (name, a["auc"], b["auc"])
        assert abs(a["brier"] - b["brier"]) < 5 * b["brier_noise_sd"], (name, a["brier"], b["brier"])
        assert b["log_loss"] is None
END
"$cofferdam" model show private/model.json >shown || fail "model show"
grep -q '^every figure carries noise' shown || fail "model show does not tell the noise"
grep -q 'Every figure on this page carries noise' private/report.html || fail "the report does not tell the noise"
