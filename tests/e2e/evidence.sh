#!/bin/bash
# A coordinator that cheats over TLS (tests/cheat), and what is left of it at the banks: the run ends at whoever saw it, a
# file is there, and `audit evidence` says what it proves, to anyone who has the roster; not so when a byte is another.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
e2e_make "${banks[@]}"
CHEAT=$BUILD/cheat
said=$HOME_DIR/said

stop_all() { for party in "${!PROCESS[@]}"; do party_kill "$party" TERM; done; }
afresh() { # CHEATS [PROGRAM OF WEST]: every party forgets everything, and the run is submitted; its id is in RUN
    local party
    stop_all
    for party in coordinator "${banks[@]}"; do rm -rf "$HOME_DIR/$party/state" "$HOME_DIR/$party/log"; done
    COORDINATOR=$CHEAT COFFERDAM_CHEATS=$1 coordinator_start
    for party in north south east; do node_start "$party"; done
    NODE=${2:-$NODE} node_start west
    RUN=$(submit north) || die "not submitted"
}
over_without_model() { # at every bank
    local bank
    for bank in "${banks[@]}"; do
        watch "$bank" "$RUN" >/dev/null 2>&1 && die "$bank has a model"
        [ ! -e "$(model_of "$bank" "$RUN")" ] || die "$bank has a model"
    done
}
file_of() { echo "$HOME_DIR/$1/state/runs/$RUN/evidence/$2.cfe"; } # BANK NAME
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <"$said"; }
proves() { # BANK NAME CLAIM: proven against the coordinator, in words and in JSON, and the log names file and command
    local file
    file=$(file_of "$1" "$2")
    [ -s "$file" ] || die "$1 has no $file; it has: $(ls "$(dirname "$file")" 2>&1)"
    [ "$(stat -c %a "$file")" = 600 ] || die "$file can be read by others"
    "$COFFERDAM" audit evidence "$file" --roster "$HOME_DIR/roster.note" >"$said" || die "$file: exit code $?"
    grep -q "^verdict  *PROVEN" "$said" && grep -qF "$3" "$said" && grep -q "^who  *coordinator, the coordinator" "$said" ||
        die "$file: $(cat "$said")"
    "$COFFERDAM" audit evidence "$file" --json >"$said" || die "$file: exit code $?"
    [ "$(field verdict)" = proven ] && [ "$(field against)" = coordinator ] && [ "$(field role)" = coordinator ] &&
        [ "$(field round)" = 1 ] && [ "$(field run)" = "$RUN" ] && [ "$(field plan)" = small ] || die "$file: $(cat "$said")"
    [ "$(field roster)" = "$("$COFFERDAM" roster show "$HOME_DIR/roster.note" | grep -oE '[0-9a-f]{64}' | head -1)" ] ||
        die "$file names another roster"
    log_has "$1" "cofferdam audit evidence .*$2.cfe" || die "the log of $1 does not name its file"
    told "$1" "$2"
}
told() { # BANK NAME: the bank's journal names the file and its digest, once
    local found
    found=$(grep -c "\"event\":\"evidence\".*\"file\":\"$2.cfe\",\"digest\":\"$(sha256sum <"$(file_of "$1" "$2")" | cut -d' ' -f1)\"" \
        "$HOME_DIR/$1/state/journal.jsonl")
    [ "$found" -eq 1 ] || die "the journal of $1 tells of $2.cfe $found times"
}

# A false sum, shown to everyone: every bank has the proof that comes to check it before the first one has ended the run.
afresh 'open-sum*'
over_without_model
file=
for bank in "${banks[@]}"; do
    log_has "$bank" "the sum of round 1 that coordinator signed is not the sum of the masked inputs" || die "$bank went on"
    log_has "$bank" "this bank ends the run" || continue
    proves "$bank" sum-00001 "coordinator signed a sum of round 1 that is not the sum of the banks' inputs"
    file=$(file_of "$bank" sum-00001)
    [ "$(ls "$(dirname "$file")" | wc -l)" -eq 1 ] || die "$bank has more than one file"
done
[ -n "$file" ] || die "no bank ended the run"

