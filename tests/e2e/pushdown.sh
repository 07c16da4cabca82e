#!/bin/bash
# Rows that stay in the bank's database: one bank in PostgreSQL, one in SQLite, one with a CSV file. The models are those
# of three files, byte for byte, for every task; banks that die in the middle go on; a database that is away is waited
# for; a row that was changed ends the run where it was found; no table is left.
. "$(dirname "$0")/lib/failpoints.bash"
. "$(dirname "$0")/lib/databases.bash"
grep -q '^\[SQLite3\]' /etc/odbcinst.ini 2>/dev/null || { echo "the ODBC driver of libsqliteodbc is not installed"; exit 77; }
grep -q '^\[PostgreSQL Unicode\]' /etc/odbcinst.ini || { echo "the ODBC driver of odbc-postgresql is not installed"; exit 77; }
SERVER=$(tests/support/postgres.sh start) || { echo "$SERVER"; exit 77; }
end() {
    tests/support/postgres.sh stop "$SERVER"
    e2e_end
}
AT_END=(end)
export ODBCSYSINI=$SERVER
banks=(north south east)
parties=(coordinator "${banks[@]}")
USER_NAME=cofferdam_knoten PASSWORD='s e;cr}et'
LOG_LEVEL=debug
e2e_make "${banks[@]}"

# South's rows in SQLite, east's in PostgreSQL, read by a user who may make tables in one schema and nothing else.
rows_in_sqlite
rows_in_postgresql "$USER_NAME" "$PASSWORD"
{
    echo "CREATE TABLE risk.core AS SELECT place, age, sex, is_default FROM risk.customers; GRANT SELECT ON risk.core TO $USER_NAME;"
    echo "CREATE SCHEMA frozen; REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE CREATE ON DATABASE postgres FROM PUBLIC;"
} | sql >/dev/null || die "no schema for frozen rows"
chmod 400 "$HOME_DIR/south/rows.db"
source_is south <<END
  execute: pushdown
  odbc:
    connection: Driver=SQLite3;Database=$(realpath "$HOME_DIR/south/rows.db")
    table: customers
END
source_is east <<END
  execute: pushdown
  odbc:
    connection: Driver=PostgreSQL Unicode;Servername=$SERVER;Database=postgres
    query: SELECT income, age, sex, is_default FROM risk.customers ORDER BY place
    credentials: database.secret
    schema: frozen
  columns:
    - {plan: default, column: is_default}
END
(umask 077 && printf '%s\n%s\n' "$USER_NAME" "$PASSWORD" >"$HOME_DIR/east/database.secret")

tables() { echo "SELECT relname FROM pg_class WHERE relname LIKE 'cofferdam%' AND relkind = 'r'" | sql | grep -c '^ cofferdam'; }
sqlite_file() { echo "$HOME_DIR/south/state/runs/$1/table.database"; } # RUN
pushed() { echo "cofferdam_${STALLED:0:16}_$(printf '%s\n' "${banks[@]}" | grep -nx "$1" | cut -d: -f1)"; } # BANK: the table of the run that stands still
none_left() { [ "$(tables)" = 0 ] && [ -z "$(find "$HOME_DIR" -name 'table.database*')" ]; }

sites=()
for bank in "${banks[@]}"; do sites+=(--site "$bank=$HOME_DIR/$bank/rows.csv"); done
sign_and_simulate() {
    rm -f "$HOME_DIR/plan.note"
    "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null || die "not signed"
    "$COFFERDAM" simulate "$HOME_DIR/plan.yaml" --out "$HOME_DIR/simulated" "${sites[@]}" >/dev/null 2>"$HOME_DIR/said" || die "simulate: $(cat "$HOME_DIR/said")"
}
run_and_compare() { # WHAT
    local run bank
    sign_and_simulate
    run=$(submit north) || die "$1: not submitted"
    for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "$1: no model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
    same_models "$run" "${banks[@]}"
    cmp "$HOME_DIR/simulated/model.json" "$(model_of east "$run")" || die "$1: another model than that of files"
    until_true 10 none_left || die "$1: a table is left"
}

# No grant yet: the node waits, and says which.
e2e_start "${banks[@]}"
first=$(submit north) || die "not submitted"
until_true 20 log_has east "grant CREATE on it to the node's user" || die "east does not say what it lacks: $(tail -n 3 "$HOME_DIR/east/log")"
echo "GRANT USAGE, CREATE ON SCHEMA frozen TO $USER_NAME" | sql || die "no grant"
for bank in "${banks[@]}"; do watch "$bank" "$first" >/dev/null || die "no model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
sign_and_simulate
cmp "$HOME_DIR/simulated/model.json" "$(model_of east "$first")" || die "another model than that of files"
until_true 10 none_left || die "a table is left"
for bank in south east; do
    grep '"event":"frozen"' "$HOME_DIR/$bank/state/journal.jsonl" | grep -qE '"digest":"[0-9a-f]{64}"' || die "$bank's journal tells no digest"
