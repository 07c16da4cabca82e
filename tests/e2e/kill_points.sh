#!/bin/bash
# SIGKILL at every named point of both daemons (crypto/base/failpoint.h), each at least once: what died is started again
# and the run ends with the model of the undisturbed one, at every party; what was acknowledged is still there; no secret
# of a run that is over is left; and every bank's journal tells it as it was.
#
# KILL_COUNTS="1 2 5" takes every point at each of these passes, at every bank (make kill-loop).
. "$(dirname "$0")/lib/failpoints.bash"
banks=(north south east west)
parties=(coordinator "${banks[@]}")
e2e_make "${banks[@]}"

# What is released has no failpoint.
for program in "$BUILD"/cofferdam{,-node,-coordinator}; do
    for text in COFFERDAM_FAILPOINT failpoint_pass "node: an offer came" "store: before the decisions" "coordinator: before a request"; do
        ! grep -qaF -- "$text" "$program" || die "$program holds a failpoint: $text"
    done
    ! nm -a "$program" 2>/dev/null | grep -q failpoint || die "$program holds a failpoint"
done

# What every run's model must be, to the byte.
sites=()
for bank in "${banks[@]}"; do sites+=(--site "$bank=$HOME_DIR/$bank/rows.csv"); done
sign_and_simulate() {
    rm -f "$HOME_DIR/plan.note"
    "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null || die "not signed"
    "$COFFERDAM" simulate "$HOME_DIR/plan.yaml" --out "$HOME_DIR/simulated" "${sites[@]}" >/dev/null 2>&1 || die "simulate fails"
}
sign_and_simulate
echo "patience_seconds: 1" >>"$HOME_DIR/coordinator/coordinator.yaml"

STORY=
check_run() { # RUN
    attended 60 states "$1" done || die "the run does not end; armed: $(declare -p ARMED)"
    same_models "$1" "${parties[@]}"
    cmp "$HOME_DIR/simulated/model.json" "$(model_of coordinator "$1")" || die "a kill changed the model"
    RUNS=$((RUNS + 1))
}
one_run() {
    attended_submit
    check_run "$RUN"
}
RUNS=0
counts=${KILL_COUNTS:-1}
with_counts() {
    local points count
    points=$(cat)
    for count in $counts; do sed "s/\$/:$count/" <<<"$points"; done
}
chosen() { points_of "$1" | grep -E "$2" | with_counts; } # node|coordinator PATTERN
arm_all() {
    for party in "${parties[@]}"; do
        [ -n "${ARMED[$party]:-}" ] || arm "$party"
        [ -z "${PROCESS[$party]:-}" ] || party_kill "$party" TERM
        armed_start "$party"
    done
}
# Runs until every point of the story was hit: told STORY [FUNCTION that checks how a run ended]
told() {
    local before idle=0
    STORY=$1
    arm_all
    while [ "$(left_points)" -gt 0 ]; do
        before=$HITS
        ! declare -F "prepare_$1" >/dev/null || "prepare_$1"
        attended_submit
        ! declare -F "disturb_$1" >/dev/null || "disturb_$1"
        "${2:-check_run}" "$RUN"
        echo "$1: run $RUNS, $HITS deaths, $(left_points) points to come, $SECONDS s"
        idle=$((HITS > before ? 0 : idle + 1))
        [ $idle -lt 2 ] || give_up_points
    done
}
# Nothing was hit in two runs: a process may not live through so many passes, but the first pass is always to be had.
give_up_points() {
    for party in "${parties[@]}"; do
        case ${ARMED[$party]:-} in '') ;; *:1) die "never reached: $party at ${ARMED[$party]}" ;; *)
            echo "not so often: $party at ${ARMED[$party]}"
            arm "$party"
            party_kill "$party" TERM
            armed_start "$party"
            ;;
        esac
    done
}
lose_secrets() { rm -f "$HOME_DIR/$1/state/secrets.db"*; }
rounds_begun() { grep -c "${RUN:0:12}: round" "$HOME_DIR/coordinator/log"; }
has_begun() { [ "$(rounds_begun)" -ge "$1" ]; }

# 1. Everything that a run of its own accord comes to.
plain() {
    local special="$AWAY|$LOST|$TWICE|$LARGE|$ENDS|$CANCEL|$FORGET" place=0
    QUEUE[coordinator]=$(points_of coordinator | grep -vE "$special" | with_counts)
    for bank in "${banks[@]}"; do
        QUEUE[$bank]=$(points_of node | grep -vE "$special" | with_counts)
        # Each point at one of the banks; at every bank in the long form.
        [ -n "${KILL_COUNTS:-}" ] || QUEUE[$bank]=$(awk -v n=${#banks[@]} -v i=$place 'NR % n == i' <<<"${QUEUE[$bank]}")
        place=$((place + 1))
    done
    told plain
}

# 2. A bank is away while the others close a sum, and catches up.
before_start() { # PARTY POINT
    case $2 in *"before a run is forgotten"*) [ -s "$(model_of "$1" "$RUN")" ] || die "$1 removed a run that it had not decided to forget" ;; esac
    case $2 in *"R3 release"*) [ "$STORY" = away ] || return ;; *) return ;; esac
    local next=$(($(rounds_begun) + 1)) tries=0
    until has_begun $next || [ $((tries += 1)) -gt 40 ]; do sleep 0.05; done
}
away() {
    QUEUE[coordinator]=$(chosen coordinator "$AWAY")
    QUEUE[west]=$(chosen node "$AWAY" | sed 's/^/node: before sending the R3 release:1\n/'; echo "node: before sending the R3 release:1")
    told away
}

