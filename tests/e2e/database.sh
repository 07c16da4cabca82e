#!/bin/bash
# Databases as sources: a bank with a CSV file, one with SQLite, one with PostgreSQL. The model is the one of three files,
# bit for bit, and so are the frozen tables; what a server that went away means is said; user and password are in no file
# of any party and in no log.
. "$(dirname "$0")/../support/e2e.sh"
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
USER_NAME=cofferdam_leser PASSWORD='n1e;ge}s e{hn'
e2e_make "${banks[@]}"
LOG_LEVEL=debug coordinator_config

# First from files: the digests and the model that databases must give.
LOG_LEVEL=debug
for bank in "${banks[@]}"; do node_config "$bank" rows.csv </dev/null; done
e2e_start "${banks[@]}"
first=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$first" >/dev/null || die "no model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
for bank in "${banks[@]}"; do party_kill "$bank" TERM; done

# The same rows in databases. East's are read by a user who may do nothing else.
rows_in_sqlite
rows_in_postgresql "$USER_NAME" "$PASSWORD"
source_is south <<END
  odbc:
    connection: Driver=SQLite3;Database=$(realpath "$HOME_DIR/south/rows.db")
    table: customers
END
source_is east <<END
  odbc:
    connection: Driver=PostgreSQL Unicode;Servername=$SERVER;Database=postgres
    query: SELECT income, age, sex, is_default FROM risk.customers ORDER BY place
    credentials: database.secret
  columns:
    - {plan: default, column: is_default}
END
printf '%s\n%s\n' "$USER_NAME" "$PASSWORD" >"$HOME_DIR/east/database.secret"
check() { "$NODE" check "$HOME_DIR/$1" "${@:2}" >"$HOME_DIR/checked" 2>&1; }
check east && die "a file of credentials that others may read is taken"
grep -q "run: chmod 600" "$HOME_DIR/checked" || die "check of east: $(cat "$HOME_DIR/checked")"
chmod 600 "$HOME_DIR/east/database.secret"
for bank in south east; do
    check "$bank" --plan "$HOME_DIR/plan.note" || die "$bank is not ready: $(cat "$HOME_DIR/checked")"
    cat "$HOME_DIR/checked" >>"$HOME_DIR/all_checked"
    grep -q "^  income .*whole numbers" "$HOME_DIR/checked" && grep -q "^  income .*good" "$HOME_DIR/checked" || die "check of $bank: $(cat "$HOME_DIR/checked")"
done
grep -qx "source    customers: customers of a database, 700 rows, 4 columns under the plans' names" "$HOME_DIR/all_checked" || die "$(cat "$HOME_DIR/all_checked")"
grep -qx "source    customers: a query of a database, 900 rows, 4 columns under the plans' names" "$HOME_DIR/all_checked" || die "$(cat "$HOME_DIR/all_checked")"

for bank in "${banks[@]}"; do node_start "$bank"; done
second=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$second" >/dev/null || die "no model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
same_models "$second" "${banks[@]}"
cmp "$(model_of north "$first")" "$(model_of north "$second")" || die "another model than that of files"
digests() { grep '"event":"frozen"' "$HOME_DIR/$1/state/journal.jsonl" | grep -o '"digest":"[0-9a-f]*"' | sort | uniq -c | awk '{ print $1 }'; }
for bank in "${banks[@]}"; do [ "$(digests "$bank")" = 2 ] || die "$bank froze other tables: $(grep frozen "$HOME_DIR/$bank/state/journal.jsonl")"; done

chmod 640 "$HOME_DIR/east/database.secret"
kill -HUP "${PROCESS[east]}"
until_true 10 log_has east "not reloaded, and the node goes on as it was: .*database.secret: others can open" || die "credentials that others may read are not told"
chmod 600 "$HOME_DIR/east/database.secret"
kill -HUP "${PROCESS[east]}"
until_true 10 log_has east "reloading; open runs go on" || die "east does not reload"

