#!/bin/bash
# Officers: a plan waits at the node until they approve it, their words are kept over kills and told in the journal, and
# an approval that is taken back ends the run, before and in the middle of it.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
e2e_make "${banks[@]}"
sed -i 's/minimum: 4/minimum: 3/' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null
south=$HOME_DIR/south
journal=$south/state/journal.jsonl
plan=$("$COFFERDAM" plan show "$HOME_DIR/plan.note" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["hash"])')

# Keys of persons, apart from the bank's.
declare -A KEY=()
for person in ada bert mallory; do
    KEY[$person]=$("$COFFERDAM" keygen --officer --org south --name $person --no-passphrase --out "$HOME_DIR/$person" --json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])') || die "no key for $person"
    [ "$(stat -c %a "$HOME_DIR/$person/officer.key")" = 600 ] || die "others can read the key of $person"
done
expect_exit 2 "never overwritten" "$COFFERDAM" keygen --officer --org south --name ada --no-passphrase --out "$HOME_DIR/ada"
expect_exit 2 "go together" "$COFFERDAM" keygen --officer --org south --no-passphrase --out "$HOME_DIR/else"
officers() { # APPROVALS: south asks so many of Ada and Bert about north's plans
    policy_config south north credit-risk 3
    sed -i "s/purpose: credit-risk}/purpose: credit-risk, approvals: $1}/" "$south/policy.yaml"
    printf 'officers:\n  - {name: ada, key: %s}\n  - {name: bert, key: %s}\n' "${KEY[ada]}" "${KEY[bert]}" >>"$south/policy.yaml"
}
key_of() { sed -n "s/^$1 //p" "$south/south.pub"; } # identity|node
for kind in node identity; do
    officers 1
    sed -i "s/${KEY[bert]}/$(key_of $kind)/" "$south/policy.yaml"
    expect_exit 2 "policy.yaml:14: the key of officer bert is this bank's $kind key" "$NODE" run "$south"
done
officers 1
sed -i "s/${KEY[bert]}/${KEY[ada]}/" "$south/policy.yaml"
expect_exit 2 "policy.yaml:14: key \"officers.1.key\": is the key of ada too" "$NODE" run "$south"
officers 3
expect_exit 2 "policy.yaml:11: key \"approve.0.approvals\": must be a whole number from 1 to 2" "$NODE" run "$south"
officers 1
e2e_start "${banks[@]}"

word() { "$NODE" "$1" "$south" --key "$HOME_DIR/$2/officer.key" "${@:3}"; } # approve|deny PERSON OPTION...
standing() { "$NODE" plans "$south" | grep -q "^$2 *run $1 "; } # RUN STANDING
waits() { until_true 20 standing "$1" waits || die "the run does not wait at south: $("$NODE" plans "$south")"; }
sent() { grep "\"event\":\"sent\"" "$journal" | grep -c "$1"; } # RUN
restart() { # SIGNAL
    party_kill south "$1"
    node_start south
    until_true 10 "$NODE" status "$south" || die "south does not start"
}
done_everywhere() { for bank in "${banks[@]}"; do watch "$bank" "$1" >/dev/null || die "no model at $bank"; done; }

# Waiting: nothing leaves, over a kill too; and who is awaited is told.
run=$(submit north) || die "not submitted"
waits "$run"
until_true 20 sh -c "'$COFFERDAM' run show $run --node '$HOME_DIR/north' | grep -q 'awaited.*south'" || die "nobody hears that south is awaited"
restart KILL
waits "$run"
[ "$(sent "$run")" -eq 0 ] && [ ! -e "$south/state/runs/$run/table.frozen" ] || die "something was prepared before it was approved"
"$NODE" check "$south" --plan "$HOME_DIR/plan.note" | grep -qF "policy.yaml:11   an officer of this bank must approve the plan" || die "check"

# Words that do not count.
expect_exit 1 "policy.yaml:12: no officer of this bank has the key ${KEY[mallory]}" word approve mallory --plan "$plan"
expect_exit 2 "holds an identity key, where an officer's key is needed" "$NODE" approve "$south" --plan "$plan" --key "$south/identity.key"
expect_exit 2 "holds a node key, where an officer's key is needed" "$NODE" approve "$south" --plan "$plan" --key "$south/node.key"
expect_exit 2 "is over already" word approve ada --plan "$plan" --expires 2020-01-31
expect_exit 2 "write a date" word approve ada --plan "$plan" --expires tomorrow
expect_exit 2 "not 64 hex digits" word approve ada --plan "${plan:1}"
expect_exit 2 "name a plan by its hash" word approve ada
expect_exit 2 "is of one run" word approve ada --plan "$plan" --cohort-change
expect_exit 1 "no officer" "$NODE" approve "$HOME_DIR/north" --plan "$plan" --key "$HOME_DIR/ada/officer.key"
word approve ada --plan "${plan//[0-7]/9}" | grep -q "no such run is here yet" || die "a word on another plan"
sleep 1
standing "$run" waits || die "an approval of another plan was good for this one"

