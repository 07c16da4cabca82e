#!/bin/bash
# score: probabilities that can be checked by hand, awkward ids, measures that agree with training, and bad input.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 3000 5 >customers.csv
plan 5 >plan.yaml
"$cofferdam" fit plan.yaml --data customers.csv --out fit >/dev/null 2>&1

# 1 / (1 + exp(-log odds)) from the model's own terms.
"$cofferdam" score fit/model.json --data customers.csv --id id -o scores.csv
[ "$(wc -l <scores.csv)" -eq 3001 ] || fail "a line for each of 3,000 rows and a header"
[ "$(head -n 1 scores.csv)" = "id,probability" ] || fail "no header"
value() { # TERM KEY
    tr -d ' \n' <fit/model.json | grep -o "{\"term\":\"$1\"[^}]*}" | grep -o "\"$2\":[^,}]*" | cut -d: -f2
}
paste -d, <(tail -n +2 customers.csv) <(tail -n +2 scores.csv) | awk -F, \
    -v b0="$(value '(intercept)' estimate)" \
    -v b1="$(value income estimate)" -v m1="$(value income mean)" -v s1="$(value income sd)" \
    -v b2="$(value age estimate)" -v m2="$(value age mean)" -v s2="$(value age sd)" \
    -v e="$(value region=E estimate)" -v s="$(value region=S estimate)" -v w="$(value region=W estimate)" '
    {
        odds = b0 + b1 * ($2 - m1) / s1 + b2 * ($3 - m2) / s2 + ($4 == "E" ? e : $4 == "S" ? s : $4 == "W" ? w : 0)
        difference = $7 - 1 / (1 + exp(-odds))
        if ($1 != $6 || difference > 1e-12 || difference < -1e-12) { print "row " $1 ": " $7; wrong = 1 }
    }
    END { exit wrong }' || fail "a probability is not what the terms say"

# ids that need quotes, and rows without an id
printf 'id,income,age,region\n"a,b",2000,30,N\n"say ""x""",2000,30,N\nplain,2000,30,N\n' >awkward.csv
"$cofferdam" score fit/model.json --data awkward.csv --id id -o awkward.out
cut -d, -f1 awkward.out | grep -q '^"a$' || fail "a comma is not quoted"
grep -q '^"say ""x""",0\.' awkward.out || fail "a quote is not doubled"
grep -q '^plain,0\.' awkward.out || fail "a plain id is quoted"
"$cofferdam" score fit/model.json --data awkward.csv -o numbered.out
[ "$(cut -d, -f1 numbered.out | tr '\n' ' ')" = "row 1 2 3 " ] || fail "rows are not numbered"

# The model's own measures come from a histogram: close to the exact ones, on the very rows that training held out.
"$cofferdam" score fit/model.json --data customers.csv --metrics --json >metrics.json
for key in rows auc log_loss brier; do
    grep -q "\"$key\"" metrics.json || fail "no $key"
done
joint=$("$cofferdam" model show fit/model.json | awk '/^held out/ {print $3, $6, $7}')
exact=$("$cofferdam" score fit/model.json --data customers.csv --metrics | awk '/^held out/ {print $5, $8, $9}')
echo "$joint $exact" | awk '{ for (i = 1; i <= 3; i++) { d = $i - $(i + 3); if (d > 0.0003 || d < -0.0003) exit 1 } }' ||
    fail "measures differ: $joint against $exact"
rows=$("$cofferdam" model show fit/model.json | grep '^rows:' | tr -dc '0-9 ' | awk '{print $1, $3}')
again=$("$cofferdam" score fit/model.json --data customers.csv --metrics | awk '/^training|^held/ {printf "%s ", $(NF - 6)}')
[ "$rows" = "${again% }" ] || fail "other rows are held out: $rows against $again"

# held out by a column, by the row's own values, and not at all
{ head -n 1 customers.csv | sed 's/$/,fold/'; tail -n +2 customers.csv | awk '{print $0 "," NR % 5}'; } >folds.csv
for split in 'split: {column: fold, holdout: ["0"]}' 'split: {fraction: 0.5, seed: s}' ''; do
    sed "s/^split: .*/$split/; /^id: /d" plan.yaml >split.yaml
    "$cofferdam" fit split.yaml --data folds.csv --out split >/dev/null 2>&1 || fail "$split: no fit"
    rows=$("$cofferdam" model show split/model.json | grep '^rows:' | tr -dc '0-9 ' | awk '{print $1, $3}')
    again=$("$cofferdam" score split/model.json --data folds.csv --metrics | awk '/^training|^held/ {printf "%s ", $(NF - 6)}')
    [ "${rows% }" = "${again% }" ] || fail "'$split': other rows are held out: $rows against $again"
