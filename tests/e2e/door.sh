#!/bin/bash
# A run of three banks while two thousand strangers stand at the coordinator's door: the banks get in, the model is the
# one that simulate gives, nobody else gets a word, and neither memory nor log of the coordinator grows with them.
. "$(dirname "$0")/../support/e2e.sh"
STRANGERS=2000
MEMORY_KB=$((200 * 1024)) # of the coordinator at most: 256 handshakes, and a run of three banks
LOG_BYTES=$((64 * 1024))
banks=(north south east)
e2e_make "${banks[@]}"
coordinator_start
until_true 10 "$COORDINATOR" status "$HOME_DIR/coordinator" || die "the coordinator does not start"
python3 tests/support/hostile.py "$PORT" $STRANGERS >"$HOME_DIR/hostile" 2>&1 &
hostile=$!
until_true 60 grep -q "all there" "$HOME_DIR/hostile" || die "the strangers did not come: $(cat "$HOME_DIR/hostile")"
for bank in "${banks[@]}"; do node_start "$bank"; done
run=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
until_true 5 test -s "$(model_of coordinator "$run")" || die "no model at the coordinator"
same_models "$run" coordinator "${banks[@]}"
peak=$(awk '/^VmHWM/ {print $2}' "/proc/${PROCESS[coordinator]}/status")
case ${BUILD:-build} in */san-*) ;; *) [ "$peak" -lt $MEMORY_KB ] || die "the coordinator took $peak kB" ;; esac
[ "$(wc -c <"$HOME_DIR/coordinator/log")" -lt $LOG_BYTES ] || die "the coordinator's log grew with the strangers"
kill -TERM $hostile
wait $hostile || die "a stranger was let in: $(tail -n 1 "$HOME_DIR/hostile")"
"$COORDINATOR" status "$HOME_DIR/coordinator" | grep -q done || die "the coordinator does not answer"
"$COFFERDAM" simulate "$HOME_DIR/plan.yaml" --out "$HOME_DIR/simulated" --site north="$HOME_DIR/north/rows.csv" \
    --site south="$HOME_DIR/south/rows.csv" --site east="$HOME_DIR/east/rows.csv" >/dev/null 2>&1 || die "simulate"
cmp "$HOME_DIR/simulated/model.json" "$(model_of north "$run")" || die "another model than simulate's"
echo "$(tail -n 1 "$HOME_DIR/hostile"); the coordinator took $peak kB"
good
