#!/bin/bash
# audit report on runs of real daemons: one done under a second roster, one that its data ended, one that ended before it had keys.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
page=$PWD/tests/support/audit_page.py
bundle_of() { echo "$HOME_DIR/$1/state/runs/$2/run.cfd"; } # PARTY RUN
# The report of a run from the coordinator's bundle, with the roster's first version: report NAME RUN
report() {
    until_true 20 test -e "$(bundle_of coordinator "$2")" || die "$1: no bundle"
    "$COFFERDAM" audit report "$(bundle_of coordinator "$2")" --roster "$HOME_DIR/first.note" -o "$HOME_DIR/$1.html" --json \
        >"$HOME_DIR/$1.json" || die "$1: no report"
    python3 "$page" "$HOME_DIR/$1.html" "$HOME_DIR/$1.json" || die "the page of $1"
}
says() { # NAME CONDITION on the report d
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), sys.argv[2]' "$HOME_DIR/$1.json" "$2" ||
        die "$1: $(grep -A 12 '"deviations"' "$HOME_DIR/$1.json")"
}
stop_all() { for party in "$@" coordinator; do party_kill "$party" TERM; done; }

# The members sign a successor of the roster; the run is under it.
e2e_start "${banks[@]}"
for bank in "${banks[@]}"; do until_true 10 "$NODE" status "$HOME_DIR/$bank" || die "$bank does not start"; done
stop_all "${banks[@]}"
mv "$HOME_DIR/roster.note" "$HOME_DIR/first.note"
"$COFFERDAM" roster add "$HOME_DIR/first.note" --address "tls+tcp://localhost:$PORT" -o "$HOME_DIR/roster.note" >/dev/null ||
    die "no second version"
for bank in "${banks[@]}"; do
    "$COFFERDAM" roster sign "$HOME_DIR/roster.note" --key "$HOME_DIR/$bank/identity.key" --previous "$HOME_DIR/first.note" \
        >/dev/null || die "$bank does not sign"
done
e2e_start "${banks[@]}"
run=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
report good "$run"
says good "d['holds'] and d['finished'] and d['run']['id'] == '$run' and d['run']['submitter'] == 'north'"
says good "[v['version'] for v in d['roster']['versions']] == [1, 2] and d['roster']['vouched'] and len(d['roster']['versions'][0]['signed_by']) == 3"
says good "d['roster']['versions'][1]['changes'] == [d['deviations'][0]['text'][len('Version 2 of the roster: '):-1]]"
says good "[x['kind'] for x in d['deviations']] == ['roster'] and 'localhost:$PORT' in d['deviations'][0]['text']"
says good "next(h['value'] for h in d['hashes'] if h['key'] == 'model') == '$(sha256sum <"$(model_of east "$run")" | cut -d' ' -f1)'"
says good "'$(date -u +%Y-%m)' in d['run']['earliest'] + d['run']['latest'] and d['run']['earliest'] <= d['run']['latest']"
for bank in "${banks[@]}"; do
    grep -q "$(sed -n 's/.*\([0-9a-f]\{64\}\).*/\1/p' "$HOME_DIR/$bank/$bank.pub" | head -n 1)" "$HOME_DIR/good.json" || die "not the key of $bank"
done
command=$(python3 -c 'import json, sys; print(next(h["command"] for h in json.load(open(sys.argv[1]))["hashes"] if h["key"] == "roster"))' "$HOME_DIR/good.json")
fingerprint=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["roster"]["fingerprint"])' "$HOME_DIR/good.json")
programs=$(realpath "$BUILD")
(cd "$HOME_DIR" && PATH="$programs:$PATH" bash -c "$command") | grep -q "$fingerprint" || die "$command does not show $fingerprint"
until_true 20 test -e "$(bundle_of south "$run")" || die "no bundle at south"
"$COFFERDAM" audit report "$(bundle_of south "$run")" --roster "$HOME_DIR/first.note" -o "$HOME_DIR/south.html" || die "south's report"
cmp "$HOME_DIR/good.html" "$HOME_DIR/south.html" || die "a bank makes another page"

# Two banks whose pre-shared keys differ end a run before its keys are made: nobody is said to have taken part.
head -c 32 /dev/urandom >"$HOME_DIR/shared.psk"
head -c 32 /dev/urandom >"$HOME_DIR/other.psk"
chmod 600 "$HOME_DIR"/*.psk
cp "$HOME_DIR/south/node.yaml" "$HOME_DIR/south.yaml"
stop_all "${banks[@]}"
echo "psk: [{member: south, file: ../shared.psk}]" >>"$HOME_DIR/north/node.yaml"
echo "psk: [{member: north, file: ../other.psk}]" >>"$HOME_DIR/south/node.yaml"
e2e_start "${banks[@]}"
run=$(submit north) || die "not submitted"
watch north "$run" >/dev/null 2>&1 && die "a run with two different keys is done"
report keyless "$run"
says keyless "d['holds'] and not d['finished'] and d['key_sets'] == d['rounds'] == [] and d['model'] is None"
says keyless "[x['kind'] for x in d['deviations']] == ['ended', 'roster'] and [x['role'] for x in d['endings']] == ['coordinator']"
says keyless "'could not use what' in d['endings'][0]['reason']"
grep -q 'it does not prove that any of them took part' "$HOME_DIR/keyless.html" || die "who took part in a run without keys"
grep -q '<td>took part' "$HOME_DIR/keyless.html" && die "a bank is said to have taken part"

# Data that cannot be analysed end a run in its first round, whose sum was opened: the report does not deny it.
stop_all "${banks[@]}"
for bank in "${banks[@]}"; do
    sed -i '/^psk:/d' "$HOME_DIR/$bank/node.yaml"
    sed -i '2,$s/,1$/,0/' "$HOME_DIR/$bank/rows.csv"
done
e2e_start "${banks[@]}"
run=$(submit north) || die "not submitted"
watch north "$run" >/dev/null 2>&1 && die "data without a positive row gave a model"
report ended "$run"
says ended "d['holds'] and not d['finished'] and [x['kind'] for x in d['deviations']] == ['ended', 'roster', 'open']"
says ended "d['endings'][-1]['role'] == 'coordinator' and 'cannot be analysed as planned' in d['endings'][-1]['reason']"
says ended "[r['outcome'] for r in d['rounds']] == ['open'] and d['released']['sums'] == 0 and d['key_sets']"
grep -q 'Round 1 was begun and has no outcome here' "$HOME_DIR/ended.html" || die "an opened sum is not told"
grep -q 'as far as the run came' "$HOME_DIR/ended.html" || die "the verdict of an ended run"
good
