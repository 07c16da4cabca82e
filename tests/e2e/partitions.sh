#!/bin/bash
# What a network does: a bank cut off and back again, an end that vanishes without a word, a slow link; and processes that
# stand still for a while. The run waits, says for whom, and ends with the same model.
#
# In a network of its own: the bank west lives in another namespace, behind a link that can be cut, so that no FIN and no
# RST comes through.
if [ -z "${OWN_NETWORK:-}" ]; then
    command -v ip >/dev/null || { echo "no ip command (iproute2)"; exit 77; }
    unshare -n -m true 2>/dev/null || { echo "no network namespaces can be made here"; exit 77; }
    OWN_NETWORK=1 exec unshare -n -m bash "$0"
fi
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south west)
parties=(coordinator "${banks[@]}")
ip link set lo up && mount -t tmpfs tmpfs /run && ip netns add far && ip link add near0 type veth peer name far0 netns far &&
    ip addr add 10.99.0.1/24 dev near0 && ip link set near0 up && ip -n far addr add 10.99.0.2/24 dev far0 &&
    ip -n far link set far0 up || { echo "no link between two namespaces can be made here"; good; exit 77; }
echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries
nsenter --net=/run/netns/far sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries'
HOST=10.99.0.1
e2e_make "${banks[@]}"
"$COFFERDAM" simulate "$HOME_DIR/plan.yaml" --out "$HOME_DIR/simulated" --site north="$HOME_DIR/north/rows.csv" \
    --site south="$HOME_DIR/south/rows.csv" --site west="$HOME_DIR/west/rows.csv" >/dev/null 2>&1 || die "simulate fails"

start() { # PARTY
    [ "$1" = west ] || { party_start "$1"; return; }
    nsenter --net=/run/netns/far "$NODE" run "$HOME_DIR/west/node.yaml" >>"$HOME_DIR/west/log" 2>&1 &
    PROCESS[west]=$!
}
cut() { ip link set near0 down; }
vanish() { # PARTY: dies without a word to the other end, as when the power goes
    cut
    party_kill "$1"
    sleep 2 # until its kernel has given up saying FIN
}
mend() { ip link set near0 up; }
begin() { # a run that is in its second round
    RUN=$(submit north) || die "not submitted"
    until_true 20 log_has coordinator "${RUN:0:12}: round 2" || die "the run does not begin"
}
awaits() { "$COFFERDAM" run show "$RUN" --node "$HOME_DIR/north" | grep -q "^awaited .*$1"; }
ends() { # WHAT
    local bank since=$SECONDS
    for bank in "${banks[@]}"; do watch "$bank" "$RUN" >/dev/null || die "$1: no model at $bank"; done
    same_models "$RUN" "${parties[@]}"
    cmp "$HOME_DIR/simulated/model.json" "$(model_of west "$RUN")" || die "$1: another model"
    echo "$1: went on and ended in $((SECONDS - since)) s"
}
for party in "${parties[@]}"; do start "$party"; done

begin
kill -STOP "${PROCESS[west]}"
until_true 10 awaits west || die "nobody says that west is awaited"
kill -CONT "${PROCESS[west]}"
ends "a node that stood still"

begin
kill -STOP "${PROCESS[coordinator]}"
sleep 2
"$NODE" status "$HOME_DIR/north" >/dev/null || die "a coordinator that stands still stops north"
kill -CONT "${PROCESS[coordinator]}"
ends "a coordinator that stood still"

begin
cut
until_true 10 awaits west || die "nobody says that west is awaited"
sleep 2
mend
ends "a bank cut off for a while"

# More often than the coordinator keeps connections of one member: the stale ones do not shut it out.
begin
for _ in 1 2 3 4 5 6; do
    log_has coordinator "${RUN:0:12}:* is done" && begin # it can be quicker than the hand that cuts
    until_true 10 log_has west "attest" || die "west does not come back"
    vanish west
    : >"$HOME_DIR/west/log"
    start west
    mend
done
ends "a bank that vanished six times without a word"

begin
vanish coordinator
start coordinator
mend
ends "a coordinator that vanished without a word" # west notices at the latest when its request is 30 s old

begin
tc qdisc add dev near0 root tbf rate 100kbit burst 4k latency 2s 2>/dev/null &&
    tc -n far qdisc add dev far0 root tbf rate 100kbit burst 4k latency 2s || echo "no slow link can be made here"
ends "a slow link"
good
