#!/bin/bash
# Consent: each bank says in its own way who consented; the joint model is that of the consenting rows alone, bit for bit.
# How many rows were left out is told at the bank and nowhere else; nor does the plan's id leave it.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
LEFT_OUT=1234567 # at north: a number that nothing else here has
e2e_make "${banks[@]}"
cp "$HOME_DIR/plan.yaml" "$HOME_DIR/no_id.yaml"
sed -i 's/^features:/id: customer\nsplit: {fraction: 0.2, seed: test}\nfeatures:/' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null || die "not signed"

# Who consented: rows.csv as before, with an id; without consent it is rows with other values and some that are none.
with_ids() { awk -v bank="$1" 'NR == 1 { print "customer," $0; next } { printf "KUNDE-%s-%07d,%s\n", bank, NR, $0 }' "$HOME_DIR/$1/rows.csv"; }
for bank in "${banks[@]}"; do with_ids "$bank" >"$HOME_DIR/$bank/consenting.csv"; done
source_of() { sed -i "s/^  file: .*/  file: $2\n  $3/" "$HOME_DIR/$1/node.yaml"; } # BANK FILE CONSENT
# North: a column of words in front, some quoted, and by far the most rows without it.
awk -v more=$LEFT_OUT 'NR == 1 { print "zustimmung," $0; next }
    { print (NR % 3 ? "ja," : "\"J\",") $0 }
    NR == 2 { for (i = 0; i < more; i++) print (i % 2 ? "nein" : "") ",KUNDE-x-" i ",kaputt,,x," i }' \
    "$HOME_DIR/north/consenting.csv" >"$HOME_DIR/north/rows.csv"
source_of north rows.csv 'consent: {column: zustimmung, given: ["ja", "J"]}'
# South: purposes at the end, in a packed file; most of those left out consented to something else.
awk 'NR == 1 { print $0 ",purposes"; next } { print $0 (NR % 2 ? ",credit-risk" : ",marketing; credit-risk") }
    NR % 4 == 0 { print "KUNDE-y-" NR ",4999,99,f,1," (NR % 8 ? "marketing" : "") }' \
    "$HOME_DIR/south/consenting.csv" | gzip >"$HOME_DIR/south/rows.csv.gz"
source_of south rows.csv.gz 'consent: {column: purposes, separator: ";"}'
mv "$HOME_DIR/east/consenting.csv" "$HOME_DIR/east/rows.csv" # east asks for none
LOG_LEVEL=debug coordinator_config

checked() { "$NODE" check "$HOME_DIR/$1" "${@:2}" >"$HOME_DIR/checked" 2>&1; }
coordinator_start
checked north --plan "$HOME_DIR/plan.note" || die "north is not ready: $(cat "$HOME_DIR/checked")"
grep -qx "consent   $LEFT_OUT of $((LEFT_OUT + 500)) rows are left out: their column zustimmung is not ja or J" "$HOME_DIR/checked" || die "check of north: $(cat "$HOME_DIR/checked")"
grep -q ", 500 rows, 6 columns" "$HOME_DIR/checked" || die "check of north counts other rows"
checked south --plan "$HOME_DIR/plan.note" || die "south is not ready: $(cat "$HOME_DIR/checked")"
grep -qx "consent   87 of 875 rows are left out: their column purposes lists no purpose (--plan PLAN counts for its own)" "$HOME_DIR/checked" || die "check of south: $(cat "$HOME_DIR/checked")"
grep -qx "consent   175 of 875 rows are left out: their column purposes does not list credit-risk" "$HOME_DIR/checked" || die "check of south: $(cat "$HOME_DIR/checked")"
checked east && ! grep -q "^consent" "$HOME_DIR/checked" || die "check of east: $(cat "$HOME_DIR/checked")"

for bank in "${banks[@]}"; do node_start "$bank"; done
run=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank: $(tail -n 3 "$HOME_DIR/$bank/log")"; done
same_models "$run" "${banks[@]}"
bundle=$HOME_DIR/north/state/runs/$run/run.cfd
until_true 20 test -s "$bundle" || die "no bundle"

