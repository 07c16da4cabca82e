#!/bin/bash
# The bundles of real runs: every bank keeps one that it checked, anyone verifies it, whatever was changed is found; and
# the history holds when members join and the coordinator's key changes.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
fingerprint() { "$COFFERDAM" roster show "$1" | grep -oE '[0-9a-f]{64}' | head -1; }
bundle_of() { echo "$HOME_DIR/$1/state/runs/$2/run.cfd"; } # PARTY RUN
has_bundle() { [ -s "$(bundle_of "$1" "$2")" ]; }
verify() { "$COFFERDAM" audit verify "$@"; }

run=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "the run failed at $bank"; done
whole=$(bundle_of coordinator "$run")
for bank in "${banks[@]}"; do
    until_true 20 has_bundle "$bank" "$run" || die "$bank has no bundle"
    cmp "$whole" "$(bundle_of "$bank" "$run")" || die "$bank has another bundle than the coordinator"
    log_has "$bank" 'the bundle of the run is here' || die "$bank does not say that it checked its bundle"
done

# What is checked, and against whose fingerprint.
first=$(fingerprint "$HOME_DIR/roster.note")
verify "$whole" --roster "$HOME_DIR/roster.note" >"$HOME_DIR/verified" || die "the bundle does not hold"
grep -q 'HOLDS' "$HOME_DIR/verified" || die "no verdict: $(cat "$HOME_DIR/verified")"
verify "$whole" --roster "$first" --json >"$HOME_DIR/verified.json" || die "the bundle does not hold by its fingerprint"
python3 - "$HOME_DIR/verified.json" "$(model_of north "$run")" "$run" <<'END' || die "the facts in JSON are not the run's"
import hashlib, json, sys
facts, model = json.load(open(sys.argv[1])), open(sys.argv[2], "rb").read()
rounds = json.loads(model)["rounds"]
checked = facts["checked"]
assert facts["holds"] is True and facts["run"] == sys.argv[3], facts
assert facts["model_sha256"] == hashlib.sha256(model).hexdigest(), facts
assert checked["sums"] == checked["steps"] == checked["checkpoints"] == rounds, (checked, rounds)
assert checked["inputs"] == checked["masks"] == 4 * rounds and checked["models"] == 1, (checked, rounds)
END
verify "$whole" >"$HOME_DIR/shown" || die "the bundle does not hold"
grep -q "$first" "$HOME_DIR/shown" || die "the fingerprint is not shown"
expect_exit 1 'no roster of this bundle has the fingerprint' verify "$whole" --roster "${first:0:63}$(tr 0-9a-f 1-9a-f0 <<<"${first:63}")"
expect_exit 3 'takes a fingerprint' verify "$whole" --roster 0123
expect_exit 3 'absent.cfd' verify "$HOME_DIR/absent.cfd"
expect_exit 1 'this is not the bundle of a run' verify "$(model_of north "$run")"
expect_exit 1 'this is not the bundle of a run' verify /dev/null
verify /dev/null --json 2>/dev/null | grep -q '"holds": false' || die "no JSON of what is no bundle"

# Forms.
"$COFFERDAM" audit redact "$whole" -o "$HOME_DIR/public.cfd" >/dev/null || die "no public form"
"$COFFERDAM" audit redact "$whole" --keep-sums -o "$HOME_DIR/sums.cfd" >/dev/null || die "no form with the sums"
"$COFFERDAM" audit redact "$HOME_DIR/sums.cfd" -o "$HOME_DIR/again.cfd" >/dev/null || die "the sums cannot be left out later"
cmp "$HOME_DIR/public.cfd" "$HOME_DIR/again.cfd" || die "the order of leaving out matters"
for form in public sums; do verify "$HOME_DIR/$form.cfd" --roster "$first" >/dev/null || die "the form \"$form\" does not hold"; done
expect_exit 2 'does not hold what' "$COFFERDAM" audit redact "$HOME_DIR/public.cfd" --keep-sums -o "$HOME_DIR/more.cfd"
[ ! -e "$HOME_DIR/more.cfd" ] || die "half a bundle was left"

# Damage, here and there: the entry is named, and nothing is made of what does not hold.
flip() { # FILE OFFSET >COPY
    python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[int(sys.argv[2])] ^= 4; sys.stdout.buffer.write(b)' "$1" "$2"
}
size=$(stat -c %s "$whole")
for part in 1 2 3 4 5 6 7; do
    flip "$whole" $((size * part / 8)) >"$HOME_DIR/flipped.cfd"
    expect_exit 1 'entry ' verify "$HOME_DIR/flipped.cfd"
    expect_exit 1 'entry ' "$COFFERDAM" audit redact "$HOME_DIR/flipped.cfd" -o "$HOME_DIR/more.cfd"
    [ ! -e "$HOME_DIR/more.cfd" ] || die "half a bundle was left"
