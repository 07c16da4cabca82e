#!/bin/bash
# What an operator's tools read of real daemons: figures before, during and after a run, readiness with and without a
# coordinator, what is refused, and what is never told.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
LOG_FORMAT=json e2e_make "${banks[@]}"
declare -A AT=()
for party in "${banks[@]}" coordinator; do
    AT[$party]=127.0.0.1:$(free_port)
    kind=node
    [ $party != coordinator ] || kind=coordinator
    printf 'metrics: {address: "%s"}\n' "${AT[$party]}" >>"$HOME_DIR/$party/$kind.yaml"
done
sed -i '/number/s/resolution: 1/resolution: 1, missing: mean, outside: clamp/
    s/baseline: f/missing: level, other: level, baseline: f/
    s/tolerance: 1.0e-8, rounds: 25/rounds: 3/
    $a privacy: {epsilon: 4, delta: 1.0e-6}' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null ||
    die "no plan with privacy"
echo "privacy: {budgets: [{source: customers, epsilon: 8, delta: 1.0e-6}]}" >>"$HOME_DIR/north/policy.yaml"

ask() { # PARTY PATH [METHOD]: the status on the first line, then type and body
    python3 - "http://${AT[$1]}$2" "${3:-GET}" <<'END'
import sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1], method=sys.argv[2], data=b"x" if sys.argv[2] == "POST" else None)
try:
    answer = urllib.request.urlopen(request, timeout=30)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
print(answer.status, answer.headers["Content-Type"])
sys.stdout.write(answer.read().decode())
END
}
status_is() { # STATUS PARTY PATH [METHOD]
    local status=$1
    shift
    ask "$@" >"$HOME_DIR/answer" || return 1
    [ "$(head -c 3 "$HOME_DIR/answer")" = "$status" ]
}
figure() { ask "$1" /metrics | sed -n "s/^$2 //p"; } # PARTY SAMPLE
figure_is() { [ "$(figure "$1" "$2")" = "$3" ]; }    # PARTY SAMPLE VALUE
above_zero() { awk -v value="$(figure "$1" "$2")" 'BEGIN { exit !(value > 0) }'; }
good_format() { # PARTY: promtool finds nothing to say; the test goes on without promtool
    command -v promtool >/dev/null || return 0
    ask "$1" /metrics | tail -n +2 | promtool check metrics >"$HOME_DIR/promtool" 2>&1 || die "$1: $(cat "$HOME_DIR/promtool")"
    [ ! -s "$HOME_DIR/promtool" ] || die "$1: $(cat "$HOME_DIR/promtool")"
}

# A node without a coordinator is alive, and not ready.
node_start north
until_true 10 status_is 200 north /healthz || die "north is not alive"
status_is 503 north /readyz || die "north is ready without a coordinator"
grep -q "^not ready: no connection to the coordinator$" "$HOME_DIR/answer" || die "not why: $(cat "$HOME_DIR/answer")"
figure_is north cofferdam_coordinator_up 0 || die "north counts a coordinator as up"
figure_is north cofferdam_coordinator_contact_age_seconds "" || die "a contact that never was"
coordinator_start
until_true 10 status_is 200 north /readyz || die "north is not ready with a coordinator: $(cat "$HOME_DIR/answer")"
until_true 10 status_is 200 coordinator /readyz || die "the coordinator is not ready"
until_true 10 figure_is coordinator cofferdam_connected_members 1 || die "north is not counted as connected"
figure_is north cofferdam_coordinator_up 1 || die "the coordinator is not up"

# What is not there, and what is not asked so.
status_is 404 north / || die "/"
status_is 404 coordinator /metrics/x || die "/metrics/x"
status_is 405 north /metrics POST || die "POST"
status_is 405 coordinator /readyz DELETE || die "DELETE"
status_is 200 north /metrics HEAD || die "HEAD"
[ "$(wc -l <"$HOME_DIR/answer")" -eq 1 ] || die "HEAD has a body"

# A run that waits for two banks: open, and it is told how many are awaited.
run=$(submit north) || die "not submitted"
until_true 10 figure_is coordinator 'cofferdam_runs{state="open"}' 1 || die "the run is not open"
id=${run:0:12}
until_true 10 figure_is coordinator "cofferdam_run_awaited_members{run=\"$id\"}" 3 || die "not three are awaited"
until_true 10 figure_is north 'cofferdam_runs{state="open"}' 1 || die "the run is not open at north"
above_zero north "cofferdam_run_phase_age_seconds{run=\"$id\"}" || die "no age of a phase"
good_format north
good_format coordinator

# Done.
for bank in south east; do node_start $bank; done
for bank in "${banks[@]}"; do watch $bank "$run" >/dev/null || die "no model at $bank"; done
until_true 10 figure_is coordinator 'cofferdam_runs{state="done"}' 1 || die "the run is not done at the coordinator"
closed=$(figure coordinator cofferdam_rounds_closed_total)
[ "$closed" -ge 3 ] || die "$closed rounds were closed"
figure_is coordinator cofferdam_rounds_begun_total "$closed" || die "other rounds were begun than closed"
figure_is coordinator cofferdam_uploads_total $((3 * closed)) || die "$(figure coordinator cofferdam_uploads_total) uploads, $closed rounds"
figure_is coordinator cofferdam_connected_members 3 || die "not three are connected"
above_zero coordinator 'cofferdam_phase_seconds_total{phase="collecting keys"}' || die "no time of a phase"
for bank in "${banks[@]}"; do
    figure_is $bank 'cofferdam_runs{state="done"}' 1 || die "the run is not done at $bank"
    figure_is $bank cofferdam_rounds_closed_total "$closed" || die "$bank closed other rounds"
    until_true 10 figure_is $bank cofferdam_bundles_kept 1 || die "no bundle at $bank"
