#!/bin/bash
# Differential privacy with real daemons: a bank that dies comes back with the noise it had, one that stays away is gone
# on without, and what the run cost is in its bundle.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west mid)
e2e_make "${banks[@]}"
echo 'patience_seconds: 2' >>"$HOME_DIR/coordinator/coordinator.yaml"
for bank in "${banks[@]}"; do
    rows_make "${#bank}$(printf %d "'$bank")" 1500 >"$HOME_DIR/$bank/rows.csv"
    sed -i 's/on_dropout: \[wait\]/on_dropout: [wait, continue]/' "$HOME_DIR/$bank/policy.yaml"
done
private_plan() { # ON_DROPOUT
    rm -f "$HOME_DIR/plan.note"
    cat >"$HOME_DIR/plan.yaml" <<END
cofferdam: 1
name: small
purpose: credit-risk
task: logistic
target: {column: default, positive: "1"}
features:
  - {name: income, kind: number, min: 0, max: 5000, missing: mean, outside: clamp}
  - {name: age, kind: number, min: 18, max: 100, missing: 45, outside: clamp}
  - {name: sex, kind: category, levels: [f, m], baseline: f, missing: level, other: level}
privacy: {epsilon: 2, delta: 1.0e-6}
cohort: {minimum: 4, on_dropout: $1, rows: 100000}
END
    "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" \
        -o "$HOME_DIR/plan.note" >/dev/null || die "the plan cannot be signed"
}
bundle_of() { echo "$HOME_DIR/$1/state/runs/$2/run.cfd"; }
verified() { # BANK RUN: its bundle holds, and says what was spent
    until_true 30 test -s "$(bundle_of "$1" "$2")" || die "$1 has no bundle of run $2"
    "$COFFERDAM" audit verify --json --roster "$HOME_DIR/roster.note" "$(bundle_of "$1" "$2")" >"$HOME_DIR/verified" ||
        die "the bundle does not hold: $(cat "$HOME_DIR/verified")"
    python3 - "$HOME_DIR/verified" <<'END' || die "the audit does not say what was spent"
import json, sys
of = json.load(open(sys.argv[1]))["differential_privacy"]
assert of["epsilon"] == 2 and of["rho"] * 0.999 < of["rho_spent"] <= of["rho"], of
END
}

# All are there; two are killed while it goes on.
private_plan wait
e2e_start "${banks[@]}"
run=$(submit north) || die "not submitted"
for bank in east west; do
    party_kill "$bank"
    party_start "$bank"
done
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "the run failed at $bank"; done
same_models "$run" coordinator "${banks[@]}"
verified south "$run"
python3 - "$(model_of north "$run")" <<'END' || die "the model does not say that it is private"
import json, sys
model = json.load(open(sys.argv[1]))
assert model["privacy"]["epsilon"] == 2 and model["converged"] is None and model["banks"] == 5
assert 7000 < model["rows"]["train"] < 8000, model["rows"]
END

# A row without an outcome is left out, and only this bank hears of it; a plan may not ask how many rows there are.
echo '1000,50,f,' >>"$HOME_DIR/east/rows.csv"
sed 's/rows: 100000/rows: 99999/' "$HOME_DIR/plan.yaml" >"$HOME_DIR/asking.yaml"
"$COFFERDAM" plan sign "$HOME_DIR/asking.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/asking.note" >/dev/null
asking=$("$COFFERDAM" run submit "$HOME_DIR/asking.note" --node "$HOME_DIR/north" --key "$HOME_DIR/north/identity.key") || die "not submitted"
watch north "$asking" >"$HOME_DIR/watched" 2>&1 && die "a plan asks for the number of rows"
grep -q "refuses: policy.yaml:6: cohort.rows of a plan with privacy must be at least 100000" "$HOME_DIR/watched" || die "$(cat "$HOME_DIR/watched")"

# The same plan again: other noise, another model.
again=$(submit north) || die "not submitted again"
for bank in "${banks[@]}"; do watch "$bank" "$again" >/dev/null || die "the second run failed at $bank"; done
cmp -s "$(model_of north "$run")" "$(model_of north "$again")" && die "two runs have the same noise"
grep -q "\"event\":\"frozen\".*\"unfit\":1[,}]" "$HOME_DIR/east/state/journal.jsonl" || die "the row that was left out is not counted"

# A bank goes away after the first sum and stays away: with `continue` the others end the run without it.
private_plan continue
run=$(submit north) || die "not submitted"
until_true 20 log_has mid "${run:0:12}: .*round 1" || die "mid is in no round"
party_kill mid
for bank in north south east west; do watch "$bank" "$run" >/dev/null || die "the run did not go on at $bank"; done
same_models "$run" coordinator north south east west
verified east "$run"
node_start mid
watch mid "$run" >/dev/null || die "mid does not catch up"
same_models "$run" north mid
good
