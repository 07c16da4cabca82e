#!/bin/bash
# Data that cannot be analysed as planned end a run with what is wrong with them, exit code 2, and no bank blamed.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
for bank in "${banks[@]}"; do sed -i '2,$s/,1$/,0/' "$HOME_DIR/$bank/rows.csv"; done
e2e_start "${banks[@]}"
run=$(submit north) || die "the plan cannot be submitted"
for bank in north south; do
    watch "$bank" "$run" >"$HOME_DIR/watched" 2>&1
    [ $? -eq 2 ] || die "not exit code 2 at $bank: $(cat "$HOME_DIR/watched")"
    grep -q "the run ended: the joint data cannot be analysed as planned: none of the .* is positive" "$HOME_DIR/watched" ||
        die "$(cat "$HOME_DIR/watched")"
    grep -q "true one" "$HOME_DIR/watched" && die "an honest stop reads like cheating: $(cat "$HOME_DIR/watched")"
done
good
