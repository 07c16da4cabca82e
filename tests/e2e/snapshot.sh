#!/bin/bash
# A node whose state directory is older than its last message is found out by the others, and sits the run out.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
run=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
party_kill east TERM
cp -r "$HOME_DIR/east/state" "$HOME_DIR/east/backup"
node_start east
run=$(submit north) || die "not submitted again"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no second model at $bank"; done
party_kill east TERM
rm -r "$HOME_DIR/east/state"
mv "$HOME_DIR/east/backup" "$HOME_DIR/east/state"
node_start east
run=$(submit north) || die "not submitted a third time"
watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "a run was done with a bank that does not know what it sent"
grep -q "east ended the run: .*older than its last message" "$HOME_DIR/watched" || die "$(cat "$HOME_DIR/watched")"
# What it signs to say so must never carry its count past what it forgot.
for attempt in 1 2 3; do
    run=$(submit north) || die "not submitted again"
    watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "a run was done with a bank that forgot what it sent"
    grep -q "east ended the run: .*older than its last message" "$HOME_DIR/watched" || die "$(cat "$HOME_DIR/watched")"
done
good
