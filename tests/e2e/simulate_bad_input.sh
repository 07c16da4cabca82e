#!/bin/bash
# Bad input to simulate, fit and score: each with its exit code, one sentence that names the place, and no file left.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 400 7 >good.csv
plan 5 >plan.yaml
out="--out bad"

# bad NAME SED-SCRIPT: the good file, changed.
bad() { sed "$2" good.csv >"$1.csv"; }
with() { # CODE WORDS FILE: simulate and fit both refuse it
    refuses "$1" "$2" simulate plan.yaml --split "$3:5" $out
    refuses "$1" "$2" fit plan.yaml --data "$3" $out
}

bad column '1s/income/earnings/'
with 2 'income' column.csv
bad ragged '17s/$/,1/'
with 2 'ragged.csv:17: ' ragged.csv
bad number '17s/^16,[0-9]*/16,12x4/'
with 2 'number.csv:17: .*income' number.csv
bad bounds '17s/^16,[0-9]*/16,20001/'
with 2 'bounds.csv:17: .*income' bounds.csv
bad level '17s/,[NESW],/,X,/'
with 2 'level.csv:17: .*region' level.csv
bad missing '17s/^16,[0-9]*/16,/'
with 2 'missing.csv:17: .*income' missing.csv
: >empty.csv
with 2 'empty.csv' empty.csv
head -n 1 good.csv >header.csv
with 2 'header.csv' header.csv
bad nul '17s/^16,/16\x00,/'
with 2 'nul.csv:17: ' nul.csv
{ head -n 16 good.csv; printf '16,%0100000d,20,N,1\n' 1; } >huge.csv
with 2 'huge.csv:17: ' huge.csv
sed 's/,1$/,0/' good.csv >negatives.csv
with 2 'none of the [0-9]* training rows is positive' negatives.csv
refuses 2 'the joint data cannot be analysed as planned: none of' simulate plan.yaml --split negatives.csv:5 $out
grep -q 'true one\|ended the run' bad.err && fail 'an honest stop reads like cheating'
with 3 'absent.csv' absent.csv

# plans
changed() { sed "$1" plan.yaml >changed.yaml; }
changed 's/max: 20000/max: 1.0e+300/'
refuses 2 'changed.yaml' simulate changed.yaml --split good.csv:5 $out
changed 's/name: age/name: income/'
refuses 2 'changed.yaml:.*income' simulate changed.yaml --split good.csv:5 $out
changed 's/^purpose/purposes/'
refuses 2 'changed.yaml:3: ' simulate changed.yaml --split good.csv:5 $out
changed 's/min: 18/min: eighteen/'
refuses 2 'changed.yaml:' simulate changed.yaml --split good.csv:5 $out
changed 's/task: logistic/task: horoscope/'
refuses 2 'changed.yaml:' simulate changed.yaml --split good.csv:5 $out

# the consortium
refuses 2 'minimum is 5' simulate plan.yaml --split good.csv:3 $out
refuses 2 'at least 3' simulate plan.yaml --split good.csv:2 $out
plan 3 >three.yaml
refuses 2 'at least 3' simulate three.yaml --split good.csv:2 $out
refuses 2 'minimum is 5' simulate plan.yaml --site a=good.csv --site b=good.csv --site c=good.csv $out
refuses 2 'twice' simulate three.yaml --site a=good.csv --site a=good.csv --site c=good.csv $out
refuses 2 'no name of a member' simulate three.yaml --site ../a=good.csv --site b=good.csv --site c=good.csv $out
refuses 2 'no name of a member' simulate three.yaml --site $'\e[31m=good.csv' --site b=good.csv --site c=good.csv $out
refuses 2 'no --site' simulate three.yaml --site a=good.csv --site b=good.csv --site c=good.csv --mapping d=m.yaml $out
refuses 2 'NAME=FILE' simulate three.yaml --site good.csv --site b=good.csv --site c=good.csv $out
refuses 2 'split' simulate plan.yaml --split good.csv $out
refuses 2 'split' simulate plan.yaml --split good.csv:five $out
refuses 2 'split' simulate plan.yaml $out
refuses 2 'cannot be dealt' simulate plan.yaml --split <(head -n 4 good.csv):5 $out
refuses 2 'threads' simulate plan.yaml --split good.csv:5 --threads 0 $out
refuses 2 'faults' simulate plan.yaml --split good.csv:5 --faults x $out

# where the results go
refuses 2 'not a directory' simulate plan.yaml --split good.csv:5 --out good.csv
refuses 3 'absent' simulate plan.yaml --split good.csv:5 --out absent/bad
if [ "$(id -u)" -ne 0 ]; then
    mkdir sealed && chmod 500 sealed
    refuses 3 'sealed' simulate plan.yaml --split good.csv:5 --out sealed/bad
fi
refuses 3 '/proc' simulate plan.yaml --split good.csv:5 --out /proc/bad

# A disk that fills up while the results are written: an old result stays as it was, a new directory does not.
"$cofferdam" simulate plan.yaml --split good.csv:5 --out old >/dev/null 2>&1
cp -r old before
full() { (trap '' XFSZ && ulimit -f 2 && "$@"); }
full refuses 3 'could not be written' simulate plan.yaml --split good.csv:5 $out
full refuses 3 'could not be written' simulate plan.yaml --split good.csv:5 --out old
diff -r before old || fail "an old result was touched"
[ "$(ls -A old | tr '\n' ' ')" = "model.json plan.note report.html run.cfd " ] || fail "left in old: $(ls -A old)"
full refuses 3 'could not be written' score old/model.json --data good.csv -o bad
"$cofferdam" model show old/model.json >/dev/full 2>full.err && fail "a full disk went unnoticed"
grep -q 'stdout cannot be written' full.err || fail "a full disk is not named"
