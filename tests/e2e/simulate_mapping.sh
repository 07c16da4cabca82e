#!/bin/bash
# Banks that name, code and write their columns in their own way get the model that they would get without.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 600 9 >all.csv
plan 3 >plan.yaml
part() { head -n 1 all.csv; awk -v r="$1" 'NR > 1 && NR % 3 == r' all.csv; }
for k in 0 1 2; do part $k >"$k.csv"; done
run plain plan.yaml --site a=0.csv --site b=1.csv --site c=2.csv

# semicolons, decimal commas, incomes in thousands, other names, regions and outcomes in words, in another order
awk -F, '
    NR == 1 { print "outcome;Region;years;customer;earnings"; next }
    {
        region = $4 == "N" ? "north" : $4 == "E" ? "east" : $4 == "S" ? "south" : "west"
        printf "%s;%s;%s;%s;%d,%03d\r\n", $5 == 1 ? "bad" : "good", region, $3, $1, int($2 / 1000), $2 % 1000
    }' 1.csv >own.csv
cat >own.yaml <<'END'
source:
  delimiter: ";"
  decimal: ","
  columns:
    - {plan: id, column: customer}
    - {plan: income, column: earnings, factor: 1000}
    - {plan: age, column: years}
    - plan: region
      column: Region
      levels: [{from: north, to: N}, {from: east, to: E}, {from: south, to: S}, {from: west, to: W}]
    - {plan: default, column: outcome, levels: [{from: bad, to: "1"}, {from: good, to: "0"}]}
END
run mapped plan.yaml --site a=0.csv --site b=own.csv --site c=2.csv --mapping b=own.yaml
cmp plain/model.json mapped/model.json || fail "another model from mapped columns"
"$cofferdam" fit plan.yaml --data 1.csv --out fit.plain >/dev/null 2>&1
"$cofferdam" fit plan.yaml --data own.csv --mapping own.yaml --out fit.mapped >/dev/null 2>&1
cmp fit.plain/model.json fit.mapped/model.json || fail "another local fit from mapped columns"
"$cofferdam" score mapped/model.json --data 1.csv --id id -o plain.csv
"$cofferdam" score mapped/model.json --data own.csv --mapping own.yaml --id id -o own.scores
cmp plain.csv own.scores || fail "other scores from mapped columns"

refuses 2 'earnings' simulate plan.yaml --site a=0.csv --site b=1.csv --site c=2.csv --mapping b=own.yaml --out bad
sed 's/earnings/incomes/' own.yaml >wrong.yaml
refuses 2 'incomes' fit plan.yaml --data own.csv --mapping wrong.yaml --out bad
sed 's/delimiter/separator/' own.yaml >wrong.yaml
refuses 2 'wrong.yaml:2: ' fit plan.yaml --data own.csv --mapping wrong.yaml --out bad

# An entry of a mapping that no column of the plan has does nothing, which is said.
printf 'source:\n  columns:\n    - {plan: incom, column: income, factor: 0.001}\n' >slip.yaml
"$cofferdam" fit plan.yaml --data 1.csv --mapping slip.yaml --out slip >/dev/null 2>slip.err || fail "a slip in a mapping ends the fit"
grep -q '^slip.yaml: the plan has no column "incom"; this entry does nothing' slip.err || fail "the slip is not told"