done

# Every task; the models of before are what is evaluated.
cp "$HOME_DIR/plan.yaml" "$HOME_DIR/logistic.yaml"
plan_of() { # TASK: with a hold-out, a value that is missing, one that is clamped
    sed "s/^task: .*/task: $1/; s/^name: .*/name: of-$1/; s/max: 5000, /max: 4500, outside: clamp, /
        s/min: 18, max: 100, /min: 18, max: 60, missing: level, outside: missing, /
        s/^cohort/split: {fraction: 0.25, seed: s}\n&/" "$HOME_DIR/logistic.yaml" >"$HOME_DIR/plan.yaml"
}
plan_of statistics
sed -i '/^train/d' "$HOME_DIR/plan.yaml"
run_and_compare statistics
plan_of scorecard
run_and_compare scorecard
cp "$HOME_DIR/simulated/model.json" "$HOME_DIR/card.json"
plan_of logistic
sed -i 's/missing: level, outside: missing/missing: median, outside: missing/' "$HOME_DIR/plan.yaml"
run_and_compare logistic
"$COFFERDAM" plan evaluate "$HOME_DIR/simulated/model.json" --against "$HOME_DIR/card.json" --purpose credit-risk --cutoff 0.2 \
    -o "$HOME_DIR/evaluate.yaml" || die "no plan to evaluate"
sed 's/minimum: [0-9]*/minimum: 3/' "$HOME_DIR/evaluate.yaml" >"$HOME_DIR/plan.yaml"
run_and_compare evaluate
# The same rows from two sources, joined as they are frozen.
cp "$HOME_DIR/logistic.yaml" "$HOME_DIR/plan.yaml"
cp "$HOME_DIR/east/node.yaml" "$HOME_DIR/one_source.yaml"
awk -F, 'NR == 1 { print "number," $1; next } { print NR - 1 "," $1 }' "$HOME_DIR/east/rows.csv" | (read -r head; echo "$head"; sort -t, -k2) >"$HOME_DIR/east/incomes.csv"
source_is east <<END
  execute: pushdown
  odbc:
    connection: Driver=PostgreSQL Unicode;Servername=$SERVER;Database=postgres
    query: SELECT place, age, sex, is_default FROM risk.core ORDER BY place
    credentials: database.secret
    schema: frozen
  key: place
  join:
    - {name: desk, file: incomes.csv, key: number, required: true}
  columns:
    - {plan: default, column: is_default}
END
party_kill east TERM
node_start east
run_and_compare joined
tail -n 400 "$HOME_DIR/east/log" | grep -q "joined desk: .*; 0 rows of customers have no match there" || die "the join is not told: $(tail -n 3 "$HOME_DIR/east/log")"
tail -n 400 "$HOME_DIR/east/log" | grep -q "step 0: [0-9]* statements" || die "the joined rows are not computed by the database"
cp "$HOME_DIR/one_source.yaml" "$HOME_DIR/east/node.yaml"
party_kill east TERM
node_start east
# With privacy the models have noise; that they come is what there is to see.
sed "s/max: 5000, resolution: 1}/max: 5000, missing: mean, outside: clamp}/; s/max: 100, resolution: 1}/max: 100, missing: 45, outside: clamp}/
    s/baseline: f}/baseline: f, missing: level, other: level}/; s/^train.*/privacy: {epsilon: 2, delta: 1.0e-6}/" "$HOME_DIR/logistic.yaml" >"$HOME_DIR/plan.yaml"
sign_and_simulate
private=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$private" >/dev/null || die "no private model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
same_models "$private" "${banks[@]}"