done
head -c $((size - 1)) "$whole" >"$HOME_DIR/cut.cfd"
expect_exit 1 'the file ends inside' verify "$HOME_DIR/cut.cfd"

# A bank that has none asks again when it starts; one that does not hold is not kept.
party_kill south TERM
rm "$(bundle_of south "$run")"
cp "$whole" "$HOME_DIR/whole.cfd"
flip "$HOME_DIR/whole.cfd" $((size / 2)) >"$whole"
party_start south
until_true 20 log_has south 'there is no bundle that holds: entry' || die "south took a bundle that does not hold"
party_kill south TERM
! has_bundle south "$run" || die "south kept a bundle that does not hold"
cp "$HOME_DIR/whole.cfd" "$whole"
party_start south
until_true 20 has_bundle south "$run" || die "south did not ask again"
cmp "$whole" "$(bundle_of south "$run")" || die "south has another bundle now"

# A fifth bank joins, one has new keys and signs with its old one too, and the coordinator gets a new key: whoever knows
# the first roster can check the run after it.
for party in "${banks[@]}" coordinator; do party_kill "$party" TERM; done
"$COFFERDAM" keygen --org hill --no-passphrase --out "$HOME_DIR/hill" >/dev/null
"$COFFERDAM" keygen --org coordinator --no-passphrase --out "$HOME_DIR/rotated" >/dev/null
"$COFFERDAM" keygen --org west --no-passphrase --out "$HOME_DIR/west-new" >/dev/null
"$COFFERDAM" roster add "$HOME_DIR/roster.note" "$HOME_DIR/hill/hill.pub" "$HOME_DIR/west-new/west.pub" --coordinator "$HOME_DIR/rotated/coordinator.pub" \
    -o "$HOME_DIR/second.note" >/dev/null || die "no second roster"
for bank in "${banks[@]}" west-new hill; do
    "$COFFERDAM" roster sign "$HOME_DIR/second.note" --key "$HOME_DIR/$bank/identity.key" --previous "$HOME_DIR/roster.note" >/dev/null || die "$bank cannot sign"
done
mv "$HOME_DIR/roster.note" "$HOME_DIR/first.note"
mv "$HOME_DIR/second.note" "$HOME_DIR/roster.note"
cp "$HOME_DIR/rotated/node.key" "$HOME_DIR/coordinator/node.key"
cp "$HOME_DIR/west-new"/*.key "$HOME_DIR/west/"
rows_make 9 700 >"$HOME_DIR/hill/rows.csv"
node_config hill rows.csv </dev/null
policy_config hill north credit-risk 3
e2e_start "${banks[@]}" hill
until_true 20 "$NODE" status "$HOME_DIR/north" || die "north does not start"
second=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" --key "$HOME_DIR/north/identity.key" \
    --prepare "$HOME_DIR/next.run") || die "not prepared"
for bank in "${banks[@]}"; do
    approve_change "$bank" "$second"
    party_kill "$bank" TERM
    party_start "$bank"
done
until_true 20 "$NODE" status "$HOME_DIR/north" || die "north does not start"
mkdir -p "$HOME_DIR/east/state/runs/$second" # what somebody has put there before is not taken for the bundle
cp "$whole" "$(bundle_of east "$second")"
"$COFFERDAM" run submit --prepared "$HOME_DIR/next.run" --node "$HOME_DIR/north" >/dev/null || die "not submitted"
for bank in "${banks[@]}" hill; do watch "$bank" "$second" >/dev/null || die "the second run failed at $bank"; done
until_true 20 has_bundle hill "$second" || die "hill has no bundle"
until_true 20 cmp "$(bundle_of hill "$second")" "$(bundle_of east "$second")" || die "east took another bundle"
log_has east "is not the run's bundle" || die "east says nothing of what lay there"
digest=$(sha256sum <"$(bundle_of hill "$second")" | cut -d' ' -f1)
until_true 20 grep -q "\"event\":\"bundle\".*$digest" "$HOME_DIR/east/state/journal.jsonl" || die "east's journal has another digest"
for note in first roster; do
    verify "$(bundle_of hill "$second")" --roster "$(fingerprint "$HOME_DIR/$note.note")" >"$HOME_DIR/verified" ||
        die "the second run does not hold by the fingerprint of $note.note"
done
grep -q 'hill' "$HOME_DIR/verified" || die "the cohort is not told: $(cat "$HOME_DIR/verified")"
verify "$whole" --roster "$HOME_DIR/first.note" >/dev/null || die "the first run does not hold any more"
expect_exit 1 'no roster of this bundle has the fingerprint' verify "$whole" --roster "$HOME_DIR/roster.note"
good
