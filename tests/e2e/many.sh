#!/bin/bash
# Several runs at the same time, with a node that dies among them: each ends with the same model.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
runs=()
for ((i = 0; i < 8; i++)); do runs+=("$(submit north)") || die "not submitted"; done
party_kill south
node_start south
for run in "${runs[@]}"; do
    for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
    cmp "$(model_of north "${runs[0]}")" "$(model_of north "$run")" || die "another model"
    same_models "$run" "${banks[@]}"
done
[ "$("$COFFERDAM" run list --node "$HOME_DIR/east" | grep -c ' done ')" -eq 8 ] || die "run list"
good
