#!/bin/bash
# How many banks one coordinator serves: node processes over real TLS on this machine, small data, one run each of 10 and 100
# banks (LOAD_BANKS="10 100 500"; 500 take some 10 GB of memory and many minutes). The nodes share the cores with the
# coordinator, which is given its own processor time and memory beside the time that passes. One JSON object a line.
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
ulimit -n "$(ulimit -Hn)"

load() { ( # BANKS: in a subshell, with a directory and processes of its own
    HOME_DIR=$(mktemp -d "$BUILD/load.XXXXXX")
    . examples/consortium.sh
    remove() { rm -rf "$HOME_DIR"; }
    AT_END=(remove)
    LOG_LEVEL=debug
    mapfile -t banks < <(seq -f 'bank%.0f' "$1")
    consortium_keys "$(free_port)" "${banks[@]}" || die "no keys"
    coordinator_config
    local k=0 bank run
    for bank in "${banks[@]}"; do
        k=$((k + 1))
        awk -v seed=$k 'BEGIN { srand(seed); print "x,y"; for (i = 0; i < 100; i++) { x = int(rand() * 100)
            print x "," (rand() < x / 200 + 0.2 ? 1 : 0) } }' >"$HOME_DIR/$bank/rows.csv"
        node_config "$bank" rows.csv </dev/null
        policy_config "$bank" bank1 load 5
    done
    cat >"$HOME_DIR/plan.yaml" <<END
cofferdam: 1
name: load
purpose: load
task: logistic
target: {column: y, positive: "1"}
features: [{name: x, kind: number, min: 0, max: 100, resolution: 1}]
train: {penalty: 1, tolerance: 1.0e-6, rounds: 10}
cohort: {minimum: 5, on_dropout: wait, rows: 1000}
END
    "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org bank1 --key "$HOME_DIR/bank1/identity.key" \
        -o "$HOME_DIR/plan.note" >/dev/null || die "the plan cannot be signed"
    coordinator_start
    until_true 10 "$COORDINATOR" status "$HOME_DIR/coordinator" || die "the coordinator does not start"
    for bank in "${banks[@]}"; do node_start "$bank"; done
    for bank in "${banks[@]}"; do until_true 600 "$NODE" status "$HOME_DIR/$bank" || die "$bank does not start"; done
    run=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/bank1" --key "$HOME_DIR/bank1/identity.key") ||
        die "not submitted"
    until_true 3600 test -s "$HOME_DIR/coordinator/state/runs/$run/model.json" || die "no model of $1 banks"
    python3 - "$HOME_DIR" "$1" "${PROCESS[coordinator]}" <<'END'
import datetime, json, os, pathlib, re, sys
home, banks, process = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process}/status").read_text())[1])
ticks = sum(int(x) for x in pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13])
told = []
for line in (home / "coordinator" / "log").read_text().splitlines():
    match = re.match(r"(\S+)Z +\S+ +\S+ (?:run|time): [0-9a-f]{12}:? (.*)", line)
    if match:
        told.append((datetime.datetime.fromisoformat(match[1]).timestamp(), match[2]))
began = told[0][0]
ready = next(at for at, text in told if text.startswith("epoch 1"))
ended = next(at for at, text in told if text.startswith("is done"))
rounds = len({text.split(":")[0] for _, text in told if re.match(r"round \d+: ", text)})
waits = sorted(int(us) for log in home.glob("bank*/log") for us in re.findall(r"exchange (\d+) us", log.read_text()))
def put(name, value, unit):
    print(json.dumps({"name": f"load_{banks}_banks_{name}", "value": round(value, 3), "unit": unit}))
put("provisioning", ready - began, "s")
put("rounds", rounds / (ended - ready), "1/s")
put("coordinator_cpu", ticks / os.sysconf("SC_CLK_TCK"), "s")
put("coordinator_memory", peak / 1024, "MiB")
put("exchange_p50", waits[len(waits) // 2] / 1000, "ms")
put("exchange_p99", waits[len(waits) * 99 // 100] / 1000, "ms")
END
) }
for banks in ${LOAD_BANKS:-10 100}; do load "$banks" || exit 1; done
