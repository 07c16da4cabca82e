#!/bin/bash
# Two banks give a round up, and it is voided: their journals tell it, and one that keeps quiet of it does not hold.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
COORDINATOR=$BUILD/cheat COFFERDAM_CHEATS="void-one@north void-one@south" coordinator_start
for bank in "${banks[@]}"; do node_start "$bank"; done
run=$(submit north) || die "not submitted"
watch south "$run" >/dev/null || die "no model at south"
journal=$HOME_DIR/south/state/journal.jsonl bundle=$HOME_DIR/south/state/runs/$run/run.cfd
until_true 20 grep -q '"event":"bundle"' "$journal" || die "no bundle at south"
audit() { "$COFFERDAM" audit journal "$1" --roster "$HOME_DIR/roster.note" "${@:2}"; } # JOURNAL OPTION...

[ "$(grep -c '"event":"void"' "$journal")" -eq 1 ] || die "south did not give one round up"
audit "$journal" --bundle "$bundle" >"$HOME_DIR/told" || die "the journal of south does not hold"
grep -qE "^ +1  votes of south to give a round up in it, each as the journal says" "$HOME_DIR/told" &&
    grep -q "round 1: the input left, and the round was voided" "$HOME_DIR/told" || die "not compared: $(cat "$HOME_DIR/told")"
[ "$(audit "$journal" --bundle "$bundle" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["bundle"]["voids"])')" = 1 ] ||
    die "another JSON"

void=$(grep -n '"event":"void"' "$journal" | cut -d : -f 1)
head -n $((void - 1)) "$journal" >"$HOME_DIR/quiet.jsonl"
"$COFFERDAM" audit redact "$bundle" -o "$HOME_DIR/public.cfd" >/dev/null || die "no public form"
for form in "$bundle" "$HOME_DIR/public.cfd"; do
    expect_exit 1 "south signed in it that it gave round 1 up (VOID), and the journal says nothing of that" \
        audit "$HOME_DIR/quiet.jsonl" --bundle "$form"
done
good