# Approved, and the node killed before it has done anything with it.
word approve ada --plan "$plan" --expires 2099-12-31 | grep -q "officer ada approves plan $plan (small, for credit-risk), until 2100-01-01" || die "approve"
restart KILL
done_everywhere "$run"
"$COFFERDAM" audit journal "$journal" --roster "$HOME_DIR/roster.note" >"$HOME_DIR/told" || die "the journal does not hold"
grep -q "officer   ada: approve plan ${plan:0:12}" "$HOME_DIR/told" || die "the journal does not tell what ada approved"
grep -q "approved  by officer ada: policy.yaml:11: author north" "$HOME_DIR/told" || die "the journal does not tell who approved"
standing "$run" done || die "plans: $("$NODE" plans "$south")"

# The bundle says so too, at every bank and without south's journal: with ada's signature, which nobody takes out or alters.
bundle=$HOME_DIR/east/state/runs/$run/run.cfd
until_true 20 test -s "$bundle" || die "no bundle at east"
"$COFFERDAM" audit verify "$bundle" --roster "$HOME_DIR/roster.note" >"$HOME_DIR/told" || die "the bundle does not hold: $(cat "$HOME_DIR/told")"
grep -q "south by 1 officer: ${KEY[ada]}\$" "$HOME_DIR/told" || die "the bundle does not tell who approved: $(cat "$HOME_DIR/told")"
for bank in north east west; do grep -q "$bank by its policy\$" "$HOME_DIR/told" || die "$bank: $(cat "$HOME_DIR/told")"; done
"$COFFERDAM" audit report "$bundle" -o "$HOME_DIR/report.html" --json >"$HOME_DIR/report.json" || die "no report"
python3 "tests/support/audit_page.py" "$HOME_DIR/report.html" "$HOME_DIR/report.json" || die "the report's page"
python3 - "$HOME_DIR/report.json" "${KEY[ada]}" <<'END' || die "the report: $(cat "$HOME_DIR/report.json")"
import json, sys
report = json.load(open(sys.argv[1]))
one, = report["approvals"]
assert (one["bank"], one["officer"], one["of"], one["round"]) == ("south", sys.argv[2], "plan", 1) and "2100-01-01" in one["expires"], one
assert {bank["name"]: bank["approved_by"] for bank in report["banks"]} == {
    "north": "policy", "south": "officers", "east": "policy", "west": "policy"}, report["banks"]
END
verifiers=("'$COFFERDAM' audit verify")
/usr/bin/python3 -c 'import cryptography' 2>/dev/null && verifiers+=("/usr/bin/python3 'tests/verify.py'")
python3 "tests/support/approvals.py" "$bundle" "$HOME_DIR/bad" || die "the bundle was not tampered with"
for verifier in "${verifiers[@]}"; do
    sh -c "$verifier '$bundle'" >"$HOME_DIR/told" || die "$verifier: $(cat "$HOME_DIR/told")"
    grep -q "south.*officer.*${KEY[ada]}" "$HOME_DIR/told" || die "$verifier does not name ada's key"
    for bad in "$HOME_DIR"/bad.*; do
        status=0
        sh -c "$verifier '$bad'" >"$HOME_DIR/told" 2>&1 || status=$?
        [ $status -eq 1 ] && grep -qi "entry 3 (p1," "$HOME_DIR/told" || die "$verifier $bad: $(cat "$HOME_DIR/told")"
    done
done
sed '/"officer":"ada"/s/decision approve/decision deny/' "$journal" >"$HOME_DIR/bad.jsonl"
expect_exit 1 "does not verify" "$COFFERDAM" audit journal "$HOME_DIR/bad.jsonl" --roster "$HOME_DIR/roster.note"

# The same plan again: nobody is asked again. Taken back in the middle, the run ends at once, and nothing more leaves.
# The run is known before it is begun, and waits for east while the officer speaks.
run=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" --key "$HOME_DIR/north/identity.key" \
    --prepare "$HOME_DIR/again.run") || die "not prepared"
"$COFFERDAM" run submit --prepared "$HOME_DIR/again.run" --node "$HOME_DIR/north" >/dev/null &
submitted=$!
until_true 20 grep -q "\"event\":\"sent\".*$run.*\"round\":3," "$journal" || die "round 3 did not come"
kill -STOP "${PROCESS[east]}"
wait $submitted || die "not submitted"
word deny ada --plan "$plan" | grep -q "officer ada denies plan" || die "deny"
left=$(sent "$run")
kill -CONT "${PROCESS[east]}"
watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "the run is done although ada took it back"
grep -qF "south refuses: policy.yaml:13: an officer of this bank denied it" "$HOME_DIR/watched" || die "another reason: $(cat "$HOME_DIR/watched")"
! grep -q ada "$HOME_DIR/watched" || die "the others are told who"
until_true 20 standing "$run" ended || die "plans: $("$NODE" plans "$south")"
[ "$(sent "$run")" -eq "$left" ] || die "something left after it was taken back"
[ ! -e "$south/state/runs/$run/table.frozen" ] || die "the frozen table is left"
until_true 10 grep -q "\"event\":\"ended\".*$run.*officer ada denied it" "$journal" || die "the journal does not tell why: $(tail -n 1 "$journal")"

