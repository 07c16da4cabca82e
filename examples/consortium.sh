# Functions that make and run a consortium on this machine, each party a process with a directory of its own.
# Sourced by examples/demo and by tests/e2e/*.sh. Every process started here ends with the shell that started it.
#
#   HOME_DIR        where everything lies: HOME_DIR/NAME/{identity.key,node.key,node.yaml,state}, HOME_DIR/coordinator
#   BUILD           where the programs are (default build)
#   HOST            where the coordinator listens (default 127.0.0.1)

BUILD=${BUILD:-build}
COFFERDAM=$BUILD/cofferdam
NODE=$BUILD/cofferdam-node
COORDINATOR=$BUILD/cofferdam-coordinator
declare -A PROCESS=() # name -> process id

say() { printf '%s\n' "$*"; }
die() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

# Stops what is still running and keeps the exit status, whatever way the shell ends.
consortium_end() {
    local status=$? name
    trap - EXIT INT TERM HUP
    exec 2>/dev/null # what the shell says of killed jobs
    for name in "${!PROCESS[@]}"; do kill -KILL "${PROCESS[$name]}" 2>/dev/null; done
    wait
    "${AT_END[@]:-true}"
    exit "$status"
}
AT_END=() # a command to run last
trap consortium_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

free_port() { # a port of 127.0.0.1 that nobody listens on
    local port
    while :; do
        port=$((20000 + RANDOM % 12000)) # below those that the system gives to who dials
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# Keys and a roster that every bank signed: consortium_keys PORT BANK...
consortium_keys() {
    local port=$1 bank public=()
    shift
    "$COFFERDAM" keygen --org coordinator --no-passphrase --out "$HOME_DIR/coordinator" >/dev/null
    for bank in "$@"; do
        "$COFFERDAM" keygen --org "$bank" --no-passphrase --out "$HOME_DIR/$bank" >/dev/null
        public+=("$HOME_DIR/$bank/$bank.pub")
    done
    "$COFFERDAM" roster new --coordinator "$HOME_DIR/coordinator/coordinator.pub" \
        --address "tls+tcp://${HOST:-127.0.0.1}:$port" -o "$HOME_DIR/roster.note" "${public[@]}" >/dev/null
    for bank in "$@"; do # each bank signs what the one before passed on
        "$COFFERDAM" roster sign "$HOME_DIR/roster.note" --key "$HOME_DIR/$bank/identity.key" >/dev/null
    done
}

# The coordinator's configuration: coordinator_config
coordinator_config() {
    cat >"$HOME_DIR/coordinator/coordinator.yaml" <<END
key: node.key
roster: ../roster.note
state: state
log: ${LOG_LEVEL:-info}
log_format: ${LOG_FORMAT:-text}
END
}

# A bank's policy that approves one author's plans for one purpose, with no bound worth the name: policy_config BANK AUTHOR
# PURPOSE COHORT_MINIMUM
policy_config() {
    cat >"$HOME_DIR/$1/policy.yaml" <<END
purposes: [$3]
tasks: ["*"]
authors: [$2]
columns: {allowed: ["*"]}
cohort: {minimum: $4, on_dropout: [wait], changes: []}
rows: {minimum: 1, most: 100000}
cells: {minimum: 1}
rounds: {most: 10000}
words: {run: 1000000000, month: 1000000000000}
approve:
  - {author: $2, purpose: $3}
END
}

# A node's configuration: node_config BANK FILE.csv; lines on stdin are appended to the file. Its policy is policy.yaml.
node_config() {
    local bank=$1 file=$2
    cat >"$HOME_DIR/$bank/node.yaml" <<END
key: node.key
roster: ../roster.note
state: state
policy: policy.yaml
log: ${LOG_LEVEL:-info}
log_format: ${LOG_FORMAT:-text}
END
    {
        echo "source:"
        echo "  name: customers"
        echo "  file: $file"
        cat
    } >>"$HOME_DIR/$bank/node.yaml"
}

coordinator_start() {
    "$COORDINATOR" run "$HOME_DIR/coordinator/coordinator.yaml" >>"$HOME_DIR/coordinator/log" 2>&1 &
    PROCESS[coordinator]=$!
}
node_start() { # BANK
    "$NODE" run "$HOME_DIR/$1/node.yaml" >>"$HOME_DIR/$1/log" 2>&1 &
    PROCESS[$1]=$!
}
party_start() { if [ "$1" = coordinator ]; then coordinator_start; else node_start "$1"; fi; }
party_kill() { # NAME [SIGNAL]: and waits until it is gone
    { kill "-${2:-KILL}" "${PROCESS[$1]}"; wait "${PROCESS[$1]}"; } 2>/dev/null
    unset "PROCESS[$1]"
}

# Waits at most SECONDS (times PATIENCE) until a command succeeds: until_true SECONDS COMMAND...
until_true() {
    local until=$((SECONDS + $1 * ${PATIENCE:-1}))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.05
    done
}
log_has() { grep -q -- "$2" "$HOME_DIR/$1/log"; } # PARTY TEXT
