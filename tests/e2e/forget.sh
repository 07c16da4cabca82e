#!/bin/bash
# A bank forgets a run that is over: its files and records are gone and stay so, the journal says what they were, and the
# rules are kept as before: the ledger still refuses another cohort, the message counters go on.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
e2e_make "${banks[@]}"
rm "$HOME_DIR/plan.note"
plan_make north 3
e2e_start "${banks[@]}"
prepare() { # NAME [OPTION...]: a run's id before it is submitted
    "$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" --key "$HOME_DIR/north/identity.key" --prepare "$HOME_DIR/$1.run" "${@:2}"
}
until_true 10 "$NODE" status "$HOME_DIR/north" || die "the node of north does not answer"
three=(--member north --member south --member east)
run=$(prepare first "${three[@]}") && open=$(prepare second "${three[@]}") && whole=$(prepare third) || die "not prepared"
restart() { party_kill "$1" TERM; node_start "$1"; until_true 10 "$NODE" status "$HOME_DIR/$1" || die "$1 does not start again"; }
for bank in "${banks[@]}"; do
    ids="$run, $open, $whole" # the run of all banks is approved by all but north
    [ "$bank" != north ] || ids="$run, $open"
    approve_change "$bank" "$ids"
    restart "$bank"
done
begin() { "$COFFERDAM" run submit --prepared "$HOME_DIR/$1.run" --node "$HOME_DIR/north" >/dev/null || die "not submitted: $1"; }
forget() { "$NODE" forget "$HOME_DIR/$1" "${@:2}"; } # BANK RUN [OPTION]
folder_of() { echo "$HOME_DIR/$1/state/runs/$2"; }
journal_of() { echo "$HOME_DIR/$1/state/journal.jsonl"; }
forgotten_entries() { grep -c '"event":"forgotten"' "$(journal_of "$1")"; }
show() { "$COFFERDAM" run show "$2" --node "$HOME_DIR/$1"; }

begin first
for bank in north south east; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
for bank in north south east; do until_true 20 grep -q '"event":"bundle"' "$(journal_of "$bank")" || die "no bundle at $bank"; done

# What north has of the run, and what it has of its own.
records() { # WHERE...: of north's state.db, as text
    python3 - "$HOME_DIR/north/state/state.db" "$@" <<'END'
import sqlite3, sys
for scope, key, value in sqlite3.connect(sys.argv[1]).execute("SELECT scope, key, hex(value) FROM record WHERE " + sys.argv[2]):
    print(scope.hex() or "own", key, value)
END
}
own="scope = x'' AND key NOT IN ('daemon/journal')"
party_kill north TERM
records "$own" >"$HOME_DIR/own"
grep -q "^own ledger/" "$HOME_DIR/own" && grep -q "^own counter" "$HOME_DIR/own" || die "no ledger, no counters: $(cut -c1-60 "$HOME_DIR/own")"
[ "$(records "scope = x'$run'" | wc -l)" -gt 30 ] || die "north has no records of the run"
grep -qa "tolerance: 1.0e-8" "$HOME_DIR/north/state/state.db" || die "the plan is not where it is looked for"
model=$(sha256sum <"$(model_of north "$run")")
bundle=$(sha256sum <"$(folder_of north "$run")/run.cfd")
node_start north
until_true 10 "$NODE" status "$HOME_DIR/north" || die "north does not start again"

expect_exit 1 "no run here begins with 0123456789" forget north 0123456789
expect_exit 2 "\"run\" is not how a run's id begins" forget north run
expect_exit 2 "usage: cofferdam-node forget CONFIG|DIR RUN" forget north
[ -s "$(model_of north "$run")" ] && [ "$(forgotten_entries north)" -eq 0 ] || die "a refused request removed something"

forget north "${run:0:10}" >"$HOME_DIR/told" || die "not forgotten"
grep -qx "run        $run" "$HOME_DIR/told" && grep -qxE "removed    4 files, [0-9]+ records of state.db" "$HOME_DIR/told" &&
    grep -qx "model      model.json, ${model%% *}" "$HOME_DIR/told" && grep -qx "bundle     run.cfd, ${bundle%% *}" "$HOME_DIR/told" || die "told: $(cat "$HOME_DIR/told")"
[ ! -e "$(folder_of north "$run")" ] || die "the folder is still there"
for file in state.db state.db-wal secrets.db secrets.db-wal; do
    ! grep -qa "tolerance: 1.0e-8" "$HOME_DIR/north/state/$file" || die "the plan is still in $file"
done
log_has north "${run:0:12} is forgotten" || die "not in the log"
[ -s "$(model_of south "$run")" ] || die "south has forgotten as well"