# The same as of the consenting rows: joint, and pooled by one bank.
{ cat "$HOME_DIR/north/consenting.csv"; tail -qn +2 "$HOME_DIR/south/consenting.csv" "$HOME_DIR/east/rows.csv"; } >"$HOME_DIR/pooled.csv"
"$COFFERDAM" fit "$HOME_DIR/plan.yaml" --data "$HOME_DIR/pooled.csv" --out "$HOME_DIR/pooled" >/dev/null 2>&1 || die "no pooled fit"
but_banks() { sed '/"hash"/d; /"banks"/d' "$1"; }
cmp <(but_banks "$HOME_DIR/pooled/model.json") <(but_banks "$(model_of north "$run")") || die "another model than the pooled one of consenting rows"
[ "$(grep -c estimate "$HOME_DIR/pooled/model.json")" -gt 0 ] || die "a model without estimates"
simulate() { "$COFFERDAM" simulate "$1" --site north="$2" --site south="$3" --site east="$HOME_DIR/east/rows.csv" --out "$HOME_DIR/$4" "${@:5}" 2>"$HOME_DIR/said" >/dev/null; }
simulate "$HOME_DIR/plan.yaml" "$HOME_DIR/north/consenting.csv" "$HOME_DIR/south/consenting.csv" plain || die "no simulation: $(cat "$HOME_DIR/said")"
cmp "$HOME_DIR/plain/model.json" "$(model_of north "$run")" || die "another model than of consenting rows"
for bank in north south; do { echo "source:"; grep "^  consent:" "$HOME_DIR/$bank/node.yaml"; } >"$HOME_DIR/$bank.yaml"; done
mappings=(--mapping north="$HOME_DIR/north.yaml" --mapping south="$HOME_DIR/south.yaml")
simulate "$HOME_DIR/plan.yaml" "$HOME_DIR/north/rows.csv" "$HOME_DIR/south/rows.csv.gz" mapped "${mappings[@]}" || die "no simulation of all rows: $(cat "$HOME_DIR/said")"
cmp "$HOME_DIR/mapped/model.json" "$(model_of north "$run")" || die "another model in the simulation"
grep -qx "$HOME_DIR/north/rows.csv: $LEFT_OUT of $((LEFT_OUT + 500)) rows are left out for want of consent" "$HOME_DIR/said" || die "not said: $(cat "$HOME_DIR/said")"
grep -qx "$HOME_DIR/south/rows.csv.gz: 175 of 875 rows are left out for want of consent" "$HOME_DIR/said" || die "not said: $(cat "$HOME_DIR/said")"

# At the bank: in the journal and the log.
journal_says() { "$COFFERDAM" audit journal "$HOME_DIR/$1/state/journal.jsonl" --roster "$HOME_DIR/roster.note" | grep -q -- "$2"; }
grep -q "\"event\":\"frozen\".*\"rows\":500,.*\"without_consent\":$LEFT_OUT\b" "$HOME_DIR/north/state/journal.jsonl" || die "not in north's journal"
journal_says north "frozen    500 rows, .*; $LEFT_OUT more were left out for want of consent" || die "not told by the journal"
journal_says south "^ *175 more rows were left out for want of consent" || die "not told of the run"
grep -q '"event":"frozen".*"without_consent"' "$HOME_DIR/east/state/journal.jsonl" && die "east asks for no consent"
log_has north "${run:0:12}: 500 rows are computed on, $LEFT_OUT are left out for want of consent" || die "not in north's log"

