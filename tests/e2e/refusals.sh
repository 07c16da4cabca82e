#!/bin/bash
# A bank that takes no part ends the run and is named; what it says of its rows stays with it.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
until_true 10 "$NODE" status "$HOME_DIR/south" || die "south does not start" # a signal before that is the shell's

refused() { # BANK TEXT: a run that this bank refuses, with this reason for everyone
    local run
    run=$(submit north) || die "not submitted"
    watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "the run is done although $1 refuses"
    grep -q "$1 refuses: .*$2" "$HOME_DIR/watched" || die "not '$1 refuses: $2' but: $(cat "$HOME_DIR/watched")"
    "$COORDINATOR" status "$HOME_DIR/coordinator" | grep -q "$1 refuses" || die "the coordinator does not name $1"
}
again() { # BANK: with its configuration or data as they are now
    party_kill "$1" TERM
    node_start "$1"
    until_true 10 "$NODE" status "$HOME_DIR/$1" || die "$1 does not start"
}

policy_config south north churn 3
again south
refused south "policy.yaml:1: purpose credit-risk is not among those that this bank allows"
policy_config south north credit-risk 4
again south
refused south "policy.yaml:5: .*at least 4"
policy_config south north credit-risk 3
again south

for bad in "987198719871,44,f,1" "12,44,zz987198719871,0" "12,987198719871x,f,0" "12,44,f"; do # bounds, levels, numbers, raggedness
    cp "$HOME_DIR/east/rows.csv" "$HOME_DIR/east/good.csv"
    echo "$bad" >>"$HOME_DIR/east/rows.csv"
    refused east "its data cannot be used for this plan"
    grep -q "rows.csv:[0-9]*: " "$HOME_DIR/east/log" || die "east's own log does not say where"
    mv "$HOME_DIR/east/good.csv" "$HOME_DIR/east/rows.csv"
done
if grep -rq 987198719871 "$HOME_DIR/coordinator" "$HOME_DIR/north" "$HOME_DIR/south"; then die "a value of a row left east"; fi

# Three plans of an author may fail on a bank's rows; another has to be allowed by its hash.
cp "$HOME_DIR/plan.yaml" "$HOME_DIR/first.yaml"
cp "$HOME_DIR/plan.note" "$HOME_DIR/first.note"
cp "$HOME_DIR/east/rows.csv" "$HOME_DIR/east/good.csv"
echo "987198719871,44,f,1" >>"$HOME_DIR/east/rows.csv"
for k in 2 3 4; do
    { cat "$HOME_DIR/first.yaml"; echo "# try $k"; } >"$HOME_DIR/plan.yaml"
    rm "$HOME_DIR/plan.note"
    "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null
    [ $k -lt 4 ] && refused east "its data cannot be used for this plan"
done
mv "$HOME_DIR/east/good.csv" "$HOME_DIR/east/rows.csv"
refused east "its officer has to allow the next by its hash"
hash=$("$COFFERDAM" plan show "$HOME_DIR/plan.note" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["hash"])')
printf "  - {plan: %s}\n" "$hash" >"$HOME_DIR/line"
sed -i "/^approve:/r $HOME_DIR/line" "$HOME_DIR/east/policy.yaml"
again east
run=$(submit north) || die "not submitted"
watch north "$run" >/dev/null || die "a plan allowed by its hash fails"
cp "$HOME_DIR/first.note" "$HOME_DIR/plan.note"

run=$(submit north) || die "not submitted"
watch north "$run" >/dev/null || die "with good rows the run fails"
good