done

# bad input
refuses 2 'score --help' score fit/model.json --data customers.csv
refuses 2 'region' score fit/model.json --data <(cut -d, -f1-3 customers.csv) -o bad
refuses 2 'default' score fit/model.json --data awkward.csv --metrics
refuses 2 'nobody' score fit/model.json --data customers.csv --id nobody -o bad
refuses 2 'customers.csv' score customers.csv --data customers.csv -o bad
refuses 3 'absent' score fit/model.json --data absent.csv -o bad
refuses 3 'absent' score fit/model.json --data customers.csv -o absent/bad
sed '17s/,[NESW],/,X,/' customers.csv >level.csv
# A row that the model refuses keeps its line and is told; the others are scored.
"$cofferdam" score fit/model.json --data customers.csv -o all.csv || fail "score"
status=0
"$cofferdam" score fit/model.json --data level.csv -o level.out 2>level.err || status=$?
[ $status -eq 1 ] || fail "a refused row ended with $status"
grep -q '^level.csv:17: column region: "X" is not one' level.err || fail "the row is not told"
grep -q '1 of 3000 rows have no score' level.err || fail "refused rows are not counted"
[ "$(sed -n 17p level.out)" = "16," ] || fail "the refused row has a score: $(sed -n 17p level.out)"
cmp <(sed 17d all.csv) <(sed 17d level.out) || fail "other rows changed"
tr -d '\n' <fit/model.json | sed 's/"name": "age"/"name": "income"/' |
    with_hash >twice.json
refuses 2 'twice.json: feature 2: income stands there twice' score twice.json --data customers.csv -o bad

# What is read is not overwritten, what is no file is not replaced, and no rows count twice.
cp customers.csv same.csv
cp fit/model.json same.json
refuses 2 'same.csv: is what is read' score fit/model.json --data same.csv -o same.csv
refuses 2 'same.json: is what is read' score same.json --data customers.csv -o same.json
refuses 2 'same.json: is what is read' model export same.json --format sql -o same.json
cmp -s same.csv customers.csv && cmp -s same.json fit/model.json || fail "an input was overwritten"
mkfifo pipe
ln -s all.csv out.csv; ln -s customers.csv link.csv
refuses 2 'pipe: is not a file but a device or pipe' score fit/model.json --data customers.csv -o pipe
refuses 2 'out.csv: is not a file but a link' score fit/model.json --data customers.csv -o out.csv
refuses 2 'isdir: is not a file but a directory' model export fit/model.json --format sql -o "$(mkdir isdir && echo isdir)"
[ -p pipe ] && [ -L out.csv ] || fail "a pipe or a link is gone"
refuses 2 'link.csv: the same file is named twice' fit plan.yaml --data customers.csv --data link.csv --out bad

# A model may come from stdin, for every command.
"$cofferdam" model export - --format sql -o - <fit/model.json | grep -q '^SELECT' || fail "no export of a model from stdin"
"$cofferdam" score - --data customers.csv --metrics <fit/model.json | grep -q AUC || fail "no metrics of a model from stdin"
"$cofferdam" plan evaluate - --purpose test <fit/model.json | grep -q '^task: evaluate' || fail "no plan of a model from stdin"
: >empty.json
refuses 2 'empty.json: is empty; take the model.json' model show empty.json
refuses 2 'empty.json: is empty; take the model.json' score empty.json --data customers.csv -o bad
sed 's/"cofferdam": 1/"cofferdam": 2/' fit/model.json >newer.json
refuses 2 'newer.json: this is a model of version 2' model show newer.json

# An id is no part of the model: a row without one has a score.
sed '2s/^[^,]*,/,/' customers.csv >nameless.csv
"$cofferdam" score fit/model.json --data nameless.csv --id "$(head -n 1 customers.csv | cut -d, -f1)" -o nameless.out || fail "a row without id is refused"
sed -n 2p nameless.out | grep -q '^,0\.' || fail "a row without id has no score: $(sed -n 2p nameless.out)"

# A column that the model reads is not in the file.
cut -d, -f1,2 customers.csv >narrow.csv
refuses 2 'narrow.csv:1: there is no column age' score fit/model.json --data narrow.csv -o bad