# And nowhere else: no bytes of the count, of the file's rows, of a customer's id or of the consent column.
search() { # PATH...: prints what is found in a file under these
    python3 - "$LEFT_OUT" "$@" <<'END'
import os, struct, sys
count = int(sys.argv[1])
wanted = {name: value for number in (count, count + 500) for name, value in (
    (f"{number}", str(number).encode()), (f"{number} as u32", struct.pack("<I", number)),
    (f"{number} as u32, big end first", struct.pack(">I", number)), (f"{number} as a double", struct.pack("<d", number)))}
wanted.update({"an id": b"KUNDE-", "the consent column": b"zustimmung", "its rule": b"consent"})
for top in sys.argv[2:]:
    for path in [os.path.join(d, f) for d, _, names in os.walk(top) for f in names] or [top]:
        text = open(path, "rb").read() if os.path.isfile(path) else b""
        found = [what for what, value in wanted.items() if value in text]
        if found:
            print(path, *found, sep="; ")
END
}
[ "$(search "$HOME_DIR/north/rows.csv" "$HOME_DIR/north/state/journal.jsonl" "$HOME_DIR/north.yaml" | grep -c .)" -eq 3 ] || die "the search finds nothing"
found=$(search "$HOME_DIR/coordinator" "$HOME_DIR/south/state/runs" "$HOME_DIR/south/state/journal.jsonl" "$HOME_DIR/east/"{state,log} "$HOME_DIR/north/state/runs" | grep -v "south/state/journal.jsonl; its rule$")
[ -z "$found" ] || die "left the bank: $found"
"$COFFERDAM" audit report "$bundle" --roster "$HOME_DIR/roster.note" -o "$HOME_DIR/audit.html" >/dev/null || die "no audit report"
found=$(search "$HOME_DIR/audit.html" "$HOME_DIR/mapped" | grep -v "audit.html; its rule$") # the page says who judges it
[ -z "$found" ] || die "in the audit's report or a simulation's files: $found"

# What is refused, with its place and remedy.
sed 's/zustimmung/einwilligung/' "$HOME_DIR/north.yaml" >"$HOME_DIR/wrong.yaml"
fit() { "$COFFERDAM" fit "$1" --data "$2" --mapping "$3" --out "$HOME_DIR/bad"; }
expect_exit 2 "consenting.csv:1: there is no column zustimmung, which is to say who consented, so that no row may be read" \
    fit "$HOME_DIR/plan.yaml" "$HOME_DIR/north/consenting.csv" "$HOME_DIR/north.yaml"
expect_exit 2 "there is no column einwilligung" fit "$HOME_DIR/plan.yaml" "$HOME_DIR/north/rows.csv" "$HOME_DIR/wrong.yaml"
sed '/^purpose/d' "$HOME_DIR/no_id.yaml" >"$HOME_DIR/no_purpose.yaml"
expect_exit 2 "south.yaml: source.consent goes by the purpose of a plan, and there is none here" \
    fit "$HOME_DIR/no_purpose.yaml" "$HOME_DIR/south/rows.csv.gz" "$HOME_DIR/south.yaml"
checked south --plan "$HOME_DIR/no_purpose.yaml" && die "south is ready for a plan without purpose"
grep -q "the plan has no purpose, and source.consent goes by purpose" "$HOME_DIR/checked" || die "$(cat "$HOME_DIR/checked")"
sed 's/^purpose:.*/purpose: churn/' "$HOME_DIR/no_id.yaml" >"$HOME_DIR/churn.yaml"
expect_exit 2 "no row is left: none of 875 has consent in column purposes to the purpose churn" \
    fit "$HOME_DIR/churn.yaml" "$HOME_DIR/south/rows.csv.gz" "$HOME_DIR/south.yaml"
sed -i 's/zustimmung/einwilligung/' "$HOME_DIR/north/node.yaml"
checked north && die "north is ready without its column"
grep -q "rows.csv:1: there is no column einwilligung" "$HOME_DIR/checked" || die "$(cat "$HOME_DIR/checked")"

# Scores are of consenting rows, which keep their numbers in the file; a list of purposes has none for scoring.
head -n 3 "$HOME_DIR/south/consenting.csv" | sed '1s/^/ok,/; 2s/^/nein,/; 3s/^/ja,/' >"$HOME_DIR/two.csv"
echo 'source: {consent: {column: ok, given: [ja]}}' >"$HOME_DIR/two.yaml"
score() { "$COFFERDAM" score "$(model_of north "$run")" --data "$HOME_DIR/two.csv" --mapping "$1" -o "$HOME_DIR/scores.csv"; }
score "$HOME_DIR/two.yaml" 2>"$HOME_DIR/said" || die "no scores: $(cat "$HOME_DIR/said")"
grep -q "two.csv: 1 of 2 rows are left out" "$HOME_DIR/said" && grep -q "^2,0" "$HOME_DIR/scores.csv" && [ "$(wc -l <"$HOME_DIR/scores.csv")" -eq 2 ] ||
    die "other scores: $(cat "$HOME_DIR/said" "$HOME_DIR/scores.csv")"
expect_exit 2 "source.consent goes by the purpose of a plan" score "$HOME_DIR/south.yaml"
good
