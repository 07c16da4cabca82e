#!/bin/bash
# Five banks and a coordinator as processes on loopback, TLS between them, the demonstration's data and plan: what a
# round takes, and where it goes. The daemons tell their times at the log level "debug". One JSON object a line.
set -u
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
HOME_DIR=$(mktemp -d "$BUILD/rounds.XXXXXX")
. examples/consortium.sh
remove() { rm -rf "$HOME_DIR"; }
AT_END=(remove)
BANKS=(NORTH SOUTH EAST WEST HARBOUR)
LOG_LEVEL=debug
RUNS=5

"$BUILD/examples/generate" --out "$HOME_DIR/data" --seed 1 >/dev/null || die "no data"
consortium_keys "$(free_port)" "${BANKS[@]}" || die "no keys"
"$COFFERDAM" plan sign examples/plan.yaml --org NORTH --key "$HOME_DIR/NORTH/identity.key" -o "$HOME_DIR/plan.note" \
    >/dev/null || die "the plan cannot be signed"
coordinator_config
for bank in "${BANKS[@]}"; do
    mapping=examples/mappings/$(tr '[:upper:]' '[:lower:]' <<<"$bank").yaml
    { [ ! -e "$mapping" ] || sed '1,/^source:/d' "$mapping"; } | node_config "$bank" "../data/$bank.csv"
    policy_config "$bank" NORTH credit-risk 5
done
coordinator_start
for bank in "${BANKS[@]}"; do node_start "$bank"; done
for bank in "${BANKS[@]}"; do until_true 10 "$NODE" status "$HOME_DIR/$bank" || die "$bank does not start"; done
for ((i = 0; i < RUNS; i++)); do
    run=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/NORTH" --key "$HOME_DIR/NORTH/identity.key") ||
        die "not submitted"
    timeout 60 "$COFFERDAM" run watch "$run" --node "$HOME_DIR/NORTH" >/dev/null || die "the run failed"
    until_true 10 test -s "$HOME_DIR/coordinator/state/runs/$run/model.json" || die "no model at the coordinator"
done
for party in "${BANKS[@]}" coordinator; do party_kill "$party" TERM; done
python3 - "$HOME_DIR" <<'END'
import datetime, json, pathlib, re, statistics, sys
home = pathlib.Path(sys.argv[1])

def runs(party):
    """Of each run: when lines came, and its timing lines, from the first round's beginning on."""
    told = {}
    for line in (home / party / "log").read_text().splitlines():
        match = re.match(r"(\S+)Z +\S+ +\S+ (?:run|time): ([0-9a-f]{12}):? (.*)", line)
        if match:
            at = datetime.datetime.fromisoformat(match[1]).timestamp()
            told.setdefault(match[2], []).append((at, match[3]))
    return told

def between(lines):
    begin = next(at for at, text in lines if text.startswith("epoch 1"))
    end = max(at for at, text in lines if text.startswith("round "))
    return begin, end

def total(lines, begin, end, what):
    found = [re.search(what + r" (\d+) us", text) for at, text in lines if begin <= at <= end]
    return sum(int(match[1]) for match in found if match) / 1000

hub, north = runs("coordinator"), runs("NORTH")
rows = {}
def put(name, value):
    rows.setdefault(name, []).append(value)
for run, lines in hub.items():
    begin, end = between(lines)
    rounds = len(re.findall(r"\bround \d+: ", "\n".join(text for at, text in lines)))
    put("rounds_5_banks_tls_ms_a_round", (end - begin) * 1000 / rounds)
    put("rounds_5_banks_tls_provisioning_ms", (begin - lines[0][0]) * 1000)
    put("rounds_5_banks_tls_coordinator_machine_ms", total(lines, begin, end, "step") / rounds)
    put("rounds_5_banks_tls_coordinator_store_ms", total(lines, begin, end, "store") / rounds)
    done = next(at for at, text in lines if text.startswith("is done"))
    put("rounds_5_banks_tls_model_written_ms", (done - end) * 1000)
    mine = north[run]
    put("rounds_5_banks_tls_node_rows_ms", total(mine, begin, end, "contribution") / rounds)
    put("rounds_5_banks_tls_node_machine_ms", total(mine, begin, end, "step") / rounds)
    put("rounds_5_banks_tls_node_store_ms", total(mine, begin, end, "store") / rounds)
    put("rounds_5_banks_tls_node_waiting_ms", total(mine, begin, end, "exchange") / rounds)
for name, values in rows.items():
    print(json.dumps({"name": name, "value": round(statistics.median(values), 2), "unit": "ms"}))
END
