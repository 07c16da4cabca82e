#!/bin/bash
# Programs of different versions of the protocol. With one bank that speaks version 1 alone a run is refused at version 2
# and ends at version 1, with the model that simulate gives; after its upgrade runs are of version 2. Nothing in common is
# refused on both sides, in words that name both versions and who upgrades. OLDER= is a directory with real programs of
# version 1, instead of today's that speak no later one.
. "$(dirname "$0")/../support/e2e.sh"
OLDER=${OLDER:-$BUILD/protocol/1-1}
AHEAD=$BUILD/protocol/3-4
[ -x "$OLDER/cofferdam-node" ] && [ -x "$AHEAD/cofferdam-node" ] || die "programs of other versions are not built"
banks=(north south east)
node_of() { NODE="$1/cofferdam-node" node_start "$2"; }                   # DIRECTORY BANK
coordinator_of() { COORDINATOR="$1/cofferdam-coordinator" coordinator_start; } # DIRECTORY
submit_as() { # VERSION
    "$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" --key "$HOME_DIR/north/identity.key" --protocol "$1"
}
ends() { # RUN VERSION: with the model of simulate at every party
    local bank
    for bank in "${banks[@]}"; do watch "$bank" "$1" >/dev/null || die "no model at $bank"; done
    until_true 5 test -s "$(model_of coordinator "$1")" || die "no model at the coordinator"
    same_models "$1" coordinator "${banks[@]}"
    cmp "$HOME_DIR/simulated/model.json" "$(model_of north "$1")" || die "another model than simulate's"
    "$COFFERDAM" run show "$1" --node "$HOME_DIR/north" | grep -q "^protocol   version $2$" || die "the run is not of version $2"
    until_true 20 test -s "$HOME_DIR/north/state/runs/$1/run.cfd" || die "no bundle"
    "$COFFERDAM" audit verify "$HOME_DIR/north/state/runs/$1/run.cfd" --roster "$HOME_DIR/roster.note" >/dev/null ||
        die "the bundle does not hold"
}
coordinator_says() { "$COORDINATOR" status "$HOME_DIR/coordinator" | grep -q -- "$1"; }
node_says() { "$NODE" status "$HOME_DIR/$1" | grep -q -- "$2"; }

e2e_make "${banks[@]}"
sites=()
for bank in "${banks[@]}"; do sites+=(--site "$bank=$HOME_DIR/$bank/rows.csv"); done
"$COFFERDAM" simulate "$HOME_DIR/plan.yaml" --out "$HOME_DIR/simulated" "${sites[@]}" >/dev/null 2>&1 || die "simulate"

# --- one bank before the others
coordinator_start
node_start north
node_start south
node_of "$OLDER" east
for bank in "${banks[@]}"; do until_true 10 "$NODE" status "$HOME_DIR/$bank" || die "$bank does not start"; done
until_true 10 coordinator_says "^east is behind: it speaks the protocol up to version 1 and this coordinator up to 2; upgrade its node" ||
    die "status does not tell of east"
log_has coordinator "east speaks version 1 of the protocol and this program versions 1 to 2; upgrade its node" || die "the log does not tell of east"
expect_exit 1 "east speaks version 1 of the protocol and the run is of version 2; upgrade its node, or submit the run with --protocol 1" \
    submit_as 2
expect_exit 2 "--protocol 3: this program speaks versions 1 to 2 of the protocol" submit_as 3
"$NODE" check "$HOME_DIR/north" | grep -q "^link .* in version 2 of the protocol$" || die "check does not tell the version"
run=$(submit_as 1) || die "not submitted"
ends "$run" 1
log_has south "${run:0:12}: plan .*, version 1 of the protocol, not the newest that this node speaks" || die "south is not told"

# --- it was away when a run of version 2 was submitted: the run waits for its upgrade
party_kill east
party_kill coordinator
coordinator_start
for bank in north south; do until_true 20 node_says "$bank" "^coordinator .*: connected" || die "$bank is not connected"; done
run=$(submit_as 2) || die "not submitted"
node_of "$OLDER" east
until_true 10 coordinator_says "east does not speak version 2 of the protocol, which the run keeps to: upgrade it" || die "status does not tell why"
party_kill east
node_start east
ends "$run" 2

# --- nothing in common: a node that is ahead; a run is open
party_kill east
open=$(submit_as 2) || die "not submitted"
until_true 20 test -s "$HOME_DIR/north/state/runs/$open/table.frozen" || die "the run does not begin"
node_of "$AHEAD" east
refusal="the coordinator speaks versions 1 to 2 of the protocol and this program versions 3 to 4; upgrade the coordinator"
until_true 10 log_has coordinator "refused east: its node speaks versions 3 to 4 of the protocol and this program versions 1 to 2; upgrade the coordinator" ||
    die "the coordinator's log does not refuse"
coordinator_says "^east is refused: it speaks the protocol up to version 4 and this coordinator up to 2; upgrade the coordinator" || die "its status"
until_true 20 log_has east "$refusal" || die "the node's log"
until_true 20 node_says east "$refusal" || die "the node's status"
party_kill east
expect_exit 3 "$refusal" "$AHEAD/cofferdam-node" check "$HOME_DIR/east"

# --- and a coordinator that is: to it, the nodes are two versions behind
party_kill coordinator
coordinator_of "$AHEAD"
refusal="the coordinator speaks versions 3 to 4 of the protocol and this program versions 1 to 2; upgrade this node"
until_true 10 log_has coordinator "refused north: its node speaks versions 1 to 2 of the protocol and this program versions 3 to 4; upgrade its node" ||
    die "the coordinator's log does not refuse"
until_true 20 node_says north "$refusal" || die "the node's status"
until_true 20 log_has north "$refusal" || die "the node's log"
coordinator_says "^north is refused: it speaks the protocol up to version 2 and this coordinator up to 4; upgrade its node" || die "its status"
expect_exit 3 "$refusal" "$NODE" check "$HOME_DIR/east"

# --- what was open is ended by whoever speaks its version no more, at the coordinator and at a bank, for good
ended="the run is of version 2 of the protocol and this program speaks versions 3 to 4; north submits it anew with a newer program"
log_has coordinator "${open:0:12} ended: $ended" || die "the coordinator does not end the run"
party_kill north
node_of "$AHEAD" north
until_true 10 log_has north "${open:0:12} ended: $ended" || die "the node does not end the run"
"$COFFERDAM" run show "$open" --node "$HOME_DIR/north" | grep -q "^this node  $ended" || die "run show: $("$COFFERDAM" run show "$open" --node "$HOME_DIR/north")"
[ ! -e "$HOME_DIR/north/state/runs/$open/table.frozen" ] || die "the frozen table is left"
party_kill north
node_start north

# --- an older coordinator: runs are of its version
party_kill coordinator
coordinator_of "$OLDER"
node_start east
for bank in "${banks[@]}"; do
    until_true 20 node_says "$bank" "speaks version 1 of the protocol and this node 2; upgrade the coordinator" || die "$bank is not told"
done
expect_exit 1 "the coordinator speaks version 1 of the protocol and the run is of version 2; upgrade the coordinator, or submit the run with --protocol 1" \
    submit_as 2
run=$(submit_as 1) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
cmp "$HOME_DIR/simulated/model.json" "$(model_of north "$run")" || die "another model than simulate's"
echo "runs of versions 1 and 2, four refusals, an open run ended"
good
