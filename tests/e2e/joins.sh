#!/bin/bash
# Joined sources: a bank whose customers are spread over a CSV file, a database and another CSV file. The model and the
# frozen table are those of one file; what did not find together is told at the bank; each
# reason has the place of the source that holds the value.
. "$(dirname "$0")/../support/e2e.sh"
grep -q '^\[SQLite3\]' /etc/odbcinst.ini 2>/dev/null || { echo "the ODBC driver of libsqliteodbc is not installed"; exit 77; }
banks=(north south east)
e2e_make "${banks[@]}"
LOG_LEVEL=debug coordinator_config
north=$HOME_DIR/north

# First from one file.
awk 'NR == 1 { print "customer_id," $0; next } { printf "K-%05d,%s\n", NR, $0 }' "$north/rows.csv" >"$north/whole.csv"
mv "$north/whole.csv" "$north/rows.csv"
e2e_start "${banks[@]}"
first=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$first" >/dev/null || die "no model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
party_kill north TERM

# The same rows in three places, each in an order of its own. In the core file 7 rows have no match in the CRM, 2 no key;
# the CRM has 5 rows that match nobody and one without a key; the service desk lacks none, and has 3 rows too many.
python3 - "$north" <<'END_OF_SPLIT' || die "not split"
import csv, sqlite3, sys
north = sys.argv[1]
rows = list(csv.DictReader(open(north + "/rows.csv")))
with open(north + "/core.csv", "w") as core:
    core.write("customer_id,income\n")
    for at, row in enumerate(rows):
        core.write(f"{row['customer_id']},{row['income']}\n")
        if at < 7:
            core.write(f"NEW-{at},{at}\n")
        if at < 2:
            core.write(f"{'NULL' if at else ''},{at}\n")
database = sqlite3.connect(north + "/crm.db")
database.execute("CREATE TABLE contacts(income TEXT, kundennr TEXT, age INTEGER)")
database.executemany("INSERT INTO contacts VALUES ('?', ?, ?)", [(row["customer_id"], row["age"]) for row in reversed(rows)])
database.executemany("INSERT INTO contacts VALUES ('?', ?, 99)", [(f"OLD-{k}",) for k in range(5)] + [(None,)])
database.commit()
with open(north + "/desk.csv", "w") as desk:
    desk.write("geschlecht;id;default\n")
    for row in sorted(rows, key=lambda row: (row["income"], row["customer_id"])):
        desk.write(f"{row['sex']};{row['customer_id']};{row['default']}\n")
    desk.writelines(f"x;LEFT-{k};1\n" for k in range(3))
END_OF_SPLIT
cp "$north/node.yaml" "$north/one_file.yaml"
sed -i '/^  file:/,$d' "$north/node.yaml"
cat >>"$north/node.yaml" <<END
  file: core.csv
  key: customer_id
  missing: ["NULL"]
  join:
    - name: crm
      odbc:
        connection: Driver=SQLite3;Database=$(realpath "$north/crm.db")
        query: SELECT kundennr, age FROM contacts
      key: kundennr
      required: true
    - {name: desk, file: desk.csv, delimiter: ";", key: id}
  columns:
    - {plan: sex, column: desk.geschlecht}
END
check() { "$NODE" check "$HOME_DIR/north" --plan "$HOME_DIR/plan.note" >"$HOME_DIR/checked" 2>&1; }
says() { grep -qF -- "$1" "$HOME_DIR/checked" || die "not \"$1\" but: $(cat "$HOME_DIR/checked")"; }
check || die "north is not ready: $(cat "$HOME_DIR/checked")"
says "source    customers: $HOME_DIR/north/core.csv, 500 rows, 5 columns under the plans' names"
says "joined    crm: 506 rows; 7 rows of customers have no match there (left out), 5 of crm match nobody, 1 have no key"
says "joined    desk: 503 rows; 7 rows of customers have no match there (values missing), 3 of desk match nobody, 0 have no key"
says "joined    customers: 509 rows, of which 2 have no key and 9 are left out for want of a match that is required"
says "plan      $HOME_DIR/plan.note: small, 500 rows"

node_start north
second=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$second" >/dev/null || die "no model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
same_models "$second" "${banks[@]}"
cmp "$(model_of north "$first")" "$(model_of north "$second")" || die "another model than that of one file"
frozen() { grep '"event":"frozen"' "$north/state/journal.jsonl"; }
[ "$(frozen | grep -o '"digest":"[0-9a-f]*"' | sort -u | wc -l)" -eq 1 ] && [ "$(frozen | wc -l)" -eq 2 ] || die "another frozen table: $(frozen)"
frozen | grep -q '"without_key":2,"without_match":9,.*"source":"crm","required":true,"rows":506,"unmatched":7,"orphans":5,"without_key":1' || die "no losses in the journal: $(frozen)"
log_has north "${second:0:12}: joined crm: 506 rows; 7 rows of customers have no match there (left out)" || die "no losses in the log"
log_has north "${second:0:12}: joined customers: 509 rows, of which 2 have no key and 9 are left out" || die "no losses in the log"
"$COFFERDAM" audit journal "$north/state/journal.jsonl" --roster "$HOME_DIR/roster.note" >"$HOME_DIR/told" || die "the journal does not hold: $(cat "$HOME_DIR/told")"
grep -q "frozen .*; joined with crm: 7 rows have no match there, 5 of its 506 match nobody, 1 have no key; .*; 9 of 509 rows were left out for want of a match" "$HOME_DIR/told" ||
    die "not told of the entry: $(cat "$HOME_DIR/told")"
grep -q "^ *joined with desk: 7 rows have no match there, 3 of its 503 match nobody" "$HOME_DIR/told" || die "not told of the run: $(cat "$HOME_DIR/told")"
party_kill north TERM

# What is wrong, with the place of the source that holds it.
wrong() { # FILE SED TEXT: check fails and says so
    cp "$north/$1" "$HOME_DIR/good"
    sed -i "$2" "$north/$1"
    check && die "north is ready after $2"
    says "$3"
    cp "$HOME_DIR/good" "$north/$1"
}
wrong desk.csv '17s/^[fm];/m;;/' "desk.csv:17: more than 3 fields"
wrong desk.csv '17s/^[fm];/q;/' "sex                      does not"
wrong core.csv '18s/,.*/,viel/' "core.csv:18: column income: \"viel\" is not a number"
line=$(sed -n '17s/^[fm];\(.*\);.*/\1/p' "$north/desk.csv")
wrong desk.csv "30s/;.*;/;$line;/" "desk.csv:17 and $HOME_DIR/north/desk.csv:30 have the same key in column id"
wrong node.yaml 's/SELECT kundennr, age/SELECT kundennr, age, income/' "income is a column of $HOME_DIR/north/core.csv and of crm; say which one is meant, customers.income or crm.income"
wrong node.yaml 's/^  key: customer_id/  key: customer/' "core.csv:1: there is no column customer, by which rows are to be joined"
wrong node.yaml 's/SELECT kundennr, age/SELECT kundennr, age || CHAR(120) AS age/' "crm, row 500: column age: \""
wrong node.yaml 's/query: SELECT/query: DELETE/' "key \"source.join.0.odbc.query\": must begin with SELECT or WITH"
printf 'source:\n  key: customer_id\n  join: [{name: crm, file: crm.csv, key: id}]\n' >"$HOME_DIR/mapping.yaml"
expect_exit 2 "mapping.yaml:2:" "$COFFERDAM" fit "$HOME_DIR/plan.yaml" --data "$north/rows.csv" --mapping "$HOME_DIR/mapping.yaml" --out "$HOME_DIR/fit"
good
