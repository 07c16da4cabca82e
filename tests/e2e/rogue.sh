#!/bin/bash
# A member that misbehaves at the coordinator's door (tests/rogue), with a bank's own key: frames of every length, garbage
# after the handshake, everybody's recorded requests sent again, in and after their run; and what went over the wire sent
# again by a stranger. None of it changes a model or keeps the others from the next run.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
e2e_make "${banks[@]}"
INNER=$(free_port)
echo "listen: tls+tcp://127.0.0.1:$INNER" >>"$HOME_DIR/coordinator/coordinator.yaml"
COORDINATOR=$BUILD/cheat # it cheats in nothing: it records
export COFFERDAM_RECORD=$HOME_DIR/recorded
python3 tests/support/tap.py keep "$PORT" "$INNER" "$HOME_DIR/wire" &
PROCESS[tap]=$!
e2e_start "${banks[@]}"
rogue() { # BANK WHAT...
    timeout $((60 * PATIENCE)) "$BUILD/rogue" "$HOME_DIR/$1/node.yaml" "$INNER" "${@:2}" 2>"$HOME_DIR/said" ||
        die "$*: $(tail -n 1 "$HOME_DIR/said")"
}
done_everywhere() { # RUN
    local bank
    for bank in "${banks[@]}"; do watch "$bank" "$1" >"$HOME_DIR/watched" || die "no model at $bank: $(cat "$HOME_DIR/watched")"; done
    until_true 5 test -s "$(model_of coordinator "$1")" || die "no model at the coordinator"
    same_models "$1" coordinator "${banks[@]}"
}
first=$(submit north) || die "not submitted"
done_everywhere "$first"
cp "$HOME_DIR/recorded" "$HOME_DIR/first"
party_kill east TERM # whose place the rogue takes
rogue east lengths
rogue east garbage
second=$(submit north) || die "no second run"
until_true 10 grep -q "${second:0:12}.* plan small" "$HOME_DIR/west/log" || die "west does not know of the second run"
cp "$HOME_DIR/recorded" "$HOME_DIR/second"
rogue east replay "$HOME_DIR/first"
rogue east replay "$HOME_DIR/second"
node_start east
done_everywhere "$second"
cp "$HOME_DIR/recorded" "$HOME_DIR/all"
party_kill east TERM
rogue east replay "$HOME_DIR/all" # the runs are over
cmp "$(model_of north "$first")" "$(model_of north "$second")" || die "the second run gives another model"
party_kill tap TERM # the nodes are cut off, too
python3 tests/support/tap.py again "$INNER" "$HOME_DIR/wire" || die "what went over the wire is taken again"
python3 tests/support/tap.py keep "$PORT" "$INNER" "$HOME_DIR/wire" &
PROCESS[tap]=$!
node_start east
third=$(submit north) || die "no third run"
done_everywhere "$third"
cmp "$(model_of north "$first")" "$(model_of north "$third")" || die "the third run gives another model"
[ "$("$COFFERDAM" run list --node "$HOME_DIR/north" | grep -c done)" -eq 3 ] || die "not three runs"
[ "$(wc -l <"$HOME_DIR/coordinator/log")" -lt 2000 ] || die "the coordinator's log grew with it"
good