# The journal has what went, once, and holds with the bundle that another bank keeps.
audit() { "$COFFERDAM" audit journal "$(journal_of north)" --roster "$HOME_DIR/roster.note" "$@"; }
audit --bundle "$(folder_of south "$run")/run.cfd" >"$HOME_DIR/audited" || die "the journal does not hold"
grep -qE "forgotten +4 files and [0-9]+ records of the run are removed, model.json ${model:0:12}, run.cfd ${bundle:0:12}" "$HOME_DIR/audited" &&
    grep -qE "^  forgotten  4 files and [0-9]+ records are removed, model.json ${model:0:12}, run.cfd ${bundle:0:12}" "$HOME_DIR/audited" || die "not told by the journal"
grep -q "\"event\":\"forgotten\".*\"model\":\"${model%% *}\".*\"bundle\":\"${bundle%% *}\"" "$(journal_of north)" || die "no digests in the journal"
forget north "$run" | grep -q "removed    nothing: it was forgotten before" || die "not the same again"
forget north "$run" --json | python3 -c 'import json, sys; told = json.load(sys.stdin); assert told["before"] and told["run"] == sys.argv[1] and told["forgotten_ms"] > 0, told' "$run" || die "another JSON"
[ "$(forgotten_entries north)" -eq 1 ] || die "told $(forgotten_entries north) times"

# What people see; after a restart too; without the coordinator too. Nothing is fetched again.
says_so() {
    show north "$run" | grep -q "^this node  has forgotten this run: its journal tells when" || die "run show does not say so: $(show north "$run")"
    ! show north "$run" | grep -q "^model" || die "run show names a model"
    expect_exit 1 "this node has forgotten this run" "$COFFERDAM" run watch "$run" --node "$HOME_DIR/north"
    ! "$NODE" status "$HOME_DIR/north" | grep -q "^${run:0:12}" || die "status lists it"
}
says_so
show south "$run" | grep -q "^model" || die "south does not show its model"
party_kill north TERM
records "$own" >"$HOME_DIR/own.after"
cmp "$HOME_DIR/own" "$HOME_DIR/own.after" || die "forgetting changed the ledger or the counters"
[ "$(records "scope = x'$run'" | wc -l)" -eq 1 ] || die "more than that it was forgotten is left: $(records "scope = x'$run'" | cut -c1-90)"
node_start north
until_true 10 "$NODE" status "$HOME_DIR/north" || die "north does not start again"
told_by_coordinator() { show north "$run" | grep -q "^plan "; } # north itself does not know it any more
until_true 10 told_by_coordinator || die "north does not reach the coordinator"
says_so
party_kill coordinator
says_so
show north "$run" | grep -qx "state      forgotten" || die "not as north alone knows it"

# South still asks for a bundle, of a coordinator that is away: it forgets at once, and gives up asking.
party_kill south TERM
rm "$(folder_of south "$run")/run.cfd"
node_start south
until_true 10 "$NODE" status "$HOME_DIR/south" || die "south does not start again"
forget south "$run" >"$HOME_DIR/told" || die "not forgotten while its bundle is fetched"
grep -q "^model" "$HOME_DIR/told" && ! grep -q "^bundle" "$HOME_DIR/told" || die "told: $(cat "$HOME_DIR/told")"
coordinator_start
until_true 10 "$COFFERDAM" run show "$run" --node "$HOME_DIR/east" || die "the coordinator does not start again"
sleep 2
[ ! -e "$(folder_of south "$run")" ] || die "the folder came back: $(ls "$(folder_of south "$run")")"
[ -s "$(folder_of east "$run")/run.cfd" ] || die "east has forgotten as well"

# A run that is open stays; when it has ended, it can go, without a model.
party_kill east TERM
begin second
until_true 10 test -e "$(folder_of north "$open")/table.frozen" || die "the second run does not begin"
expect_exit 1 "run ${open:0:12} is open: it can be forgotten when it is over" forget north "$open"
"$COFFERDAM" run cancel "$open" --node "$HOME_DIR/north" >/dev/null || die "not cancelled"
until_true 10 grep -q "\"event\":\"ended\"" "$(journal_of north)" || die "north does not hear that the run ended"
forget north "$open" >"$HOME_DIR/told" || die "a run that ended is not forgotten"
! grep -q "^model" "$HOME_DIR/told" || die "a model of a cancelled run"
sleep 2
[ ! -e "$(folder_of north "$open")" ] || die "the folder of the cancelled run came back"
node_start east

# Rule 5: north took part with three, and remembers it. All banks and no other would add west's rows to the same sum.
begin third
until_true 20 log_has north "${whole:0:12} ended: .*the source customers took part with another cohort (west is new)" || die "north has forgotten its cohort: $(tail -n 3 "$HOME_DIR/north/log")"
until_true 20 audit || die "the journal does not hold at the end"
[ "$(forgotten_entries north)" -eq 2 ] || die "$(forgotten_entries north) runs forgotten, not 2"
good