# 3. A bank loses its secrets, which no backup holds: its rounds are voided until new ones are dealt.
disturb_lost() {
    attended 20 has_begun 2 || die "the run does not begin"
    party_kill west
    lose_secrets west
    armed_start west
}
lost() {
    QUEUE[coordinator]=$(chosen coordinator "$LOST")
    QUEUE[east]=$(chosen node "$LOST")
    told lost
}

# 4. Two banks lose theirs when a round is certified but not opened: the step is done again with the same inputs.
prepare_twice() { # told at its start, so that neither goes further than the other
    local bank
    for bank in east west; do
        party_kill "$bank" TERM
        HELD[$bank]=1 ARMED[$bank]="node: before taking the R3 certificate:2"
        armed_start "$bank"
    done
}
disturb_twice() {
    local bank gone=0
    attended 20 gone_or_missed || die "the second round is neither certified nor closed"
    has_begun 3 || gone=1
    for bank in east west; do
        [ $gone -eq 0 ] || lose_secrets "$bank"
        HELD[$bank]= ARMED[$bank]=
    done
    for bank in east west; do
        party_kill "$bank"
        armed_start "$bank"
    done
}
# A bank that was slow in the first round learnt of its sum without a certificate, and lives on: the next run, then.
gone_or_missed() { both_gone || has_begun 3; }
both_gone() { ! kill -0 "${PROCESS[east]}" && ! kill -0 "${PROCESS[west]}"; }
twice() {
    QUEUE[coordinator]=$(chosen coordinator "$TWICE")
    QUEUE[north]=$(chosen node "$TWICE" | sed -n '1~2p')
    QUEUE[south]=$(chosen node "$TWICE" | sed -n '2~2p')
    told twice
}

# 5. Inputs of several chunks.
large() {
    local levels
    QUEUE[coordinator]=$(chosen coordinator "$LARGE")
    QUEUE[south]=$(chosen node "$LARGE")
    levels=$(seq -s ', ' -f 'l%g' 520)
    cp "$HOME_DIR/plan.yaml" "$HOME_DIR/small.yaml"
    sed -i "s/levels: \[f, m\]/levels: [f, m, $levels]/; s/penalty: 0, tolerance: 1.0e-8/penalty: 1, tolerance: 0.1/" "$HOME_DIR/plan.yaml"
    sign_and_simulate
    told large
    mv "$HOME_DIR/small.yaml" "$HOME_DIR/plan.yaml"
    sign_and_simulate
}

