#!/bin/bash
# How the target is coded: a value that the plan does not name is refused or at least said, never quietly a negative.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 400 7 >good.csv
plan 5 >plan.yaml
sed 's/positive: "1"/&, negative: ["0"]/' plan.yaml >both.yaml
out="--out bad"

# With both values named, anything else stops with its place; without, it counts as negative and is said.
for value in NA yes ' 1' -1; do
    sed "17s/,[01]\$/,$value/" good.csv >odd.csv
    refuses 2 "odd.csv:17: column default: \"$value\"" simulate both.yaml --split odd.csv:5 $out
    refuses 2 "odd.csv:17: column default: \"$value\"" fit both.yaml --data odd.csv $out
    "$cofferdam" fit plan.yaml --data odd.csv --out open >open.out 2>open.err || fail "fit with $value"
    grep -q "^warning: odd.csv: target default: .*\"$value\" 1.*counts as negative" open.err ||
        { cat open.err; fail "nothing is said of $value"; }
done
for command in "fit both.yaml --data good.csv" "simulate both.yaml --split good.csv:5" "fit plan.yaml --data good.csv"; do
    rm -rf fine
    "$cofferdam" $command --out fine >fine.out 2>fine.err || fail "$command"
    grep -q warning fine.err && fail "$command warns: $(cat fine.err)"
    grep -q "^target  *default: \"1\" (positive) $(grep -c ',1$' good.csv), \"0\" $(grep -c ',0$' good.csv)\$" fine.out ||
        { cat fine.out; fail "$command does not count the codings"; }
done

# Naming the negatives changes no estimate; the model knows them.
"$cofferdam" fit both.yaml --data good.csv --out both >/dev/null 2>&1
for model in both fine; do sed '/hash"/d; /"negative": \[/,/\]/d; s/"positive": "1",*/"positive": "1"/' $model/model.json >$model.rest; done
cmp both.rest fine.rest || fail "the estimates differ"
sed '17s/,[01]$/,NA/' good.csv >odd.csv
refuses 2 'odd.csv:17: column default: "NA"' score both/model.json --data odd.csv --metrics

# No positive row; and banks that code it in different ways.
sed 's/,1$/,yes/' good.csv >yes.csv
refuses 2 'yes.csv:[0-9]*: column default: "yes"' fit both.yaml --data yes.csv $out
"$cofferdam" fit plan.yaml --data yes.csv --out bad >/dev/null 2>yes.err && fail "no positive row was found"
grep -q '^warning: yes.csv: target default: "1" (positive) 0, .*no row is positive' yes.err || fail "$(cat yes.err)"
sed 's/,0$/,no/' good.csv >no.csv
"$cofferdam" fit plan.yaml --data good.csv --data no.csv --out mixed >/dev/null 2>mixed.err || fail "two codings"
grep -q '^warning: target default: .*"0".*"no"' mixed.err || { cat mixed.err; fail "two codings are not said"; }

# A draft names both of two values, and only then.
"$cofferdam" plan new --from good.csv --target default --positive 1 >draft.yaml
grep -q '^target: {column: "default", positive: "1", negative: \["0"\]}$' draft.yaml || fail "$(grep target draft.yaml)"
"$cofferdam" plan new --from odd.csv --target default --positive 1 >draft.yaml
grep -q '^target: {column: "default", positive: "1"}$' draft.yaml || fail "$(grep target draft.yaml)"
"$cofferdam" plan check both.yaml | grep -q 'negative is "0"; any other value stops the bank' || fail "plan check"
