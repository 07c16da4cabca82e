#!/bin/bash
# Each node's journal tells what it did, survives kills without a hole or an entry twice, and says what the bundle proves; one
# that was changed is found out by its node and by its reader.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
sed -i 's/cohort: {minimum: 3/split: {fraction: 0.2, seed: test}\ncohort: {minimum: 3/' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null
e2e_start "${banks[@]}"
journal_of() { echo "$HOME_DIR/$1/state/journal.jsonl"; } # BANK
audit() { "$COFFERDAM" audit journal "$1" --roster "$HOME_DIR/roster.note" "${@:2}"; } # JOURNAL OPTION...
has() { audit "$(journal_of "$1")" | grep -qE "$2" || die "the journal of $1 does not say: $2"; } # BANK PATTERN
events() { grep -c "\"event\":\"$2\"" "$(journal_of "$1")"; } # BANK EVENT

# A run in which a node is killed again and again.
run=$(submit north) || die "not submitted"
for round in 1 2 4 7; do
    until_true 20 grep -q "\"event\":\"sent\".*\"round\":$round," "$(journal_of south)" || die "south does not come to round $round"
    party_kill south
    node_start south
    until_true 10 "$NODE" status "$HOME_DIR/south" || die "south does not start again"
done
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
for bank in "${banks[@]}"; do until_true 20 grep -q '"event":"bundle"' "$(journal_of "$bank")" || die "no bundle at $bank"; done
steps=$("$COFFERDAM" audit verify "$HOME_DIR/south/state/runs/$run/run.cfd" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["steps"])')
for bank in "${banks[@]}"; do
    bundle=$HOME_DIR/$bank/state/runs/$run/run.cfd
    audit "$(journal_of "$bank")" --bundle "$bundle" >"$HOME_DIR/told" || die "the journal of $bank does not hold"
    grep -q "^HOLDS: the journal is as the node wrote it, and says what" "$HOME_DIR/told" || die "no verdict"
    grep -qE "^ +[0-9]+  masked inputs of $bank in it" "$HOME_DIR/told" || die "no inputs compared"
    grep -qE "^ +$steps  closed steps" "$HOME_DIR/told" || die "not all of $steps steps compared: $(cat "$HOME_DIR/told")"
    model=$(sha256sum <"$(model_of "$bank" "$run")")
    has "$bank" "^  end +done, model.json ${model%% *}"
    digest=$(sha256sum <"$bundle")
    has "$bank" "^  bundle +[0-9]+ bytes, ${digest%% *}"
done
has south "approved +by policy: policy.yaml:11: author north, purpose credit-risk"
has south "frozen +700 rows, 1[0-9]{2} of them held out; columns income age sex default"
has south "^  data +700 rows, .*; columns income age sex default"
has south "^  left +[0-9]+ words of 64 bits, [0-9]+ bytes, all masked, in "
[ "$(events south started)" -eq 5 ] || die "$(events south started) starts of south, not 5"
for event in seen approved frozen done bundle; do [ "$(events south $event)" -eq 1 ] || die "south tells $event not once"; done
audit "$(journal_of south)" --bundle "$bundle" --json | python3 -c '
import json, sys
told = json.load(sys.stdin)
run, = told["runs"]
assert told["holds"] and told["member"] == "south" and run["rows"] == 700 and run["purpose"] == "credit-risk", told
assert {sent["fate"] for sent in run["sent"]} <= {"closed", "void", "superseded"}, run["sent"]
assert sum(sent["fate"] == "closed" for sent in run["sent"]) == told["bundle"]["inputs"] == len(run["closed"]), run
for line in open(sys.argv[1]):
    assert set(json.loads(line)) - {"run"} == {"entry", "time", "event", "previous", "facts", "signature"}, line
' "$(journal_of south)" || die "another JSON"
# A form of the bundle that may be public says enough.
"$COFFERDAM" audit redact "$bundle" -o "$HOME_DIR/public.cfd" >/dev/null && audit "$(journal_of east)" --bundle "$HOME_DIR/public.cfd" >/dev/null ||
    die "not with the public form"
"$NODE" status "$HOME_DIR/east" | grep -qE "^journal .*east/state/journal.jsonl: [0-9]+ entries" || die "status"

# A plan that is refused is told, and that nothing left.
party_kill east TERM
policy_config east north churn 3
node_start east
refused=$(submit north) || die "not submitted again"
watch north "$refused" >/dev/null 2>&1 && die "a run is done that east refuses"
until_true 10 grep -q '"event":"refused"' "$(journal_of east)" || die "east does not tell that it refused"
has east "${refused:0:12}  refused +policy.yaml:1: purpose credit-risk is not among"
audit "$(journal_of east)" | grep -A 4 "^run $refused" | grep -q "left       nothing" || die "something left east"
until_true 10 grep -q '"event":"ended"' "$(journal_of north)" || die "north does not tell how the run ended"
has north "${refused:0:12}  ended +.*east refuses"

