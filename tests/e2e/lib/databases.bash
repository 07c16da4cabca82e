# For the tests whose rows are in databases: south's in SQLite, east's in PostgreSQL as risk.customers, of other names and
# types. Needs $HOME_DIR/BANK/rows.csv, and $SERVER of tests/support/postgres.sh.
sql() { tests/support/postgres.sh sql "$SERVER"; }

rows_in_sqlite() {
    python3 - "$HOME_DIR/south" <<'END_OF_PYTHON' || die "no SQLite database"
import csv, sqlite3, sys
rows = list(csv.reader(open(sys.argv[1] + "/rows.csv")))[1:]
database = sqlite3.connect(sys.argv[1] + "/rows.db")
database.execute('CREATE TABLE customers(income INTEGER, age INTEGER, sex TEXT, "default" INTEGER)')
database.executemany("INSERT INTO customers VALUES (?, ?, ?, ?)", rows)
database.commit()
END_OF_PYTHON
}

rows_in_postgresql() { # USER PASSWORD, who may read them and nothing else
    {
        echo "CREATE SCHEMA risk; CREATE TABLE risk.customers(place serial, income integer, age smallint, sex char(1), is_default boolean);"
        tail -n +2 "$HOME_DIR/east/rows.csv" | awk -F, '{ printf "INSERT INTO risk.customers(income, age, sex, is_default) VALUES (%d, %d, \047%s\047, %s);\n", $1, $2, $3, $4 ? "true" : "false" }'
        echo "CREATE ROLE $1 LOGIN PASSWORD '$2'; GRANT USAGE ON SCHEMA risk TO $1; GRANT SELECT ON risk.customers TO $1;"
    } | sql >/dev/null || die "no PostgreSQL table"
}

source_is() { sed -i -E '/^  (file|execute|odbc):/,$d' "$HOME_DIR/$1/node.yaml" && cat >>"$HOME_DIR/$1/node.yaml"; } # BANK <<END