# What is wrong, with its remedy.
wrong() { # BANK SED TEXT: check fails and says so
    cp "$HOME_DIR/$1/node.yaml" "$HOME_DIR/good.yaml"
    sed -i "$2" "$HOME_DIR/$1/node.yaml"
    check "$1" && die "$1 is ready after $2"
    grep -qF -- "$3" "$HOME_DIR/checked" || die "not \"$3\" but: $(cat "$HOME_DIR/checked")"
    cat "$HOME_DIR/checked" >>"$HOME_DIR/all_checked"
    cp "$HOME_DIR/good.yaml" "$HOME_DIR/$1/node.yaml"
}
wrong south 's/table: customers/table: nobody/' "source    customers: the database's driver says: no such table: nobody (1) (SQLSTATE HY000); correct odbc.table"
wrong east 's/income, age/income, old/' "correct the column's name in odbc.query"
wrong east 's/risk\.customers/risk.nobody/' "(SQLSTATE 42P01); correct odbc.table"
wrong east 's/PostgreSQL Unicode/No such driver/' "odbc-postgresql for PostgreSQL"
wrong east 's/Database=postgres/Database=nowhere/' "correct the database's name"
wrong east "s|Servername=[^;]*|Servername=/nowhere|" "see that the server runs"
wrong east 's/query: SELECT/query: DELETE/' "node.yaml:11: key \"source.odbc.query\": must begin with SELECT or WITH"
wrong east 's/credentials: .*/credentials: nowhere/' "nowhere: No such file or directory; write user and password into it"
printf '%s\n%s\n' "$USER_NAME" "${PASSWORD}x" >"$HOME_DIR/east/database.secret"
wrong east 's/^$//' "correct user and password"
printf '%s\n%s\n' "$USER_NAME" "$PASSWORD" >"$HOME_DIR/east/database.secret"

# User and password from the environment; then a server that is gone when a run begins.
party_kill east TERM
sed -i 's/credentials: .*/environment: {user: EAST_USER, password: EAST_PASSWORD}/' "$HOME_DIR/east/node.yaml"
check east && die "east is ready without its variables"
grep -q "no variable EAST_USER" "$HOME_DIR/checked" || die "check of east: $(cat "$HOME_DIR/checked")"
expect_exit 2 "no variable EAST_USER" "$NODE" run "$HOME_DIR/east"
EAST_USER=$USER_NAME EAST_PASSWORD=$PASSWORD check east || die "east is not ready: $(cat "$HOME_DIR/checked")"
cat "$HOME_DIR/checked" >>"$HOME_DIR/all_checked"
export EAST_USER=$USER_NAME EAST_PASSWORD=$PASSWORD
tests/support/postgres.sh die "$SERVER"
node_start east
third=$(submit north) || die "not submitted"
until_true 20 log_has east "see that the server runs" || die "east does not say that its server is gone: $(tail -n 5 "$HOME_DIR/east/log")"
[ -z "$(find "$HOME_DIR/east/state/runs/$third" -name '*table*' 2>/dev/null)" ] || die "something was frozen of nothing"
"$NODE" status "$HOME_DIR/east" | grep -q "see that the server runs" || die "status does not say so: $("$NODE" status "$HOME_DIR/east")"
tests/support/postgres.sh again "$SERVER" || die "the server does not start again"
for bank in "${banks[@]}"; do watch "$bank" "$third" >/dev/null || die "no model at $bank after the server came back: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
cmp "$(model_of north "$first")" "$(model_of east "$third")" || die "another model after the server came back"

# Nobody has the credentials but their file.
wanted=(-e "$USER_NAME" -e "$PASSWORD" -e "n1e;ge}}s")
[ "$(grep -laF "${wanted[@]}" "$HOME_DIR/east/database.secret" | wc -l)" -eq 1 ] || die "the search finds nothing"
found=$(grep -rlaF "${wanted[@]}" "$HOME_DIR" | grep -v "/east/database.secret$")
[ -z "$found" ] || die "credentials in: $found"
good
