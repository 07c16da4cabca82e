#!/bin/bash
# Few customers and odd columns: no result shows one customer, and what cannot be told is said.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
python3 - <<'END' >rows.csv
import random
random.seed(4)
print("lone,few,income,same,region,fold,y")
for i in range(3000):
    income = random.randint(1000, 9999)
    y = int(random.random() < 0.2 + income / 20000)
    print(f"{7.25 if i == 17 else ''},{i if i % 700 == 3 else ''},{income},5,{random.choice('NESW')},{int(i == 40)},{y}")
END
plan_of() { # TASK FEATURES...
    printf 'cofferdam: 1\nname: few\npurpose: test\ntask: %s\ntarget: {column: y, positive: "1", negative: ["0"]}\nfeatures:\n' "$1"
    shift
    printf '  - {name: %s}\n' "$@"
    printf 'cohort: {minimum: 3}\n'
}
lone='lone, kind: number, min: 0, max: 100' income='income, kind: number, min: 0, max: 10000'
fit() { # NAME: of NAME.yaml
    "$cofferdam" fit "$1.yaml" --data rows.csv --out "$1" >"$1.out" 2>"$1.err" || fail "$1: $(tail -n 1 "$1.err")"
}
json() { # NAME PROGRAM: asserts about the model m
    python3 -c "import json,math; m = json.load(open('$1/model.json')); f = {x['name']: x for x in m.get('features', []) + m.get('left_out', [])}
$2" || fail "$1: $2"
}

# One customer has a value: neither the value, nor by subtraction the outcome, is in any result.
plan_of statistics "$lone, missing: level" "few, kind: number, min: 0, max: 3000, missing: level" "$income" >statistics.yaml
fit statistics
json statistics "
for name in ('lone', 'few'):
    assert f[name]['missing']['rows'] is None and f[name]['mean'] is None and f[name]['observed'] is None
    assert all(q['value'] is None for q in f[name]['quantiles'])
    assert [b['rows'] for b in f[name]['bins']] == [3000]"
plan_of scorecard "$lone, missing: level" "$income" >scorecard.yaml
fit scorecard
json scorecard "
assert f['lone']['iv'] is None and 'one class' in f['lone']['reason']
assert all('rows' not in c and 'positives' not in c for c in f['lone']['classes'])"
plan_of logistic "$lone, missing: mean" "$income" >logistic.yaml
refuses 2 'fewer than 10 training rows (cells.minimum) have a value of lone' fit logistic.yaml --data rows.csv --out bad
grep -q '7\.25' statistics/model.json scorecard/model.json && fail "the customer's value is told"

# One row is held out: its score would follow from the measures.
{ plan_of logistic "$income" "region, kind: category, levels: [N, E, S, W]"; echo 'split: {column: fold, holdout: ["1"]}'; } >held.yaml
fit held
json held "assert all(v is None for v in m['metrics']['holdout'].values())"
"$cofferdam" plan evaluate held/model.json --purpose test -o evaluate.yaml
sed -i 's/minimum: 5/minimum: 3/' evaluate.yaml
fit evaluate
json evaluate "
held = m['models'][0]['holdout']
assert held['brier'] is None and held['log_loss'] is None and 'auc' not in held and held.get('psi') is None"

# Bounds far wider than the values: figures without digits are not given.
for bounds in 1.0e10 1.0e13; do
    plan_of statistics "income, kind: number, min: 0, max: $bounds" "same, kind: number, min: 0, max: 10" >wide.yaml
    fit wide
    json wide "assert f['income']['skewness'] is None and 'min and max' in f['income']['note'], f['income']
assert f['same']['sd'] == 0 and 'all values are equal' in f['same']['note']
assert $bounds < 1e12 or not f['income']['sd']"
done

# The outcome follows from a column: told at once, not after all rounds.
awk -F, 'NR == 1 { print; next } { $7 = ($3 < 4000); print }' OFS=, rows.csv >perfect.csv
plan_of logistic "$income" >perfect.yaml
"$cofferdam" fit perfect.yaml --data perfect.csv --out perfect >perfect.out 2>&1
json perfect "assert m['separation']['terms'] == ['income'] and not m['converged'] and m['fit']['end'] == 'separated'"

# A column whose values differ by the last digit is no feature.
printf 'a,b,t\n59.97,1,1\n59.970000000000006,2,1\n59.96999999999999,3,1\n59.97,4,0\n' >noise.csv
timeout 20 "$cofferdam" plan new --from noise.csv --target t --positive 1 -o noise.yaml || fail "plan new does not end"
grep -q 'left out: "a", its values differ in their last digits only' noise.yaml || fail "$(cat noise.yaml)"

# A level that no training row has: said, and what it then scores as.
plan_of logistic "$income" "region, kind: category, levels: [N, E, S, W, X]" >level.yaml
fit level
grep -q '^aliased  *region=X: no training row has this level: it scores as the baseline does' level.out || fail "an empty level is not told: $(cat level.out)"

# One customer has no region: whatever its outcome, the scorecard's classes are the same, those of the others.
plan_of scorecard "$income" "region, kind: category, levels: [N, E, S, W], missing: level" >rare.yaml
sed -i '$ a selection: {iv: 0, signs: any}' rare.yaml
for outcome in 0 1; do
    awk -F, -v y=$outcome 'NR == 100 { $5 = ""; $7 = y } 1' OFS=, rows.csv >rare-$outcome.csv
    "$cofferdam" fit rare.yaml --data rare-$outcome.csv --out rare-$outcome >/dev/null 2>&1 || fail "fit with outcome $outcome"
    python3 -c "
import json
card = json.load(open('rare-$outcome/model.json'))
of = next(f for f in card['features'] + card['left_out'] if f['name'] == 'region')
assert any('missing' in c['levels'] and len(c['levels']) > 1 for c in of['classes'])
print([c['levels'] for c in of['classes']])" >classes-$outcome || fail "a customer without region"
done
cmp classes-0 classes-1 || fail "one customer's outcome decides on its class"
