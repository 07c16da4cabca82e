#!/bin/bash
# Five banks, a coordinator, TLS: one run from submission to the same model everywhere; a second run; one that is cancelled.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west centre)
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
run=$(submit north) || die "not submitted"
watch south "$run" >"$HOME_DIR/watched" || die "the run failed: $(cat "$HOME_DIR/watched")"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
until_true 5 test -s "$(model_of coordinator "$run")" || die "no model at the coordinator"
same_models "$run" coordinator "${banks[@]}"
grep -q '"converged": true' "$(model_of north "$run")" || die "not converged"
cmp "$HOME_DIR/plan.note" "$HOME_DIR/west/state/runs/$run/plan.note" || die "another plan.note"
[ ! -e "$HOME_DIR/west/state/runs/$run/table.frozen" ] || die "the frozen table is still there"
"$COFFERDAM" run list --node "$HOME_DIR/east" | grep -q "^${run:0:12}  done" || die "run list"
"$COFFERDAM" run show "${run:0:8}" --node "$HOME_DIR/east" --json | grep -q '"state": "done"' || die "run show --json"
"$COORDINATOR" status "$HOME_DIR/coordinator" | grep -q "done" || die "coordinator status"
checked=0 # by itself: a bank that was late has the others' certificate instead
for bank in "${banks[@]}"; do
    if "$COFFERDAM" run show "$run" --node "$HOME_DIR/$bank" | grep -q "^checked    round .* 5 secrets fit their .* computed again$"; then
        log_has "$bank" "round 1 checked here: 5 secrets fit" || die "$bank has not said what it checked"
        checked=$((checked + 1))
    fi
done
[ "$checked" -ge 4 ] || die "$checked banks say what they checked"
again=$(submit north) && [ "$again" != "$run" ] || die "no second run"
watch centre "$again" >/dev/null || die "the second run failed"
cmp "$(model_of centre "$run")" "$(model_of centre "$again")" || die "the second run gives another model"
party_kill centre TERM # so that the next run waits
waits=$(submit north) || die "no third run"
expect_exit 1 "only north" "$COFFERDAM" run cancel "$waits" --node "$HOME_DIR/south"
"$COFFERDAM" run cancel "${waits:0:8}" --node "$HOME_DIR/north" --reason "wrong plan" >/dev/null || die "not cancelled"
expect_exit 1 "cancelled by north: wrong plan" "$COFFERDAM" run watch "$waits" --node "$HOME_DIR/south"
waits=$(submit north) || die "no fourth run"
"$COFFERDAM" run cancel "$waits" --node "$HOME_DIR/north" >/dev/null || die "not cancelled without a reason"
expect_exit 1 "cancelled by north: no reason given" "$COFFERDAM" run watch "$waits" --node "$HOME_DIR/south"
node_start centre
until_true 10 "$NODE" status "$HOME_DIR/centre" || die "centre does not start again"
for party in "${banks[@]}" coordinator; do
    kill -TERM "${PROCESS[$party]}"
    wait "${PROCESS[$party]}" || die "$party did not stop gracefully: $?"
    unset "PROCESS[$party]"
done
good