# SIGKILL at every point of the push-down, at one bank after the other: the same model, and no table is left.
cp "$HOME_DIR/logistic.yaml" "$HOME_DIR/plan.yaml"
sign_and_simulate
mapfile -t points < <(static_points node node/pushdown.c)
[ ${#points[@]} -ge 6 ] || die "only ${#points[@]} points of the push-down"
for bank in south east; do
    party_kill "$bank" TERM
    QUEUE[$bank]=$(printf "%s:1\n" "${points[@]}"; printf "node: %s a contribution:3\n" before after)
    arm "$bank"
    armed_start "$bank"
done
while [ "$(left_points)" -gt 0 ]; do
    before=$HITS
    attended_submit
    attended 60 states "$RUN" done || die "the run does not end; armed: $(declare -p ARMED)"
    cmp "$HOME_DIR/simulated/model.json" "$(model_of east "$RUN")" || die "a kill changed the model"
    [ "$HITS" -gt "$before" ] || die "never reached: $(declare -p ARMED)"
done
attended 20 none_left || die "a table is left after kills"

# Runs that stand still in their fourth round, until north comes back.
stalled() { # prints the run
    party_kill north TERM
    ARMED[north]="node: before a contribution:4"
    armed_start north
    STALLED=$(submit north) || die "not submitted"
    until_true 30 gone north || die "north does not die: $(tail -n 3 "$HOME_DIR/north/log")"
    { wait "${PROCESS[north]}"; } 2>/dev/null
    unset "PROCESS[north]"
}
gone() { ! kill -0 "${PROCESS[$1]}" 2>/dev/null; }
said_so_far() { wc -l <"$HOME_DIR/$1/log"; }
says_since() { tail -n "+$(($2 + 1))" "$HOME_DIR/$1/log" | grep -q -- "$3"; } # BANK LINES TEXT
fails() { # BANK LINES TEXT: the run ends there, and says why; the others are told that it ended there
    watch "$1" "$STALLED" >/dev/null && die "the run of a table that was changed does not fail"
    says_since "$1" "$2" "$3" || die "$1 does not say \"$3\": $(tail -n 3 "$HOME_DIR/$1/log")"
    watch north "$STALLED" >"$HOME_DIR/said" 2>&1 && die "the run does not fail at north"
    "$COFFERDAM" run show "$STALLED" --node "$HOME_DIR/north" | grep -q "$1" || die "north does not know who ended it"
    until_true 20 none_left || die "a table is left of a run that failed"
}

# A database that is away in the middle of a run is waited for.
stalled
lines=$(said_so_far east)
tests/support/postgres.sh die "$SERVER"
node_start north
until_true 30 says_since east "$lines" "see that the server runs" || die "east does not say that its server is gone: $(tail -n 3 "$HOME_DIR/east/log")"
"$NODE" status "$HOME_DIR/east" | grep -q "see that the server runs" || die "status does not say so"
tests/support/postgres.sh again "$SERVER" || die "the server does not start again"
for bank in "${banks[@]}"; do watch "$bank" "$STALLED" >/dev/null || die "no model at $bank after the server came back: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
cmp "$HOME_DIR/simulated/model.json" "$(model_of east "$STALLED")" || die "another model after the server came back"
until_true 20 none_left || die "a table is left"

# A configuration that names another place meanwhile is waited for, too: the rows are not missed, nor left behind.
for change in "s/schema: frozen/schema: elsewhere/" "s/Database=postgres/Database=template1/" "/execute: pushdown/d; /schema: frozen/d"; do
    stalled
    lines=$(said_so_far east)
    sed -i "$change" "$HOME_DIR/east/node.yaml"
    kill -HUP "${PROCESS[east]}"
    until_true 20 says_since east "$lines" "this run's rows are in schema frozen of .*; put the source back as it was" || die "east does not say what changed: $(tail -n 3 "$HOME_DIR/east/log")"
    node_start north
    cp "$HOME_DIR/one_source.yaml" "$HOME_DIR/east/node.yaml"
    kill -HUP "${PROCESS[east]}"
    for bank in "${banks[@]}"; do watch "$bank" "$STALLED" >/dev/null || die "no model at $bank after the source is as it was: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
    until_true 20 none_left || die "a table is left where it was"
done

# A row that is changed is found in the next round, in either database; so is a table that is gone, at a restart.
stalled
lines=$(said_so_far east)
echo "UPDATE frozen.$(pushed east) SET c1 = c1 + 1 WHERE n = 123" | sql || die "not changed"
node_start north
fails east "$lines" "is not the one that this run froze"
grep '"event":"ended"' "$HOME_DIR/east/state/journal.jsonl" | grep -q "rows in it were changed" || die "the journal does not say why"
stalled
lines=$(said_so_far south)
python3 - "$(sqlite_file "$STALLED")" "$(pushed south)" <<'END' || die "not changed"
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute(f"UPDATE {sys.argv[2]} SET held = 1 WHERE n = 7")
database.commit()
END
node_start north
fails south "$lines" "is not the one that this run froze"
stalled
lines=$(said_so_far east)
party_kill east
echo "DROP TABLE frozen.$(pushed east)" | sql || die "not dropped"
node_start east
node_start north
fails east "$lines" "it is gone"

# Nobody has the credentials but their file, and no digest's key is left.
for bank in "${banks[@]}"; do
    party_kill "$bank" TERM
    python3 tests/e2e/lib/secrets_left.py "$HOME_DIR/$bank/state/secrets.db" || die "$bank keeps secrets of runs that are over"
done
found=$(grep -rlaF -e "$PASSWORD" "$HOME_DIR" | grep -v "/east/database.secret$")
[ -z "$found" ] || die "credentials in: $found"
good
