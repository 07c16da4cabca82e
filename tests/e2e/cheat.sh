#!/bin/bash
# A coordinator that cheats, over TLS, against real nodes (tests/cheat): what it tries once is refused, said and, where it
# signed it, kept as evidence, and the run ends with the model that simulate gives; a false sum ends the run wherever it
# is shown; and what it insists on opens nothing, so that an honest coordinator can take over.
. "$(dirname "$0")/../support/e2e.sh"
HONEST=$COORDINATOR
banks=(north south east west)
e2e_make "${banks[@]}"

# What is tried once, at whom, and what that bank says of it; an empty sentence where it has nothing to object to.
TRIED='
attestations-short@north  |1 attestations; this bank needs 2 to join
attestations-doubled@south|an attestation by .*, which does not count
attestations-changed@east |attest of .*: the signature does not verify
end-other-kind@west       |end of coordinator: the signature does not verify
end-other-run@north       |end of coordinator belongs to another run
wait@south                |
too-long@south            |is malformed
garbage@east              |what came is no message of this protocol
other-run@west            |the coordinator answered something else than was asked
version@south             |messages have version 2 of their form
cut-off@north             |is malformed
request@east              |a signed message is malformed
empty@north               |a message ends too early
p1-short@west             |3 P1 for a cohort of 4
p1-doubled@north          |P1 of west where that of east must be
p1-swapped@south          |P1 of west where that of east must be
p1-changed@east           |p1 of north: the signature does not verify
p2-short@west             |3 P2 for this bank, from a cohort of 4
p2-doubled@north          |a P2 of west that is out of place or not for this bank
p2-changed@south          |p2 of north: the signature does not verify
p2-misdelivered@east      |a P2 of north that is out of place or not for this bank
acks-short@west           |3 ACK for a cohort of 4
acks-swapped@north        |an ACK of west that is out of place
acks-changed@south        |ack of north: the signature does not verify
r0-state@east             |kept as evidence: R0 of round 1 names another state
r0-plan@west              |kept as evidence: R0 names another plan
r0-roster@north           |kept as evidence: R0 names another roster
r0-set@south              |kept as evidence: R0 names another set of keys
r0-layout@east            |kept as evidence: R0 names another layout
r0-checkpoint@west        |kept as evidence: R0 of round 1 names another checkpoint
r0-run@north              |r0 of coordinator belongs to another run
r0-ahead@south            |kept as evidence: R0 for step 1 where this bank is at step 0
r0-epoch@east             |kept as evidence: R0 of round 1 in epoch 2, which is not provisioned
r0-retry@west             |R0 comes with another certificate than it names
r0-kind@north             |r0 of coordinator: the signature does not verify
r0-back@south             |rounds only grow
r0-first@east             |R0 of round 1 again
close-short@west          |a certificate with 2 votes, of which 3 are needed
close-doubled@north       |a certificate with two votes of
close-none@south          |a certificate with 0 votes, of which 3 are needed
close-old@east            |a CLOSE certificate of step
finished-early@west       |the run is said to be finished at step 1, where it is not
finished-short@north      |a certificate with 2 votes, of which 3 are needed
u-without-another@south   |kept as evidence: a set of inputs without a bank of the cohort
u-without-it@east         |kept as evidence: a set of inputs without a bank of the cohort
m-other@north             |this bank.s R1 in the proposal: an inclusion path does not lead to the root
m-no-path@south           |this bank.s R1 in the proposal
misdirected@west          |this bank.s R1 in the proposal: an inclusion path does not lead to the root
void-own@east             |a certificate with a vote of the coordinator
void-one@south            |
void-doubled@west         |a certificate with two votes of south
void-alone@north          |a certificate with 1 votes, of which 3 are needed
void-for-u@west           |a certificate with a vote of the coordinator
certificate-short@east    |a certificate with 2 votes, of which 3 are needed
certificate-doubled@west  |a certificate with two votes of
certificate-changed@north |r2 of .*: the signature does not verify
secret-false@west         |other secrets than those that OPEN names
secret-missing@east       |OPEN with 96 bytes of secrets
header-swapped@west       |an R1 of north in OPEN that is not for this round
leaves-swapped@north      |chunk hashes of north that do not fit its R1
replay@east               |
word-changed@north        |chunk 0 of north is not the one its R1 commits to
pieces-of-another@east    |masked inputs that were not asked for
closed-short@south        |a certificate with 2 votes, of which 3 are needed
'
cheats() { sed -E 's/[[:space:]]*\|.*//' <<<"$TRIED" | tr '\n' ' '; }
cheating_start() { # CHEATS: a coordinator
    COORDINATOR=$BUILD/cheat COFFERDAM_CHEATS=$1 coordinator_start
}
stop_all() { for party in "${!PROCESS[@]}"; do party_kill "$party" TERM; done; }
afresh() { # every party forgets everything
    stop_all
    for party in coordinator "${banks[@]}"; do rm -rf "$HOME_DIR/$party/state" "$HOME_DIR/$party/log"; done
}
cheated() { [ "$(grep -c 'coordinator cheat (.*): ' "$HOME_DIR/coordinator/log")" -ge "$1" ]; } # TIMES
nothing_opened() { # the coordinator never had a share that opens an input, nor a sum
    local key
    for key in release/ sum/ closed/; do
        [ -z "$(python3 tests/support/records.py "$HOME_DIR/coordinator/state/state.db" "$key")" ] || die "$1: it has $key"
    done
}
right_everywhere() { # RUN
    local bank
    for bank in "${banks[@]}"; do watch "$bank" "$1" >"$HOME_DIR/watched" || die "no model at $bank: $(cat "$HOME_DIR/watched")"; done
    until_true 5 test -s "$(model_of coordinator "$1")" || die "no model at the coordinator"
    same_models "$1" coordinator "${banks[@]}"
    cmp "$HOME_DIR/simulated/model.json" "$(model_of north "$1")" || die "another model than simulate's"
}
sites=()
for bank in "${banks[@]}"; do sites+=(--site "$bank=$HOME_DIR/$bank/rows.csv"); done
"$COFFERDAM" simulate "$HOME_DIR/plan.yaml" --out "$HOME_DIR/simulated" "${sites[@]}" >/dev/null 2>&1 || die "simulate"