done
for party in "${banks[@]}" coordinator; do
    for name in messages_received_total messages_sent_total received_bytes_total sent_bytes_total disk_free_bytes store_writable; do
        above_zero $party cofferdam_$name || die "$party: $name is 0"
    done
    for name in rounds_voided_total bundles_missing evidence_files refused_total; do
        figure_is $party cofferdam_$name 0 || die "$party: $name is $(figure $party cofferdam_$name)"
    done
    good_format $party
    ask $party /metrics >"$HOME_DIR/page"
    head -n 1 "$HOME_DIR/page" | grep -qxF "200 text/plain; version=0.0.4; charset=utf-8" || die "$party: $(head -n 1 "$HOME_DIR/page")"
    ! grep -qE "$id|small|income|south|credit" "$HOME_DIR/page" || die "$party tells too much: $(cat "$HOME_DIR/page")"
done
entries=$(wc -l <"$HOME_DIR/north/state/journal.jsonl")
figure_is north cofferdam_journal_entries "$entries" || die "not $entries entries of the journal"
words=$("$NODE" status "$HOME_DIR/north" --json | sed -n 's/.*"words_this_month": \([0-9]*\).*/\1/p')
figure_is north cofferdam_words_this_month "$words" || die "not $words words"
above_zero north 'cofferdam_privacy_budget_rho{source="customers"}' || die "no budget at north"
above_zero north 'cofferdam_privacy_spent_rho{source="customers"}' || die "nothing was spent"
figure_is north 'cofferdam_privacy_reserved_rho{source="customers"}' 0 || die "something is still reserved"
figure_is south 'cofferdam_privacy_budget_rho{source="customers"}' "" || die "a budget at south, which has none"

# The log, an object a line.
python3 - "$HOME_DIR" "$id" <<'END' || die "the log is not JSON"
import json, sys
for party in ("north", "coordinator"):
    lines = [json.loads(line) for line in open(f"{sys.argv[1]}/{party}/log")]
    assert all({"time", "level", "process", "what", "message"} <= set(line) for line in lines)
    assert any(line.get("run") == sys.argv[2] and line.get("round") == 3 for line in lines), lines
assert any(line.get("peer") == "north" and line.get("run") == sys.argv[2] for line in lines), lines
END

# A run that banks refuse is told as failed.
sed -i 's/^purpose: .*/purpose: another/' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null || die "no plan"
submit north >/dev/null || die "not submitted"
until_true 10 figure_is coordinator 'cofferdam_runs{state="failed"}' 1 || die "a refused run is not told as failed"
failed_at_banks() { for bank in "${banks[@]}"; do figure_is $bank 'cofferdam_runs{state="failed"}' 1 && return; done; return 1; }
until_true 10 failed_at_banks || die "no bank tells of the run that it refused"

# Files read anew: the same address is served, by what begins anew and knows the runs of before.
begun_anew() { status_is 200 "$1" /readyz && ! figure_is "$1" cofferdam_start_time_seconds "$2"; }
for party in north coordinator; do
    before=$(figure $party cofferdam_start_time_seconds)
    kill -HUP "${PROCESS[$party]}"
    until_true 10 begun_anew $party "$before" || die "$party does not serve its figures after SIGHUP"
    until_true 10 figure_is $party 'cofferdam_runs{state="done"}' 1 || die "a run is forgotten by $party at SIGHUP"
done
figure_is coordinator 'cofferdam_runs{state="failed"}' 1 || die "a run that failed is forgotten at SIGHUP"

# Without a coordinator again.
party_kill coordinator
until_true 10 status_is 503 north /readyz || die "north is ready without a coordinator"
status_is 200 north /healthz || die "north is not alive"

# The port is taken: a sentence, and exit code 3.
party_kill south TERM
printf '%s\n' "$(sed "s/^metrics: .*/metrics: {address: \"${AT[north]}\"}/" "$HOME_DIR/south/node.yaml")" >"$HOME_DIR/south/node.yaml"
expect_exit 3 "metrics: another program listens at ${AT[north]} already; stop it or choose another port" \
    "$NODE" run "$HOME_DIR/south/node.yaml"
sed -i 's/^metrics: .*/metrics: {address: "9464"}/' "$HOME_DIR/south/node.yaml"
expect_exit 2 "node.yaml:$(grep -n ^metrics: "$HOME_DIR/south/node.yaml" | cut -d: -f1): key \"metrics.address\": must be HOST:PORT" \
    "$NODE" run "$HOME_DIR/south/node.yaml"

# Stopped in order.
party_kill north TERM
ask north /healthz >/dev/null 2>&1 && die "north answers after its end"
! grep -qE 'ThreadSanitizer|ERROR: AddressSanitizer|runtime error' "$HOME_DIR"/*/log || die "a sanitizer has something to say"
good