# Before a run, and over a restart.
restart KILL
run=$(submit north) || die "not submitted"
watch north "$run" >/dev/null 2>&1 && die "a denied plan was carried out"
until_true 10 grep -q "\"event\":\"refused\".*$run.*officer ada denied it" "$journal" || die "the journal does not tell"
"$NODE" plans "$south" | grep -q "^refused *run $run .*officer ada denied it" || die "plans: $("$NODE" plans "$south")"
word approve bert --plan "$plan" >/dev/null || die "bert"
run=$(submit north) || die "not submitted"
watch north "$run" >/dev/null 2>&1 && die "one officer's approval outweighs another's denial"

# Two officers.
word approve ada --plan "$plan" >/dev/null || die "ada"
word deny bert --plan "$plan" >/dev/null || die "bert"
officers 2
restart TERM
word approve bert --run "$run" >/dev/null || die "bert"
run=$(submit north) || die "not submitted"
watch north "$run" >/dev/null 2>&1 && die "an approval of another run outweighs a denial of the plan"
word approve bert --plan "$plan" >/dev/null || die "bert"
run=$(submit north) || die "not submitted"
done_everywhere "$run"
sed -i 's/^name: small/name: smaller/' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null
run=$(submit north) || die "not submitted"
waits "$run"
word approve ada --run "$run" >/dev/null || die "ada"
sleep 0.01
word approve ada --run "$run" >/dev/null || die "ada again"
sleep 1
"$NODE" plans "$south" | grep -q "^waits *run $run .*1 of 2 officers approve it: ada" || die "plans: $("$NODE" plans "$south")"
word approve bert --run "$run" >/dev/null || die "bert"
done_everywhere "$run"

# Killed while a word is taken: it is kept and told, or neither, and never one without the other.
kept() { "$NODE" plans "$south" | grep -c "^word *ada: approve plan $1"; }
told_in_journal() { grep -c "\"event\":\"officer\".*\"subject\":\"$1\"" "$journal"; }
number=0
for point in "before an officer's word is kept" "an officer's word is kept"; do
    other=$(printf '%064d' $number)
    party_kill south TERM
    NODE=$BUILD/failpoints/cofferdam-node COFFERDAM_FAILPOINT="node: $point:1" node_start south
    until_true 10 "$NODE" status "$south" || die "south does not start"
    timeout $((2 * PATIENCE)) "$NODE" approve "$south" --key "$HOME_DIR/ada/officer.key" --plan "$other" >/dev/null 2>&1 &&
        die "south did not die at: $point"
    wait "${PROCESS[south]}" 2>/dev/null
    node_start south
    until_true 10 "$NODE" status "$south" || die "south does not start after: $point"
    [ "$(kept "$other")" -eq $number ] && [ "$(told_in_journal "$other")" -eq $number ] ||
        die "after $point: $(kept "$other") kept, $(told_in_journal "$other") told, not $number"
    number=$((number + 1))
done

# Cancelled while it waits.
run=$(submit north) || die "not submitted"
waits "$run"
"$COFFERDAM" run cancel "$run" --node "$HOME_DIR/north" >/dev/null || die "cancel"
until_true 20 standing "$run" refused || die "a cancelled run still waits"

# Another cohort: an officer approves that of this very run, before it comes.
three=(--key "$HOME_DIR/north/identity.key" --member north --member south --member east)
run=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" "${three[@]}" --prepare "$HOME_DIR/next.run") || die "not prepared"
for bank in north east; do
    approve_change "$bank" "$run"
    party_kill "$bank" TERM
    node_start "$bank"
done
until_true 10 "$NODE" status "$HOME_DIR/north" || die "north does not start"
word approve ada --run "$run" >/dev/null || die "ada"
word approve bert --run "$run" --cohort-change >/dev/null || die "bert"
"$COFFERDAM" run submit --prepared "$HOME_DIR/next.run" --node "$HOME_DIR/north" >/dev/null || die "not submitted"
waits "$run" # ada approved the run, and not that it leaves out west
word approve ada --run "$run" --cohort-change >/dev/null || die "ada"
for bank in north south east; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
"$COFFERDAM" audit journal "$journal" --roster "$HOME_DIR/roster.note" | grep "${run:0:12}  approved" | grep -q "by officers ada, bert: .*an officer approved its cohort" ||
    die "the journal does not tell of the cohort"
good
