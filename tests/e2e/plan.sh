#!/bin/bash
# plan new, check, sign, show as people type them.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
plan 5 >plan.yaml

"$cofferdam" plan check plan.yaml >lines || fail "plan check refused a good plan"
tr -s ' \n' ' ' <lines >check # as one line: sentences are wrapped
for words in 'What is computed' 'income: a number from 0 to 20000 in steps of 1; a value outside stops the bank' \
    'region: one of 4 levels, compared with "N"' 'a hash of seed "test" and id' 'What each round releases' \
    'seen by the coordinator, by every member' "a run's records" 'at least 5 banks' '2 stall it' 'after 168 hours' \
    'no sum overflows with 1000 banks of 10000000 rows each'; do
    grep -qF "$words" check || fail "plan check does not say: $words"
done
"$cofferdam" plan check - --json <plan.yaml >json
grep -q '"ok": true' json && grep -q '"t": 4' json && grep -q '"fraction_bits"' json || fail "plan check --json"
"$cofferdam" plan check plan.yaml --json | cmp - json || fail "a file and stdin differ"

wrong() { # WORDS SED
    sed "$2" plan.yaml >wrong.yaml
    refuses 2 "$1" plan check wrong.yaml
}
wrong '^*wrong.yaml:4: key "task": "magic" is not known; the tasks are: .*logistic' 's/logistic/magic/'
wrong 'wrong.yaml:4: key "tsak" is not known here' 's/^task/tsak/'
wrong 'wrong.yaml:9: feature "income", key "max": "lots" is not a finite decimal number' 's/20000/lots/'
wrong 'wrong.yaml:10: feature "income" stands there twice' 's/name: age/name: income/'
wrong 'wrong.yaml:5: key "target.column": is still to be filled in' 's/column: default/column: FILL_IN/'
wrong 'wrong.yaml: .*target' '/^target/d'
wrong 'wrong.yaml:12: key "privacy": needs its delta' 's/^train/privacy: {epsilon: 1}\ntrain/'
wrong 'wrong.yaml:13: key "cohort.minimum": with two banks' 's/minimum: 5/minimum: 2/'
wrong 'not UTF-8' 's/test/\xff/'
wrong 'key "\\x1b\[31mtr" is not known here' 's/^train/"\\e[31mtr": 1\ntrain/'
: >wrong.yaml
refuses 2 'wrong.yaml:1: the file is empty' plan check wrong.yaml
head -c 5000000 /dev/zero >wrong.yaml
refuses 2 'wrong.yaml' plan check wrong.yaml
refuses 3 'absent.yaml' plan check absent.yaml
refuses 2 'PLAN.yaml is missing' plan check

for name in north south; do "$cofferdam" keygen --org $name --out $name --no-passphrase >/dev/null; done
"$cofferdam" plan sign plan.yaml --org north --key north/identity.key -o plan.note >/dev/null
refuses 2 'plan.note.*\(exists\|already\)\|exists' plan sign plan.yaml --org north --key north/identity.key -o plan.note
refuses 2 'north has signed this plan already' plan sign plan.note --org north --key north/identity.key -o bad
refuses 2 'wrong.yaml' plan sign wrong.yaml --org north --key north/identity.key -o bad
refuses 2 'no name of a member' plan sign plan.yaml --org 'no rth' --key north/identity.key -o bad
"$cofferdam" plan sign plan.note --org south --key south/identity.key -o both.note >/dev/null
"$cofferdam" plan check both.note --json | cmp - json || fail "a signed plan is another plan"
printf %s "$(cat plan.yaml)" >no-newline.yaml
"$cofferdam" plan check no-newline.yaml --json | cmp - json || fail "the last newline makes another plan"

for name in hub east; do "$cofferdam" keygen --org $name --out $name --no-passphrase >/dev/null; done
"$cofferdam" roster new --coordinator hub/hub.pub --address tls+tcp://127.0.0.1:7700 -o roster \
    north/north.pub south/south.pub east/east.pub >/dev/null
"$cofferdam" plan show both.note --roster roster >show || fail "plan show refused good signatures"
[ "$(grep -c '^signed by .*: verified$' show)" -eq 2 ] || fail "plan show does not verify"
grep -qF "$(sed -n 's/.*"hash": "\(.*\)",/hash \1/p' json)" show || fail "plan show has another hash"
sed 's/20000/20001/' both.note >forged.note
"$cofferdam" plan show forged.note --roster roster >show 2>show.err && fail "a forged plan is shown as good"
grep -q 'DOES NOT VERIFY' show && grep -q '^cofferdam: forged.note: a signature' show.err || fail "a forged plan"
"$cofferdam" plan show plan.yaml | grep -q 'signed by nobody' || fail "an unsigned plan"

customers 2000 7 >customers.csv
"$cofferdam" plan new --from customers.csv -o draft.yaml
refuses 2 'draft.yaml:5: key "purpose": is still to be filled in' plan check draft.yaml
"$cofferdam" plan new --from customers.csv --target default --positive 1 | sed 's/purpose: FILL_IN/purpose: test/' >draft.yaml
grep -q 'Replace each FILL_IN, then run' draft.yaml || fail "a draft with its target asks to take it out"
"$cofferdam" plan check draft.yaml >check || fail "a finished draft is refused"
grep -qF -- '- {name: "income", kind: number, min: 1000, max: 10000, resolution: 1}' draft.yaml || fail "bounds"
grep -qF -- '- {name: "region", kind: category, levels: ["E", "N", "S", "W"], baseline: ' draft.yaml || fail "levels"
grep -q '^id: "id"' draft.yaml || fail "the id is not proposed"
grep -q 2000 draft.yaml && fail "a draft tells how many customers there are"
refuses 2 'no such column' plan new --from customers.csv --target absent
refuses 2 '\-\-positive belongs to --target' plan new --from customers.csv --positive 1
refuses 3 'absent.csv' plan new --from absent.csv
refuses 2 'has no such value' plan new --from customers.csv --target default --positive yes
refuses 2 'a column has one part' plan new --from customers.csv --target default --id default
{ echo 'same,other'; for i in $(seq 20); do printf '1.%0*d,%d\n' "$i" 0 "$i"; done; } >same.csv
"$cofferdam" plan new --from same.csv | grep -q '# left out: "same", it has one value' || fail "1.0 and 1.00 are bounds"
printf 'a,b\n1\n' >ragged.csv
refuses 2 'ragged.csv:2' plan new --from ragged.csv

for words in '' plan 'plan check' keygen 'roster new'; do
    "$cofferdam" $words --help >help || fail "$words --help"
    grep -qE 'Example|explains one' help || fail "$words --help has no examples"
done
"$cofferdam" --version | grep -qE '^cofferdam [0-9]' || fail "--version"
refuses 2 'a command is missing'
refuses 2 'no such command: nonsense' nonsense
refuses 2 'no such command: plan nonsense' plan nonsense
refuses 2 'no such option: -x;' plan check -xyz plan.yaml
refuses 2 'no such command: a\\x1b\[31m;' $'a\e[31m'
refuses 3 'a\\x0ab.yaml: ' plan check $'a\nb.yaml'
status=0
"$cofferdam" plan show plan.yaml >/dev/full 2>full.err || status=$?
[ $status -eq 3 ] && grep -q 'stdout cannot be written' full.err || fail "a full disk ends with $status"
