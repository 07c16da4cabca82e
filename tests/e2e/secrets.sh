#!/bin/bash
# A node's secrets while a run goes on, and after it: the node has them in its memory and in secrets.db, and then nobody
# has them anywhere: no memory, no file of any party, no log at its most talkative. Core dumps are off in every program.
. "$(dirname "$0")/../support/e2e.sh"
[ "$(id -u)" -eq 0 ] || { echo "reading a process's memory takes root"; exit 77; }
banks=(north south east)
e2e_make "${banks[@]}"
LOG_LEVEL=debug coordinator_config
LOG_LEVEL=debug node_config north rows.csv </dev/null
ulimit -c unlimited 2>/dev/null
e2e_start "${banks[@]}"
run=$(submit north) || die "not submitted"
for party in "${banks[@]}" coordinator; do
    grep -qE '^Max core file size +0 +0 ' "/proc/${PROCESS[$party]}/limits" || die "$party may dump its core"
done
node=${PROCESS[north]}
taken=1
for _ in $(seq $((200 * PATIENCE))); do
    kill -STOP "$node"
    python3 tests/support/secrets.py take "$HOME_DIR/north/state" "$HOME_DIR/taken" 2>/dev/null && taken=0
    [ $taken -ne 0 ] || break
    kill -CONT "$node"
    sleep 0.02
done
[ $taken -eq 0 ] || die "north never had a share"
count=$(wc -l <"$HOME_DIR/taken")
[ "$count" -gt 20 ] || die "only $count secrets"
# The search works: this is where they are.
[ "$(python3 tests/support/secrets.py memory "$node" "$HOME_DIR/taken")" -gt 20 ] || die "not found in memory"
[ "$(python3 tests/support/secrets.py files "$HOME_DIR/taken" "$HOME_DIR/north")" -gt 20 ] || die "not found on disk"
for party in south east coordinator; do
    [ "$(python3 tests/support/secrets.py memory "${PROCESS[$party]}" "$HOME_DIR/taken")" -eq 0 ] ||
        die "$party has a secret of north's in its memory"
done
kill -CONT "$node"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
for party in "${banks[@]}" coordinator; do
    left=$(python3 tests/support/secrets.py memory "${PROCESS[$party]}" "$HOME_DIR/taken")
    [ "$left" -eq 0 ] || die "$left of $count secrets are still in the memory of $party"
done
left=$(python3 tests/support/secrets.py files "$HOME_DIR/taken" "$HOME_DIR"/{north,south,east,coordinator})
[ "$left" -eq 0 ] || die "$left of $count secrets are still on a disk"
echo "$count secrets of a bank were in its node, and are nowhere now"
good