# 6. A pair's key that changed after the shares were dealt ends the run; everyone is told, with the pair's names.
check_failed() { # RUN TEXT...: failed for all, and every bank can read the texts
    local bank run=$1 text
    shift
    attended 60 states "$run" failed || die "the run does not end"
    for bank in "${banks[@]}"; do
        for text in "$@"; do
            "$COFFERDAM" run show "$run" --node "$HOME_DIR/$bank" | grep -qF -- "$text" || die "$bank does not say \"$text\""
        done
    done
    RUNS=$((RUNS + 1))
}
with_psk() { # FILE: north's key with west
    sed -i '/^psk:/d' "$HOME_DIR/north/node.yaml"
    echo "psk: [{member: west, file: ../$1}]" >>"$HOME_DIR/north/node.yaml"
}
disturb_ends() {
    attended 20 has_begun 2 || die "the run does not begin"
    party_kill north TERM
    with_psk other.psk
    armed_start north
}
check_ends() {
    check_failed "$1" north west "pre-shared"
    party_kill north TERM
    with_psk shared.psk
    armed_start north
}
ends() {
    local file
    for file in shared other; do head -c 32 /dev/urandom >"$HOME_DIR/$file.psk"; done
    chmod 600 "$HOME_DIR"/*.psk
    with_psk shared.psk
    echo "psk: [{member: north, file: ../shared.psk}]" >>"$HOME_DIR/west/node.yaml"
    QUEUE[coordinator]=$(chosen coordinator "$ENDS")
    QUEUE[north]=$(chosen node "$ENDS" | grep sending)
    QUEUE[south]=$(chosen node "$ENDS" | grep "before taking")
    QUEUE[east]=$(chosen node "$ENDS" | grep "after taking")
    told ends check_ends
}

# 7. A run is cancelled.
disturb_cancel() {
    attended 20 has_begun 2 || die "the run does not begin"
    attended 20 cancelled || die "not cancelled"
}
cancelled() { # asked again after the coordinator died, it may be so already
    "$COFFERDAM" run cancel "$RUN" --node "$HOME_DIR/north" --reason "the data are old" ||
        "$COFFERDAM" run show "$RUN" --node "$HOME_DIR/north" | grep -q "cancelled by north"
}
check_cancel() { check_failed "$1" "cancelled by north: the data are old"; }
cancel() {
    QUEUE[coordinator]=$(chosen coordinator "$CANCEL")
    told cancel check_cancel
}

# 8. A bank forgets runs that are over: a run is there, or it is gone, whenever the node dies; and its journal tells once.
declare -A FORGOTTEN=() # run -> by whom
forgotten() { "$NODE" forget "$HOME_DIR/west" "$RUN"; }
check_forget() {
    check_run "$1"
    attended 20 forgotten || die "not forgotten; armed: ${ARMED[west]}"
    attended 20 "$NODE" status "$HOME_DIR/west" || die "west does not start again"
    FORGOTTEN[$1]=west
    [ ! -e "$HOME_DIR/west/state/runs/$1" ] || die "west has forgotten run $1, and its folder is there"
    [ "$(grep '"event":"forgotten"' "$HOME_DIR/west/state/journal.jsonl" | grep -c "$1")" -eq 1 ] || die "the journal of west does not tell once"
    "$COFFERDAM" run show "$1" --node "$HOME_DIR/west" | grep -q "has forgotten this run" || die "west does not say that it has forgotten"
}
forget() {
    QUEUE[west]=$(chosen node "$FORGET")
    told forget check_forget
}

knows() { # PARTY RUN: and that it is over
    local program=$NODE
    [ "${FORGOTTEN[$2]:-}" != "$1" ] || return 0
    [ "$1" != coordinator ] || program=$COORDINATOR
    "$program" status "$HOME_DIR/$1" --json | grep -A 4 "\"run\": \"$2\"" | grep -qE '"state": "(done|failed)"'
}
for story in ${STORIES:-plain away lost twice large ends cancel forget}; do "$story"; done

# A frozen table that was never part of a run, and one whose run is over, go when the node starts.
never=$HOME_DIR/north/state/runs/$(printf %064d 0)
mkdir "$never"
echo "rows" | tee "$never/table.frozen" >"$never/table.frozen.new"

# Every submission that was acknowledged is known to everyone who has not forgotten it; nothing is left of it all but what should be.
for party in "${parties[@]}"; do
    party_kill "$party" TERM
    ARMED[$party]=
    armed_start "$party"
done
for party in "${parties[@]}"; do
    for run in "${ACKNOWLEDGED[@]}"; do until_true 10 knows "$party" "$run" || die "$party has lost run $run"; done
    party_kill "$party" TERM
    python3 tests/e2e/lib/secrets_left.py "$HOME_DIR/$party/state/secrets.db" || die "$party keeps secrets of runs that are over"
    left=$(find "$HOME_DIR/$party/state" -path "*/runs/*" -type f ! -name model.json ! -name report.html ! -name plan.note ! -name run.cfd)
    [ -z "$left" ] || die "left behind: $left"
done
# Every bank's journal is whole, and says what the bundles prove: also of rounds that were given up, of a bank that was away.
audited=0
for bank in "${banks[@]}"; do
    for run in "${ACKNOWLEDGED[@]}"; do
        [ -e "$HOME_DIR/$bank/state/runs/$run/run.cfd" ] || continue
        "$COFFERDAM" audit journal "$HOME_DIR/$bank/state/journal.jsonl" --roster "$HOME_DIR/roster.note" \
            --bundle "$HOME_DIR/$bank/state/runs/$run/run.cfd" >"$HOME_DIR/audited" || die "the journal of $bank, run $run: $(tail -n 3 "$HOME_DIR/audited")"
        cat "$HOME_DIR/audited" >>"$HOME_DIR/audits"
        audited=$((audited + 1))
    done
done
[ $audited -gt 0 ] || die "no bundle at any bank"
for fate in "was voided: it is in no sum" "was done again with the same input"; do
    [ -n "${STORIES:-}" ] || grep -q "$fate" "$HOME_DIR/audits" || die "no journal had a round whose input $fate"
done
for program in node coordinator; do
    missed=$(comm -23 <(points_of $program | sed "s/^/$program: /" | sort) <(sed 's/:[0-9]*$//' "$HOME_DIR/deaths" | sort -u))
    [ -n "${STORIES:-}" ] || [ -z "$missed" ] || die "nothing died at: $missed"
done
echo "$audited times a journal compared with a bundle"
echo "$(points_of node | wc -l) points of a node and $(points_of coordinator | wc -l) of the coordinator, $HITS deaths in $RUNS runs"
good