# Tried once: refused, and nothing else happens.
cheating_start "$(cheats)"
for bank in "${banks[@]}"; do node_start "$bank"; done
run=$(submit north) || die "not submitted"
right_everywhere "$run"
tried=0
while IFS='|' read -r cheat sentence; do
    [ -n "$cheat" ] || continue
    cheat=${cheat%% *} bank=${cheat#*@}
    log_has coordinator "cheat (.*): ${cheat%@*} at $bank" || die "$cheat was not tried"
    [ -z "$sentence" ] || log_has "${bank%% *}" "$sentence" || die "$bank says nothing of $cheat"
    tried=$((tried + 1))
done <<<"$TRIED"
stop_all
for bank in "${banks[@]}"; do
    python3 tests/e2e/lib/secrets_left.py "$HOME_DIR/$bank/state/secrets.db" || die "$bank has secrets left"
    kept=$(python3 tests/support/records.py "$HOME_DIR/$bank/state/state.db" evidence/ | wc -l)
    said=$(grep -c "kept as evidence" "$HOME_DIR/$bank/log")
    [ "$kept" -gt 0 ] && [ "$kept" -eq "$said" ] || die "$bank says $said times that it kept evidence, and has $kept"
    files=0
    for file in "$HOME_DIR/$bank/state/runs/$run/evidence/"*.cfe; do
        "$COFFERDAM" audit evidence "$file" --roster "$HOME_DIR/roster.note" >"$HOME_DIR/told" || die "$file does not hold"
        grep -q "^verdict  *PROVEN" "$HOME_DIR/told" || head -1 "$HOME_DIR/told" |
            grep -q "^verdict  *STATEMENT: this file proves nothing by itself" || die "$file: $(cat "$HOME_DIR/told")"
        files=$((files + 1))
    done
    [ "$files" -eq "$kept" ] || die "$bank has $kept records of evidence and $files files"
done

# A sum that is not the sum, shown to one bank or to all; one that a late bank fetches; another offer than was submitted;
# the end of the run, for no reason.
ends() { # CHEATS BANK SENTENCE: BANK ends the run, saying so, and nobody has a model
    local bank
    afresh
    cheating_start "$1"
    for bank in "${banks[@]}"; do node_start "$bank"; done
    run=$(submit north) || die "not submitted"
    for bank in "${banks[@]}"; do
        watch "$bank" "$run" >/dev/null 2>&1 && die "$1: $bank has a model"
        [ ! -e "$(model_of "$bank" "$run")" ] || die "$1: $bank has a model"
    done
    log_has "$2" "$3" || die "$1: $2 does not say \"$3\""
    stop_all
    for bank in "${banks[@]}"; do
        python3 tests/e2e/lib/secrets_left.py "$HOME_DIR/$bank/state/secrets.db" || die "$1: $bank has secrets left"
    done
}
ends open-sum@east east "this bank ends the run: the sum of round 1 that coordinator signed is not the sum of the masked"
[ "$(python3 tests/support/records.py "$HOME_DIR/east/state/state.db" evidence/sum/)" = evidence/sum/00001 ] ||
    die "east has no evidence of the false sum"
ends 'open-sum*' west "the sum of round 1 that coordinator signed is not the sum of the masked inputs"
ends "void-one@south sum-changed@south" south "coordinator sends another sum of step 0 than 3 banks closed"
ends offer-plan@east east "refused an offer: the plan: the signature of north does not verify"
ends offer-cohort@south south "refused an offer: the cohort has 3 members, the plan's cohort.minimum is 4"
ends end@west west "ended: because I say so"

# What it insists on: nothing is opened; and then an honest one goes on.
insists() { # CHEAT TIMES SENTENCE: what every bank says
    local bank
    afresh
    cheating_start "$1*"
    for bank in "${banks[@]}"; do node_start "$bank"; done
    run=$(submit north) || die "not submitted"
    until_true 30 cheated "$2" || die "$1 was not tried"
    for bank in "${banks[@]}"; do until_true 10 log_has "$bank" "$3" || die "$bank does not say \"$3\""; done
    party_kill coordinator TERM
    nothing_opened "$1"
    COORDINATOR=$HONEST coordinator_start
    right_everywhere "$run"
}
insists certificate-short 8 "a certificate with 2 votes, of which 3 are needed"
insists u-without-another 8 "a set of inputs without a bank of the cohort"
insists r0-state 8 "names another state than the one this bank computed"
insists void-own 8 "a certificate with a vote of the coordinator"
echo "$tried cheats were tried once, 6 ended a run, 4 were insisted on"
good
