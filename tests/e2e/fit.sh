#!/bin/bash
# fit: columns that say the same, exactly or nearly; an outcome that is told for sure; rows that leave nothing to fit.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 2000 7 >customers.csv
plan 5 | sed '/^split/d' >plan.yaml

ends() { # WORDS NAME ARGUMENTS...: the model's own end and what it names
    local words=$1 name=$2
    shift 2
    "$cofferdam" fit "$@" --out "$name" >"$name.out" 2>"$name.err" || { cat "$name.err"; fail "$name ended with $?"; }
    "$cofferdam" model show "$name/model.json" >"$name.show"
    grep -q "$words" "$name.show" || { cat "$name.show"; fail "$name does not say '$words'"; }
}

# One column under two names, with bounds of which one is 250 times as wide.
echo 'source: {columns: [{plan: income, column: age}]}' >same.yaml
ends '^age  *(aliased)' same plan.yaml --data customers.csv --mapping same.yaml
grep -q 'rounds, converged' same.show || fail "a column under two names: $(head -1 same.show)"

# A column that repeats another but for a little noise has a maximum, if a flat one; the same to six digits is the same.
near() { # NOISE
    awk -F, -v noise="$1" -v x=11 'BEGIN { OFS = "," }
        function uniform() { x = (x * 16807) % 2147483647; return x / 2147483647 - 0.5 }
        NR == 1 { print $0, "twin"; next } { print $0, sprintf("%.12f", $3 + noise * uniform()) }' customers.csv
}
sed 's/^train/  - {name: twin, kind: number, min: 0, max: 101}\ntrain/' plan.yaml >twin.yaml
for noise in 0.1 0.001; do
    near $noise >near.csv
    ends 'rounds, converged' near twin.yaml --data near.csv
    grep -q aliased near.show && fail "noise of $noise is taken for none"
done
near 0.00001 >near.csv
ends '^twin  *(aliased)' near twin.yaml --data near.csv
grep -q 'rounds, converged' near.show || fail "a twin to six digits: $(head -1 near.show)"

# Bounds so wide that the spread drowns in them: said in the model and on the summary, not passed off as a twin.
awk -F, 'BEGIN { OFS = "," } NR == 1 { print $0, "wide"; next } { print $0, sprintf("%.0f", 1e15 + (NR % 3) - 1) }' customers.csv >wide.csv
sed 's/^train/  - {name: wide, kind: number, min: 0, max: 2.0e+15}\ntrain/' plan.yaml >wide.yaml
ends '^aliased  *wide: .*its bounds are too wide for its spread: narrow min and max' wide wide.yaml --data wide.csv
grep -q '^aliased  *wide: .*too wide' wide.out || fail "the summary does not say it: $(cat wide.out)"
grep -q '"reason": .*too wide for its spread: narrow min and max' wide/model.json || fail "the model does not say it"
grep -q '^aliased  *twin: a combination of the terms before it' near.show || fail "why a twin is aliased: $(cat near.show)"
sed -i 's/min: 0, max: 2.0e+15/min: 999999999999000, max: 1000000000001000/' wide.yaml
ends '^wide  *[-0-9]' narrowed wide.yaml --data wide.csv

# A column that tells the outcome for sure.
awk -F, 'BEGIN { OFS = "," } NR == 1 { print $0, "twin"; next } { print $0, $5 * 100 }' customers.csv >sure.csv
ends "^separation: twin" sure twin.yaml --data sure.csv

# Nothing left to fit
sed 's/^train/split: {fraction: 0.999999999, seed: a}\ntrain/' plan.yaml >held.yaml
refuses 2 'every row is held out' fit held.yaml --data customers.csv --out bad
sed '2,$s/.$/0/' customers.csv >none.csv
refuses 2 'none of the 2000 training rows is positive' fit plan.yaml --data none.csv --out bad

# A result is put beside no other's.
mkdir -p run/report.html.d && : >run/plan.note
refuses 2 'run holds the result of a run' fit plan.yaml --data customers.csv --out run
mkdir -p half/report.html
refuses 2 'half/report.html: is a directory' fit plan.yaml --data customers.csv --out half
[ "$(ls half)" = report.html ] || fail "something was left in half: $(ls half)"
(ulimit -f 4; "$cofferdam" fit plan.yaml --data customers.csv --out limited >limited.out 2>&1) && fail "a file over the limit was written"
[ ! -e limited ] || fail "something was left: $(ls limited)"

# Rows are to be held out, and none are.
awk -F, 'BEGIN { OFS = "," } { print $0, NR == 1 ? "fold" : 1 }' customers.csv >folds.csv
sed 's/^split:.*//; s/^train/split: {column: fold, holdout: ["0"]}\ntrain/' plan.yaml >none.yaml
ends '' unheld none.yaml --data folds.csv
grep -q '^rows .*the plan holds rows out, and there are none such' unheld.out || fail "nothing is said: $(cat unheld.out)"
