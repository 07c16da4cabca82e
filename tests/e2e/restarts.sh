#!/bin/bash
# kill -9 at many points of a run, of one process or of all together: the run goes on and the model is the same.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
parties=(coordinator "${banks[@]}")
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
calm=$(submit north) || die "not submitted"
watch north "$calm" >/dev/null || die "the undisturbed run failed"
cp "$(model_of north "$calm")" "$HOME_DIR/calm.json"

hit() { # PARTY...: kills all of them, then starts them again
    local party
    for party in "$@"; do party_kill "$party"; done
    for party in "$@"; do party_start "$party"; done
}
over() { [ -s "$(model_of "$1" "$2")" ]; }

caught=0
turn=0
enough() { [ $caught -ge 4 ] && { [ $turn -ge 14 ] || [ $SECONDS -ge 40 ]; }; } # on slow machines fewer turns
until enough || [ $turn -ge 40 ]; do
    run=$(submit north) || die "not submitted in turn $turn"
    sleep "0.$(printf %02d $((RANDOM % 40)))" # some point between provisioning and the last round
    case $((turn % 7)) in
    5) victims=("${parties[@]}") ;;
    6) victims=(coordinator west) ;;
    *) victims=("${parties[turn % 7]}") ;;
    esac
    over "${victims[0]}" "$run" || caught=$((caught + 1))
    hit "${victims[@]}"
    if [ $((turn % 2)) -eq 1 ]; then # and once more while they come back
        sleep "0.$(printf %02d $((RANDOM % 30)))"
        hit "${parties[RANDOM % 5]}"
    fi
    for bank in "${banks[@]}"; do
        watch "$bank" "$run" >/dev/null || die "turn $turn: no model at $bank after ${victims[*]} was killed"
    done
    until_true 10 over coordinator "$run" || die "turn $turn: no model at the coordinator"
    same_models "$run" coordinator "${banks[@]}"
    cmp "$HOME_DIR/calm.json" "$(model_of north "$run")" || die "turn $turn: a restart changed the model"
    turn=$((turn + 1))
done
# Rows that change on disk in the middle of a run change nothing in it, restarted or not.
run=$(submit north) || die "not submitted at the end"
until_true 10 log_has east "${run:0:12}: .*attest" || die "east does not join"
rows_make 99 50 >"$HOME_DIR/east/rows.csv"
hit east
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank after its rows changed"; done
cmp "$HOME_DIR/calm.json" "$(model_of east "$run")" || die "rows that changed on disk changed the model"

[ "$caught" -ge 4 ] || die "only $caught of $turn runs were still open when a process was killed"
echo "$turn runs, $caught caught open"
good