# Exit codes: a changed byte, another roster, no file, another word.
cp "$file" "$HOME_DIR/changed.cfe"
size=$(stat -c %s "$file")
printf '\xff' | dd of="$HOME_DIR/changed.cfe" bs=1 seek=$((size - 9)) conv=notrunc status=none
cmp -s "$file" "$HOME_DIR/changed.cfe" && die "the byte was that one already"
expect_exit 1 "changed.cfe: chunk 0 of west" "$COFFERDAM" audit evidence "$HOME_DIR/changed.cfe"
"$COFFERDAM" audit evidence "$HOME_DIR/changed.cfe" --json 2>/dev/null >"$said"
[ "$(field verdict)" = false ] && ! grep -q '"against"' "$said" || die "a changed file accuses somebody: $(cat "$said")"
expect_exit 1 "fingerprint that was asked for" "$COFFERDAM" audit evidence "$file" --roster "$(printf %064d 7)"
expect_exit 1 "no evidence file of a version" "$COFFERDAM" audit evidence "$HOME_DIR/plan.note"
expect_exit 3 "nothing.cfe" "$COFFERDAM" audit evidence "$HOME_DIR/nothing.cfe"
expect_exit 2 "audit evidence" "$COFFERDAM" audit evidence
expect_exit 3 "--roster takes" "$COFFERDAM" audit evidence "$file" --roster "$HOME_DIR/nothing"

# What one bank alone is shown ends the run there, with proof, and nobody goes on.
once() { # CHEAT BANK NAME SENTENCE CLAIM
    afresh "$1@$2"
    over_without_model
    log_has "$2" "this bank ends the run: $4" || die "$1: $2 does not say \"$4\""
    proves "$2" "$3" "$5"
}
once secret-signed south secret-00001 "the secret that coordinator revealed for north in round 1 is not the one" \
    "revealed a secret of north in round 1 that is not the one north committed to"
once open-set west inputs-00001 "coordinator opened round 1 for something else than was certified" \
    "It leaves out the input of west."
once open-headers north inputs-00001 "coordinator opened round 1 for something else" "other inputs of the same banks"
once open-ctx east inputs-00001 "coordinator opened round 1 for something else" "other terms"
once open-second east open-00001 "coordinator signed two sums of round 1" "opened sum (OPEN)"
once r0-second north r0-00001 "coordinator opened round 1 twice, with different terms" "the model so far"
once u-second west r2-00001 "coordinator proposed two sets of inputs for round 1" "It leaves out the input of north."

# Another history than the banks certified, in the bundle that a bank fetches when all is over: a split view. It has its
# model, no bundle, and the proof.
afresh bundle-checkpoint@south
for bank in "${banks[@]}"; do watch "$bank" "$RUN" >/dev/null 2>&1 || die "$bank has no model"; done
until_true 10 test -s "$(file_of south checkpoint-00001)" || die "south has no proof of the split view"
until_true 10 log_has south "there is no bundle that holds" || die "south took the bundle"
"$COFFERDAM" audit evidence "$(file_of south checkpoint-00001)" --roster "$HOME_DIR/roster.note" >"$said" || die "no proof"
grep -q "^verdict  *PROVEN" "$said" && grep -q "a history of the first 1 steps that is not the one that the banks certified" "$said" ||
    die "$(cat "$said")"
told south checkpoint-00001
[ -z "$(ls "$HOME_DIR/north/state/runs/$RUN/evidence" 2>/dev/null)" ] || die "north has evidence of nothing"

# A bank that is killed when its record is durable and its file is not there yet makes the file at its next start.
failpoints=$BUILD/failpoints/cofferdam-node
COFFERDAM_FAILPOINT="node: evidence is kept, its file not written:1" afresh open-sum@west "$failpoints"
gone() { ! kill -0 "${PROCESS[west]}" 2>/dev/null; }
until_true 20 gone || die "west was not killed"
ls "$(dirname "$(file_of west x)")"/*.cfe 2>/dev/null && die "the file is there already"
node_start west
over_without_model
proves west sum-00001 "that is not the sum of the banks' inputs"
"$COFFERDAM" audit evidence "$(file_of west sum-00001)" | tail -n 25
# Its file is lost, and the run long over: the next start makes it again, and the journal tells of it once.
party_kill west TERM
before=$(sha256sum <"$(file_of west sum-00001)")
rm "$(file_of west sum-00001)"
node_start west
until_true 10 test -s "$(file_of west sum-00001)" || die "west did not make its file again"
[ "$before" = "$(sha256sum <"$(file_of west sum-00001)")" ] || die "west made another file"
told west sum-00001
good
