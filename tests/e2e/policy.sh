#!/bin/bash
# A bank's policy is enforced by its own node: each refusal names file and line, to the submitter, in the log and in the
# journal; what it gives in a month is counted over restarts, kills and runs at the same time.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
until_true 10 "$NODE" status "$HOME_DIR/south" || die "south does not start" # a signal before that is the shell's
south=$HOME_DIR/south
journal=$south/state/journal.jsonl

again() { # SED...: south with its policy changed so
    policy_config south north credit-risk 3
    [ $# -eq 0 ] || sed -i "$@" "$south/policy.yaml"
    party_kill south "${SIGNAL:-TERM}"
    node_start south
    until_true 10 "$NODE" status "$south" || die "south does not start with its policy"
}
refused() { # TEXT [TEXT OF ITS OWN]: south refuses a run: the others hear the first, its own log and journal have the last
    local run own=${2:-$1}
    run=$(submit north) || die "not submitted"
    watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "the run is done although south refuses"
    grep -qF "south refuses: $1" "$HOME_DIR/watched" || die "not 'south refuses: $1' but: $(cat "$HOME_DIR/watched")"
    until_true 10 grep -q "\"event\":\"${EVENT:-refused}\".*$run" "$journal" || die "south's journal does not tell"
    grep "$run" "$journal" | grep "\"event\":\"${EVENT:-refused}\"" | grep -qF "\"reason\":\"$own" ||
        die "the journal's reason is not '$own': $(tail -n 1 "$journal")"
    until_true 10 log_has south "${run:0:12}.*$own" || die "the log's reason is not '$own'"
    [ "${EVENT:-refused}" = ended ] || ! grep -q "\"event\":\"sent\".*$run" "$journal" || die "something left"
}
number_of() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
this_month() { "$NODE" status "$south" --json | number_of words_this_month; }

# Each entry by itself.
again '1s/credit-risk/churn/; s/purpose: credit-risk/purpose: churn/'
refused "policy.yaml:1: purpose credit-risk is not among those that this bank allows"
again '2s/.*/tasks: [statistics]/'
refused "policy.yaml:2: task logistic is not among those"
again '3s/north/east/; s/author: north/author: east/'
refused "policy.yaml:3: author north is not among those"
again '4s/.*/columns: {allowed: [age, sex, default]}/'
refused "policy.yaml:4: column income is not among those"
again '4s/.*/columns: {allowed: ["*"], forbidden: [postcode, sex]}/'
refused "policy.yaml:4: column sex is forbidden"
again '5s/minimum: 3/minimum: 4/'
refused "policy.yaml:5: the cohort has 3 members and this bank asks for at least 4"
again '5s/wait/continue/'
refused "policy.yaml:5: on_dropout wait is not among those"
again '7s/1/11/'
refused "policy.yaml:7: the plan shows cells of 10 customers and this bank asks for at least 11"
again '8s/10000/24/'
refused "policy.yaml:8: the plan trains for up to 25 rounds and this bank takes part in at most 24"
again '9s/run: 1000000000/run: 5/'
refused "policy.yaml:9: the first round alone takes"
again '10s/.*/approve: []/; 11d'
refused "policy.yaml:10: no rule approves plan"
# How many rows it has is its own affair: the others hear what they hear of any data that do not fit.
again '6s/1/701/'
refused "its data cannot be used for this plan; its own log says why" \
    "policy.yaml:6: this bank's table has 700 rows and the policy asks for at least 701"
! grep -q "70[01]" "$HOME_DIR/watched" || die "the others are told how many rows south has: $(cat "$HOME_DIR/watched")"
[ "$(this_month)" -eq 0 ] || die "words were charged that never left"

# A run, counted; the node is killed in the middle.
again
run=$(submit north) || die "not submitted"
until_true 20 grep -q "\"event\":\"sent\".*$run.*\"round\":3," "$journal" || die "round 3 did not come"
SIGNAL=KILL again
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
sent() { grep '"event":"sent"' "$journal" | python3 -c 'import json, sys; print(sum(json.loads(line)["facts"]["words"] for line in sys.stdin))'; }
words=$(sent)
[ "$(this_month)" -eq "$words" ] || die "$(this_month) words are charged, and $words left"

# Another run fits into the month in part: it is ended before the input that would be too much, over kills, and by each start.
limit=$((words + words / 2))
again "9s/.*/words: {run: 1000, month: $limit}/; 9s/1000/$limit/"
"$NODE" check "$south" --plan "$HOME_DIR/plan.note" >"$HOME_DIR/checked" || die "check: $(cat "$HOME_DIR/checked")"
grep -qF "and $limit in a calendar month, of which $words have left (policy.yaml:9)" "$HOME_DIR/checked" || die "check does not tell what left"
EVENT=ended refused "policy.yaml:9: this bank gives at most $limit words in a calendar month"
[ "$(sent)" -le "$limit" ] && [ "$(sent)" -gt "$words" ] || die "$(sent) words left, of $limit"
[ "$(this_month)" -eq "$(sent)" ] || die "$(this_month) words are charged, and $(sent) left"
[ ! -e "$south/state/runs"/*/table.frozen ] || die "a frozen table is left"
SIGNAL=KILL again "9s/.*/words: {run: $limit, month: $limit}/"
EVENT=ended refused "policy.yaml:9: this bank gives at most $limit words in a calendar month"
until_true 10 test "$(sent)" -le "$limit" || die "$(sent) words left, of $limit, after a kill"
# With next to nothing left of the month, nothing of a run leaves.
left=$(this_month)
again "9s/.*/words: {run: $left, month: $left}/"
refused "policy.yaml:9: this run would take more than the $left words that this bank gives in a calendar month"

# Two runs at once share what is left.
before=$(this_month)
limit=$((before + words + words / 2))
again "9s/.*/words: {run: $words, month: $limit}/"
one=$(submit north) && two=$(submit north) || die "not submitted"
watch north "$one" >/dev/null 2>&1
watch north "$two" >/dev/null 2>&1
until_true 10 grep -qE "\"event\":\"(ended|refused)\".*($one|$two).*in a calendar month" "$journal" || die "both runs had enough"
[ "$(this_month)" -eq "$(sent)" ] && [ "$(sent)" -le "$limit" ] || die "$(sent) words left, $(this_month) charged, of $limit"

# Rounds.
again '8s/10000/25/; s/rounds/&/'
sed -i 's/rounds: 25/rounds: 3/' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null
again '8s/10000/4/'
EVENT=ended refused "policy.yaml:8: this bank takes part in at most 4 rounds of a run"
[ "$(grep -c "\"event\":\"sent\".*$(tail -n 1 "$journal" | number_of run)" "$journal")" -eq 4 ] || die "not four inputs left"

# What an officer is told beforehand.
again '4s/.*/columns: {allowed: ["*"], forbidden: [sex]}/'
told() { grep -qF -- "$1" "$HOME_DIR/told" || die "not told: $1 in $(cat "$HOME_DIR/told")"; }
"$COFFERDAM" plan check "$HOME_DIR/plan.note" --policy "$south/policy.yaml" >"$HOME_DIR/told" 2>"$HOME_DIR/said"
[ $? -eq 1 ] || die "plan check does not end with exit code 1 although the policy refuses"
grep -q "policy.yaml:4: column sex is forbidden" "$HOME_DIR/said" || die "plan check: $(cat "$HOME_DIR/said")"
told "  refuses  policy.yaml:4    column sex is forbidden"
told "  allows   policy.yaml:3    author north"
told "the coordinator, who cannot read it"
told "at most 10000 times (policy.yaml:8)"
"$COFFERDAM" plan check "$HOME_DIR/plan.note" --policy "$south/policy.yaml" --json 2>/dev/null | python3 -c '
import json, sys
policy = json.load(sys.stdin)["policy"]
assert not policy["allows"] and {"verdict": "refuses", "line": 4, "text": "column sex is forbidden"} in policy["findings"], policy
' || die "plan check --json"
expect_exit 1 "policy.yaml:4: column sex is forbidden" "$NODE" check "$south" --plan "$HOME_DIR/plan.note"
policy_config south north credit-risk 3
"$COFFERDAM" plan check "$HOME_DIR/plan.note" --policy "$south/policy.yaml" >"$HOME_DIR/told" || die "the policy allows it"
told "  allows   policy.yaml:11   the plan is approved by this rule"
"$COFFERDAM" plan check "$HOME_DIR/plan.yaml" --policy "$south/policy.yaml" >"$HOME_DIR/told" || die "nothing refuses it"
told "this rule approves the plan, if north is the plan's author"
sed -i '3s/north/north, nobody/; 4s/.*/columns: {allowed: []}/' "$south/policy.yaml"
"$NODE" check "$south" >"$HOME_DIR/told" || die "an empty list is no mistake"
told "warning   policy.yaml:3: nobody is no member of the roster"
told "warning   policy.yaml:4: columns.allowed is empty, so this bank refuses every run"
# SIGHUP: a policy that is wrong changes nothing, a good one is in force, and a run under way goes on.
run=$(submit north) || die "not submitted"
watch south "$run" >/dev/null 2>&1 && die "south takes a plan with a forbidden column"
sed -i '9s/.*/words: {run: 2, month: 1}/' "$south/policy.yaml"
kill -HUP "${PROCESS[south]}"
until_true 10 log_has south 'not reloaded, and the node goes on as it was: .*policy.yaml:9' || die "a wrong policy is not told"
"$NODE" status "$south" >/dev/null || die "a wrong policy stops the node"
policy_config south north credit-risk 3
kill -HUP "${PROCESS[south]}"
until_true 10 log_has south 'reloading; open runs go on' || die "south does not reload"
run=$(submit north) || die "not submitted"
until_true 20 log_has south "${run:0:12}" || die "south does not hear of the run"
kill -HUP "${PROCESS[south]}"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "the reloaded policy is not in force at $bank"; done
sed -i '9s/.*/words: {run: 2, month: 1}/' "$south/policy.yaml"
party_kill south TERM
expect_exit 2 "south/policy.yaml:9: key \"words.run\": a run cannot have more words than a month" "$NODE" run "$south"
expect_exit 2 "south/policy.yaml:9" "$COFFERDAM" plan check "$HOME_DIR/plan.yaml" --policy "$south/policy.yaml"

# The files to begin with allow nothing, and are good but for that.
"$NODE" init "$HOME_DIR/fresh" --source ../south/rows.csv --key ../south/node.key --roster ../roster.note >/dev/null || die "init"
"$NODE" check "$HOME_DIR/fresh" >"$HOME_DIR/told" || die "check of what init writes: $(cat "$HOME_DIR/told")"
told "purposes is empty, so this bank refuses every run"
# What it leaves out is there to be uncommented.
sed -i "s/^# \(metrics: .*\):9464/\1:$(free_port)/; s/^# \(console: .*\):9465/\1:$(free_port)/" "$HOME_DIR/fresh/node.yaml"
"$NODE" check "$HOME_DIR/fresh" >"$HOME_DIR/told" || die "check of what init leaves out: $(cat "$HOME_DIR/told")"
told "metrics   127.0.0.1:"
rm "$HOME_DIR/fresh/node.yaml"
expect_exit 2 "fresh/policy.yaml exists" "$NODE" init "$HOME_DIR/fresh"
[ ! -e "$HOME_DIR/fresh/node.yaml" ] || die "half of the files are written"
good
