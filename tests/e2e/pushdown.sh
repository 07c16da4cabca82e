#!/bin/bash
# Rows that stay in the bank's database: one bank in PostgreSQL, one in SQLite, one with a CSV file. The models are those
# of three files, byte for byte, for every task; banks that die in the middle go on; a database that is away is waited
# for; a row that was changed ends the run where it was found; no table is left.
. "$(dirname "$0")/lib/failpoints.bash"
grep -q '^\[SQLite3\]' /etc/odbcinst.ini 2>/dev/null || { echo "the ODBC driver of libsqliteodbc is not installed"; exit 77; }
grep -q '^\[PostgreSQL Unicode\]' /etc/odbcinst.ini || { echo "the ODBC driver of odbc-postgresql is not installed"; exit 77; }
SERVER=$(tests/support/postgres.sh start) || { echo "$SERVER"; exit 77; }
end() { [ -z "${KEEP:-}" ] || cp -r "$HOME_DIR" "$KEEP";
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
sql() { tests/support/postgres.sh sql "$SERVER"; }

# South's rows in SQLite, east's in PostgreSQL, read by a user who may make tables in one schema and nothing else.
python3 - "$HOME_DIR/south" <<'END' || die "no SQLite database"
import csv, sqlite3, sys
rows = list(csv.reader(open(sys.argv[1] + "/rows.csv")))[1:]
database = sqlite3.connect(sys.argv[1] + "/rows.db")
database.execute('CREATE TABLE customers(income INTEGER, age INTEGER, sex TEXT, "default" INTEGER)')
database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", rows)
database.commit()
END
{
    echo "CREATE SCHEMA risk; CREATE TABLE risk.customers(place serial, income integer, age smallint, sex char(1), is_default boolean);"
    tail -n +2 "$HOME_DIR/east/rows.csv" | awk -F, '{ printf "INSERT INTO risk.customers(income, age, sex, is_default) VALUES (%d, %d, \047%s\047, %s);\n", $1, $2, $3, $4 ? "true" : "false" }'
    echo "CREATE ROLE $USER_NAME LOGIN PASSWORD '$PASSWORD'; GRANT USAGE ON SCHEMA risk TO $USER_NAME; GRANT SELECT ON risk.customers TO $USER_NAME;"
    echo "CREATE SCHEMA frozen; REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE CREATE ON DATABASE postgres FROM PUBLIC;"
} | sql >/dev/null || die "no PostgreSQL table"
source_is() { sed -i '/^  file:/,$d' "$HOME_DIR/$1/node.yaml" && cat >>"$HOME_DIR/$1/node.yaml"; } # BANK <<END
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
good