# What is not so, by its reader.
whole=$HOME_DIR/whole.jsonl
cp "$(journal_of south)" "$whole"
bad=$HOME_DIR/bad.jsonl
not_so() { # TEXT OPTION...: of the journal in $bad
    expect_exit 1 "$1" audit "$bad" "${@:2}"
}
sed '3s/credit-risk/credit-rusk/' "$whole" >"$bad"
not_so "line 3: the signature does not verify"
sed 4d "$whole" >"$bad"
not_so "line 4: it is entry 5, where entry 4 must be"
sed -e 5h -e 5d -e 6G "$whole" >"$bad"
not_so "line 5: it is entry 6"
sed 6p "$whole" >"$bad"
not_so "line 7: it is entry 6"
head -c -9 "$whole" >"$bad"
not_so "the file ends inside it"
: >"$bad"
not_so "it is empty"
last=$(grep -n '"event":"sent"' "$whole" | tail -1 | cut -d : -f 1)
head -n $((last - 1)) "$whole" >"$bad"
audit "$bad" >/dev/null || die "without a bundle nobody can know that the end is missing"
not_so "of which the journal says nothing" --bundle "$bundle"
sed 1q "$whole" >"$bad"
not_so "does not tell of the bundle's run" --bundle "$bundle"
# Signed by nobody of this roster.
for org in stranger third; do "$COFFERDAM" keygen --org $org --no-passphrase --out "$HOME_DIR/$org" >/dev/null; done
"$COFFERDAM" roster new --coordinator "$HOME_DIR/coordinator/coordinator.pub" --address tls+tcp://127.0.0.1:1 -o "$HOME_DIR/others.note" \
    "$HOME_DIR"/{stranger/stranger,third/third,north/north}.pub >/dev/null
expect_exit 2 "not a signed note" "$COFFERDAM" audit journal "$whole" --roster "$HOME_DIR/others.note"
for name in stranger third north; do
    "$COFFERDAM" roster sign "$HOME_DIR/others.note" --key "$HOME_DIR/$name/identity.key" >/dev/null || die "$name cannot sign"
done
expect_exit 1 "line 1: it is signed by a node key that no member of the roster has" "$COFFERDAM" audit journal "$whole" --roster "$HOME_DIR/others.note"
"$COFFERDAM" audit journal "$whole" --roster "$HOME_DIR/others.note" --roster "$HOME_DIR/roster.note" >/dev/null || die "not with two rosters"
expect_exit 2 "--roster is missing" "$COFFERDAM" audit journal "$whole"
expect_exit 2 "plan.yaml: " "$COFFERDAM" audit journal "$whole" --roster "$HOME_DIR/plan.yaml"
expect_exit 3 "nowhere" audit "$HOME_DIR/nowhere.jsonl"
expect_exit 3 "nowhere" audit "$whole" --bundle "$HOME_DIR/nowhere.cfd"

# And by its node, which then does not start, and changes nothing.
party_kill south TERM
mine=$(journal_of south)
will_not_start() { # TEXT
    cp "$mine" "$HOME_DIR/changed"
    expect_exit 3 "$1" timeout 20 "$NODE" run "$HOME_DIR/south"
    "$NODE" check "$HOME_DIR/south" 2>&1 | grep -qF -- "$1" || die "check does not say: $1"
    cmp "$mine" "$HOME_DIR/changed" || die "south changed its journal"
    cp "$HOME_DIR/good" "$mine"
}
cp "$mine" "$HOME_DIR/good"
sed -i '4s/"rows":700/"rows":70/' "$mine"
will_not_start "journal.jsonl: has"
sed -i '4s/"rows":700/"rows":701/' "$mine"
will_not_start "journal.jsonl: was changed (line 5: it does not follow from the line before)"
sed -i '$d' "$mine"
will_not_start "where this node wrote"
echo '{}' >>"$mine"
will_not_start "someone wrote into the journal"
"$NODE" check "$HOME_DIR/south" | grep -qE "^journal +.*journal.jsonl, [0-9]+ entries, as the node wrote them" || die "check of a whole one"
node_start south
until_true 10 "$NODE" status "$HOME_DIR/south" || die "south does not start with its own journal"
until_true 10 audit "$mine" || die "and it does not hold"

# South gets new keys; its journal goes on under them, and is checked with both rosters.
"$COFFERDAM" keygen --org south --no-passphrase --out "$HOME_DIR/renewed" >/dev/null
"$COFFERDAM" roster add "$HOME_DIR/roster.note" "$HOME_DIR/renewed/south.pub" -o "$HOME_DIR/roster-2.note" >/dev/null || die "no second roster"
for identity in north south east renewed; do
    "$COFFERDAM" roster sign "$HOME_DIR/roster-2.note" --key "$HOME_DIR/$identity/identity.key" --previous "$HOME_DIR/roster.note" >/dev/null || die "not signed by $identity"
done
party_kill south TERM
cp "$HOME_DIR/renewed/node.key" "$HOME_DIR/south/node.key"
sed -i 's|^roster:.*|roster: ../roster-2.note|' "$HOME_DIR/south/node.yaml"
starts=$(events south started)
node_start south
until_true 10 "$NODE" status "$HOME_DIR/south" || die "south does not start with its new key"
[ "$(events south started)" -eq $((starts + 1)) ] || die "the start with the new key is not told"
audit "$mine" --roster "$HOME_DIR/roster-2.note" >/dev/null || die "the journal under two keys does not hold"
cp "$mine" "$bad"
not_so "is signed by a node key that no member of the roster has"
good
