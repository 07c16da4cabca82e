# For the tests that kill daemons at named points (crypto/base/failpoint.h): which points there are, and a supervisor that
# starts again what died, as systemd would. Needs the daemons of `make FAILPOINTS=1`, in $BUILD/failpoints.
. tests/support/e2e.sh
NODE=$BUILD/failpoints/cofferdam-node
COORDINATOR=$BUILD/failpoints/cofferdam-coordinator

messages() { # requests|replies: the names of the messages of a run, from the table that the programs have them from
    sed -nE 's/^ *\[MESSAGE_([A-Z0-9_]+)\] = \{"([^"]+)".*/\1 \2/p' proto/wire/message.c |
        awk -v want="$1" '$1 == "JOINED" {replies = 1} replies == (want == "replies") {sub(/^[^ ]+ /, ""); print}'
}
static_points() { # WHERE FILE...: in their order in the files
    local where=$1
    shift
    sed -nE "s/.*FAILPOINT\(\"($where: [^\"]+)\"\).*/\1/p" "$@"
}
message_points() { # WHERE SENT TAKEN: at what this program sends (requests or replies) and takes, as they follow in a run
    local point kind
    sed -nE "s/.*FAILPOINT_MESSAGE\(\"($1: [^\"]+)\".*/\1/p" {node,coordinator}/*.c | while IFS= read -r point; do
        kind=$3
        case $point in *sending) kind=$2 ;; esac
        messages "$kind" | awk -v point="$point" '{print NR "\t" point " " $0}'
    done | sort -s -n | cut -f 2
}
# Every point of a program, those first that come first in its life, so that one run reaches many. The coordinator
# has no secrets, so that its log of them is always empty.
points_of() { # node|coordinator
    if [ "$1" = node ]; then
        static_points store sys/store_database.c
        static_points node node/bank.c node/service.c node/freeze.c node/prepare.c node/part.c node/journal.c node/forget.c sys/folder.c
        message_points node requests replies
    else
        static_points store sys/store_database.c | grep -v "header is overwritten"
        static_points coordinator coordinator/asks.c coordinator/loop.c
        message_points coordinator replies requests
    fi
    static_points store sys/store.c
    static_points file sys/file.c
    if [ "$1" = node ]; then static_points node node/step.c; else static_points coordinator coordinator/session.c; fi
}
# Points that an undisturbed run of the small plan does not come to: a story of its own leads to each of these.
AWAY="the request for a sum|a closed sum|a sum's chunk"
LOST='VOID|the call to provision'
TWICE='the certificate to do a step again'
LARGE="a chunk's receipt|an R1 chunk"
ENDS='the refusal|the end of the run'
CANCEL='cancelled'
FORGET='forgotten|a folder is removed'

declare -A ARMED=()  # party -> the point it will die at
declare -A HELD=()   # party -> not empty: it stays dead until the test starts it
declare -A QUEUE=()  # party -> the points after that, a line each
HITS=0
arm() { # PARTY: its next point, for its next start
    local queue=${QUEUE[$1]:-}
    ARMED[$1]=${queue%%$'\n'*}
    QUEUE[$1]=${queue#"${ARMED[$1]}"}
    QUEUE[$1]=${QUEUE[$1]#$'\n'}
}
armed_start() { COFFERDAM_FAILPOINT=${ARMED[$1]:-} party_start "$1"; }
# A process that died must have died at its point, and is started again: attend PARTY
attend() {
    local status
    [ -z "${HELD[$1]:-}" ] && ! kill -0 "${PROCESS[$1]}" 2>/dev/null || return 0
    { wait "${PROCESS[$1]}"; } 2>/dev/null
    status=$?
    [ $status -eq 137 ] && [ -n "${ARMED[$1]:-}" ] || die "$1 ended with $status, armed with \"${ARMED[$1]:-}\""
    HITS=$((HITS + 1))
    HIT=${ARMED[$1]}
    echo "${1/#[!c]*/node}: $HIT" >>"$HOME_DIR/deaths"
    [ -z "${VERBOSE:-}" ] || echo "$SECONDS s: $1 died at $HIT"
    arm "$1"
    ! declare -F "before_start" >/dev/null || before_start "$1" "$HIT"
    armed_start "$1"
}
attend_all() { for party in "${parties[@]}"; do attend "$party"; done; }
# Attends until a command succeeds, and while it works: attended SECONDS COMMAND...
attended() {
    local until=$((SECONDS + $1 * PATIENCE)) asked
    shift
    while :; do
        "$@" >/dev/null 2>&1 &
        asked=$!
        while kill -0 $asked 2>/dev/null; do
            attend_all
            sleep 0.02
        done
        wait $asked && return
        [ $SECONDS -lt $until ] || return 1
    done
}
# Whether a run has this state for everyone, as their own daemons say: states RUN STATE
states() {
    local party program
    for party in "${parties[@]}"; do
        if [ "$party" = coordinator ]; then program=$COORDINATOR; else program=$NODE; fi
        timeout 2 "$program" status "$HOME_DIR/$party" --json | # a daemon that dies meanwhile is asked again
            grep -A 4 "\"run\": \"$1\"" | grep -q "\"state\": \"$2\"" || return 1
    done
}
# A submission that was not acknowledged is made again, as a person would. The id of the acknowledged one is in RUN.
submission() {
    "$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" --key "$HOME_DIR/north/identity.key" >"$HOME_DIR/submitted"
}
attended_submit() {
    attended 30 submission || die "not submitted"
    RUN=$(cat "$HOME_DIR/submitted")
    ACKNOWLEDGED+=("$RUN")
}
ACKNOWLEDGED=()
left_points() { # how many are still to be hit
    local party
    for party in "${parties[@]}"; do printf '%s\n' "${ARMED[$party]:-}" "${QUEUE[$party]:-}"; done | grep -c .
}
