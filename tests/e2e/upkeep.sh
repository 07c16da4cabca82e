#!/bin/bash
# What an operator does over a system's life, as docs/operators.md says it: reload, back up while a run goes on, restore,
# move the coordinator, rotate keys, let a bank join and leave. Finished runs stay readable and auditable throughout.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
e2e_make "${banks[@]}"
rm "$HOME_DIR/plan.note"
plan_make north 3
at=$HOME_DIR
fingerprint() { "$COFFERDAM" roster show "$1" | grep -oE '[0-9a-f]{64}' | head -1; }
done_at() { # RUN PARTY...: every one of them has the same model
    local run=$1 bank
    shift
    for bank in "$@"; do
        if [ "$bank" = coordinator ]; then
            until_true 20 test -s "$(model_of coordinator "$run")" || die "no model of $run at the coordinator"
        else
            watch "$bank" "$run" >"$at/watched" 2>&1 || die "no model of $run at $bank: $(cat "$at/watched")"
        fi
    done
    same_models "$run" "$@"
}
ends_with() { # RUN BANK TEXT: the run ends at the bank, and says so
    watch "$2" "$1" >"$at/watched" 2>&1 && die "run $1 is done at $2"
    grep -q -- "$3" "$at/watched" || die "not \"$3\" but: $(cat "$at/watched")"
}
counted() { grep -c -- "$2" "$at/$1/log"; } # PARTY TEXT
more_than() { [ "$(counted "$2" "$3")" -gt "$1" ]; }
reload() { # PARTY: and waits until it works by the new files
    local before started="roster version [0-9]*$"
    before=$(counted "$1" "$started")
    kill -HUP "${PROCESS[$1]}"
    until_true 10 more_than "$before" "$1" "$started" || die "$1 does not reload: $(tail -n 3 "$at/$1/log")"
    log_has "$1" "reloading; open runs go on" || die "$1 started again without a reload"
}
program_of() { if [ "$1" = coordinator ]; then echo "$COORDINATOR"; else echo "$NODE"; fi; }
backup() { "$(program_of "$1")" backup "$at/$1" --out "$2"; }     # PARTY FOLDER
restore() { "$(program_of "$1")" restore "$2" --from "$3"; }      # PARTY DIR FOLDER
in_place() { # PARTY DIR: the party goes on from a restored directory, as on another machine
    cp "$at/$1/node.key" "$2/"
    [ ! -e "$at/$1/identity.key" ] || cp "$at/$1/identity.key" "$2/"
    [ ! -e "$at/$1/rows.csv" ] || cp "$at/$1/rows.csv" "$2/"
    mv "$at/$1/log" "$2/"
    rm -r "${at:?}/$1"
    mv "$2" "$at/$1"
}
waits_for_east() { "$COORDINATOR" status "$at/coordinator" | grep -q "awaited: east$"; }
begin_without_east() { # sets run: one that has begun, and stands still since east is away
    run=$(submit north) || die "not submitted"
    until_true 20 log_has coordinator "${run:0:12}: round 3: " || die "the run does not come to round 3"
    party_kill east
    until_true 20 waits_for_east || die "nobody waits for east"
}

# ---- check looks at the address for figures, too
"$COORDINATOR" check "$at/coordinator" >"$at/checked" || die "check"
grep -q '^metrics' "$at/checked" && die "figures are served without being asked for"
metrics=127.0.0.1:$(free_port)
echo "metrics: {address: \"$metrics\"}" | tee -a "$at/coordinator/coordinator.yaml" >>"$at/north/node.yaml"
"$COORDINATOR" check "$at/coordinator" | grep -q "^metrics   $metrics is free$" || die "check does not look at the metrics"
# What init leaves out is there to be uncommented.
"$COORDINATOR" init "$at/fresh" --key ../coordinator/node.key --roster ../roster.note >/dev/null || die "init"
sed -i "s/^# \([a-z_]*: \)/\1/; s/:9464/:$(free_port)/; s/:9465/:$(free_port)/; s/:7443/:$(free_port)/" "$at/fresh/coordinator.yaml"
"$COORDINATOR" check "$at/fresh" >"$at/checked" || die "check of what init leaves out: $(cat "$at/fresh/coordinator.yaml")"
grep -q "^listen    tls+tcp://0.0.0.0:" "$at/checked" && grep -q "^console " "$at/checked" || die "check: $(cat "$at/checked")"
coordinator_start
until_true 10 "$COORDINATOR" status "$at/coordinator" || die "no coordinator"
"$COORDINATOR" check "$at/coordinator" | grep -q "where this coordinator is running" || die "no check of a coordinator that runs"
"$NODE" check "$at/north" >"$at/checked" 2>&1 && die "north is ready with a port that is taken"
grep -q "^metrics   .*$metrics" "$at/checked" || die "check of north: $(cat "$at/checked")"
sed -i '/^metrics/d' "$at/north/node.yaml"
"$NODE" check "$at/north" >/dev/null || die "north is not ready: $(cat "$at/checked")"
for bank in "${banks[@]}"; do node_start "$bank"; done

# ---- reload of the coordinator: a wrong file changes nothing
first=$(submit north) || die "not submitted"
cp "$at/coordinator/coordinator.yaml" "$at/good.yaml"
wrong() { # TEXT: the configuration that stands there is refused with it
    kill -HUP "${PROCESS[coordinator]}"
    until_true 10 log_has coordinator "not reloaded, and the coordinator goes on as it was: .*$1" ||
        die "not \"$1\": $(tail -n 3 "$at/coordinator/log")"
}
echo "patience: 3" >>"$at/coordinator/coordinator.yaml"
wrong 'coordinator.yaml:[0-9]*: .*patience'
sed 's/^state:.*/state: elsewhere/' "$at/good.yaml" >"$at/coordinator/coordinator.yaml"
wrong 'state: another directory'
cp "$at/roster.note" "$at/first.note"
sed "s/^metrics:.*/metrics: {address: \"127.0.0.1:$PORT\"}/" "$at/good.yaml" >"$at/coordinator/coordinator.yaml"
wrong 'another program listens at'
sed "s/127.0.0.1:$PORT/127.0.0.1:1/" "$at/first.note" >"$at/roster.note"
cp "$at/good.yaml" "$at/coordinator/coordinator.yaml"
wrong 'roster.note: '
cp "$at/first.note" "$at/roster.note"
echo "patience_seconds: 7" >>"$at/coordinator/coordinator.yaml"
reload coordinator
done_at "$first" "${banks[@]}" coordinator
[ "$(python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())' "http://$metrics/metrics" |
    sed -n 's/^cofferdam_patience_seconds //p')" = 7 ] || die "the new patience does not count"

# ---- backups under load: several runs go on while one is made after the other
runs=()
for turn in 1 2 3; do runs+=("$(submit north)") || die "not submitted"; done
for turn in 1 2 3 4; do
    for party in coordinator east; do
        backup $party "$at/load-$party-$turn" >/dev/null || die "no backup of $party in turn $turn"
    done
done
for run in "${runs[@]}"; do done_at "$run" "${banks[@]}" coordinator; done
for party in coordinator east; do
    for turn in 1 2 3 4; do
        restore $party "$at/restored" "$at/load-$party-$turn" >"$at/told" || die "backup $turn of $party is not whole"
        grep -q "while it ran$" "$at/told" || die "$(cat "$at/told")"
        [ -z "$(find "$at/restored" "$at/load-$party-$turn" -name '*.frozen*' -o -name '*.sock' -o -name '*.key' ! -name rows.key)" ] ||
            die "a backup has what must stay"
        [ -z "$(find "$at/load-$party-$turn" -name 'secrets.db*' -o -perm /077)" ] || die "secrets, or a backup that others can read"
        rm -r "$at/restored" "$at/load-$party-$turn"
    done
    [ ! -e "$at/$party/state/snapshot" ] || die "a snapshot is left at $party"
done

# Killed at any moment, there is a whole backup or none.
caught=0
for turn in $(seq 24); do
    "$NODE" backup "$at/east" --out "$at/killed" >/dev/null 2>&1 &
    victim=$!
    sleep "0.0$(printf %02d $((RANDOM % 40)))"
    kill -KILL $victim 2>/dev/null && caught=$((caught + 1))
    wait $victim 2>/dev/null
    [ -e "$at/killed" ] || continue
    restore east "$at/restored" "$at/killed" >/dev/null || die "half a backup after kill -9"
    rm -r "$at/killed" "$at/restored"
done
[ "$caught" -gt 4 ] || die "only $caught backups were killed"
backup east "$at/whole" >/dev/null || die "no backup after those that were killed"
backup east "$at/killed" >/dev/null || die "no backup where one was killed"
[ -z "$(find "$at" -maxdepth 1 -name '*.unfinished')" ] || die "half a backup is left"

# What was cut or changed, or would overwrite something, is refused, and leaves nothing.
cp -r "$at/whole" "$at/bad" && truncate -s -1 "$at/bad/state/state.db"
expect_exit 1 'state.db: has' "$NODE" restore "$at/restored" --from "$at/bad"
rm -r "$at/bad" && cp -r "$at/whole" "$at/bad" && sed -i 's/credit-risk/anything-else/' "$at/bad/policy.yaml"
expect_exit 1 'policy.yaml: ' "$NODE" restore "$at/restored" --from "$at/bad"
rm -r "$at/bad" && cp -r "$at/whole" "$at/bad" && truncate -s -9 "$at/bad/backup.txt"
expect_exit 1 'backup.txt: line' "$NODE" restore "$at/restored" --from "$at/bad"
[ ! -e "$at/restored" ] || die "a refused backup left something"
expect_exit 2 'is not empty' "$NODE" restore "$at/east" --from "$at/whole"
expect_exit 2 'something is there already' "$NODE" backup "$at/east" --out "$at/whole"
expect_exit 1 'a backup of cofferdam-node' "$COORDINATOR" restore "$at/restored" --from "$at/whole"
expect_exit 2 '--out is missing' "$NODE" backup "$at/east"
expect_exit 2 'is in the state directory' "$NODE" backup "$at/east" --out "$at/east/state/kept"
rm -r "$at/bad" && cp -r "$at/whole" "$at/bad" && cp "$at/east/node.key" "$at/bad/" # and the list says so
sed -i "/ node.yaml$/i file $(sha256sum <"$at/bad/node.key" | cut -c -64) $(stat -c %s "$at/bad/node.key") node.key" "$at/bad/backup.txt"
sed -i "s/^end .*/end $(grep -c ^file "$at/bad/backup.txt")/" "$at/bad/backup.txt"
expect_exit 1 'node.key: no backup of cofferdam-node has this file' "$NODE" restore "$at/restored" --from "$at/bad"
[ ! -e "$at/restored" ] || die "a refused backup left something"

# ---- a coordinator that moves to another machine, under the same name, in the middle of a run: it goes on
begin_without_east
party_kill coordinator TERM
backup coordinator "$at/moving" | grep -q "while it was stopped$" || die "no backup of the coordinator"
restore coordinator "$at/elsewhere" "$at/moving" >/dev/null || die "the coordinator is not restored"
in_place coordinator "$at/elsewhere"
mkdir "$at/coordinator/state/snapshot" && touch "$at/coordinator/state/snapshot/half" # as a kill would leave it
coordinator_start
node_start east
done_at "$run" "${banks[@]}" coordinator
[ ! -e "$at/coordinator/state/snapshot" ] || die "a snapshot that was left is not removed"
grep -q "^roster: roster.note$" "$at/coordinator/coordinator.yaml" || die "paths were not set"

# ---- a node that moves in the middle of a run, with a backup from after its last message: it goes on
begin_without_east
backup east "$at/east-moving" >/dev/null || die "no backup of east"
restore east "$at/elsewhere" "$at/east-moving" >/dev/null || die "east is not restored"
[ ! -e "$at/elsewhere/state/runs/$run/table.frozen" ] || die "a frozen table went along"
in_place east "$at/elsewhere"
node_start east
done_at "$run" "${banks[@]}" coordinator
# With rows that changed since it froze them, the run ends, and says why.
begin_without_east
rm "$at/east/state/runs/$run/table.frozen"
mv "$at/east/rows.csv" "$at/east.csv"
rows_make 99 900 >"$at/east/rows.csv"
node_start east
ends_with "$run" north "east refuses: its data cannot be used"
log_has east "table.frozen is gone (no backup has one), and the source's rows are not those" || die "east does not say why"
mv "$at/east.csv" "$at/east/rows.csv"

# ---- a coordinator that is older than its members: it says so, and nobody waits
begin_without_east
party_kill coordinator TERM
backup coordinator "$at/older" >/dev/null || die "no backup of the coordinator"
coordinator_start
node_start east
done_at "$run" "${banks[@]}"
begin_without_east # a run which that backup does not know
party_kill coordinator TERM
restore coordinator "$at/elsewhere" "$at/older" >/dev/null || die "the coordinator is not restored"
in_place coordinator "$at/elsewhere"
coordinator_start
node_start east
ends_with "$run" north "was restored from a backup from before this run"
ends_with "$run" east "was restored from a backup from before this run"
# What its members had finished it cannot know: the submitter cancels it there.
"$COORDINATOR" status "$at/coordinator" | grep -q ": open, " || die "the older coordinator has no open run"
"$COFFERDAM" run list --node "$at/north" | grep "  open " | cut -d' ' -f1 >"$at/open"
"$COFFERDAM" run cancel "$(cat "$at/open")" --node "$at/north" >/dev/null || die "it cannot be cancelled"
# Where its members are in the middle of a run, they tell.
begin_without_east
party_kill coordinator TERM
backup coordinator "$at/middle" >/dev/null || die "no backup of the coordinator"
coordinator_start
node_start east
until_true 20 log_has coordinator "${run:0:12}: round 8: " || die "the run does not go on"
party_kill west
party_kill coordinator TERM
restore coordinator "$at/elsewhere" "$at/middle" >/dev/null || die "the coordinator is not restored"
in_place coordinator "$at/elsewhere"
coordinator_start
node_start west
ends_with "$run" north "banks have come further than the coordinator, which stands at round "
# Restored from a backup that was made while it ran, it ends what was open then.
begin_without_east
backup coordinator "$at/running" | grep -q "while it ran$" || die "no backup of the running coordinator"
node_start east
done_at "$run" "${banks[@]}"
party_kill coordinator TERM
restore coordinator "$at/elsewhere" "$at/running" | grep -q "^open runs end at the start" || die "not said what becomes of open runs"
in_place coordinator "$at/elsewhere"
coordinator_start
until_true 10 log_has coordinator "${run:0:12} ended: the coordinator was restored from a backup that was made while it ran" ||
    die "the coordinator waits for what its members have done"
run=$(submit north) || die "not submitted"
done_at "$run" "${banks[@]}" coordinator
party_kill coordinator TERM
coordinator_start # once restored is not restored at every start
begin_without_east
party_kill coordinator TERM
coordinator_start
node_start east
done_at "$run" "${banks[@]}" coordinator

# ---- the roster changes: change NEXT "ROSTER ADD'S WORDS" SIGNER...; every party then has it
for party in coordinator "${banks[@]}"; do # each with a copy of its own, as on its own machine
    [ "$party" = coordinator ] || sed -i 's|^roster:.*|roster: roster.note|' "$at/$party/node.yaml"
    cp "$at/roster.note" "$at/$party/roster.note"
done
change() {
    local next=$1 words=$2 key
    shift 2
    # shellcheck disable=SC2086
    "$COFFERDAM" roster add "$at/roster.note" $words -o "$at/$next.note" >/dev/null || die "no roster $next"
    for key in "$@"; do
        "$COFFERDAM" roster sign "$at/$next.note" --key "$key" --previous "$at/roster.note" >/dev/null || die "$key cannot sign $next"
    done
    "$COFFERDAM" roster show "$at/$next.note" --previous "$at/roster.note" >/dev/null || die "roster $next is not complete"
    cp "$at/$next.note" "$at/roster.note"
}
identity() { echo "$at/$1/identity.key"; }
hand_out() { for party in "$@"; do cp "$at/roster.note" "$at/$party/roster.note"; done; }
approved_run() { # BANK...: sets run: one of a cohort that is new to them, which each of them allows
    run=$("$COFFERDAM" run submit "$at/plan.note" --node "$at/north" --key "$(identity north)" --prepare "$at/next.run") || die "not prepared"
    for bank in "$@"; do approve_change "$bank" "$run"; reload "$bank"; done
    until_true 10 "$NODE" status "$at/north" || die "north does not answer"
    "$COFFERDAM" run submit --prepared "$at/next.run" --node "$at/north" >/dev/null || die "not submitted"
    rm "$at/next.run"
}
bundle_of() { echo "$at/$1/state/runs/$2/run.cfd"; }
still_good() { # RUN BANK ROSTER: a finished run is listed, and its bundle holds
    "$COFFERDAM" run list --node "$at/$2" | grep -q "^${1:0:12}  done" || die "$2 does not list $1"
    "$COFFERDAM" audit verify "$(bundle_of "$2" "$1")" --roster "$3" >/dev/null || die "the bundle of $1 at $2 does not hold"
}
until_true 20 test -e "$(bundle_of north "$run")" || die "no bundle"
before=$run
cp "$at/roster.note" "$at/v1.note"

# A node that is told to read files which a start would refuse goes on with those that it has.
stays() { # TEXT: north does not reload, and says it
    kill -HUP "${PROCESS[north]}"
    until_true 10 log_has north "not reloaded, and the node goes on as it was: .*$1" || die "not \"$1\": $(tail -n 3 "$at/north/log")"
}
"$COFFERDAM" roster add "$at/roster.note" --address tls+tcp://127.0.0.1:1 -o "$at/alone.note" >/dev/null || die "no roster"
"$COFFERDAM" roster sign "$at/alone.note" --key "$(identity north)" --previous "$at/roster.note" >/dev/null || die "not signed"
cp "$at/alone.note" "$at/north/roster.note"
stays 'is no successor of the roster that is pinned (version 1): '
cp "$at/v1.note" "$at/north/roster.note"
cp "$at/north/node.yaml" "$at/good.yaml"
sed -i 's/^state:.*/state: elsewhere/' "$at/north/node.yaml"
stays 'state: another directory'
{ cat "$at/good.yaml" && echo "metrics: {address: \"127.0.0.1:$PORT\"}"; } >"$at/north/node.yaml"
stays 'another program listens at'
cp "$at/good.yaml" "$at/north/node.yaml"

# The coordinator gets another address: signed by a quorum, then reloaded everywhere.
PORT=$(free_port)
change v2 "--address tls+tcp://127.0.0.1:$PORT" "$(identity north)" "$(identity south)" "$(identity west)"
hand_out coordinator "${banks[@]}"
for party in coordinator "${banks[@]}"; do reload "$party"; done
run=$(submit north) || die "not submitted"
done_at "$run" "${banks[@]}" coordinator
still_good "$before" north "$at/v1.note"

# South rotates its node key and keeps its identity: the cohort is the same, and nobody is asked.
"$COFFERDAM" keygen --org south --no-passphrase --out "$at/south-keys" >/dev/null || die "no new keys"
{ grep -v '^identity' "$at/south-keys/south.pub" | sed '/^node/d'; grep '^identity' "$at/south/south.pub"; grep '^node' "$at/south-keys/south.pub"; } >"$at/south-rotated.pub"
change v3 "$at/south-rotated.pub" "$(identity north)" "$(identity south)" "$(identity east)"
mv "$at/south-keys/node.key" "$at/south/node.key"
hand_out coordinator "${banks[@]}"
for party in coordinator "${banks[@]}"; do reload "$party"; done
run=$(submit north) || die "not submitted"
done_at "$run" "${banks[@]}" coordinator
still_good "$before" south "$at/v1.note"

# East's state is lost, and the backup is older: it must not go on with its key, and gets new ones by the roster.
backup east "$at/east-old" >/dev/null || die "no backup of east"
run=$(submit north) || die "not submitted"
done_at "$run" "${banks[@]}" coordinator
party_kill east
restore east "$at/elsewhere" "$at/east-old" >/dev/null || die "east is not restored"
in_place east "$at/elsewhere"
node_start east
for attempt in first second; do # what it signs to say so must not carry its count past what it forgot
    run=$(submit north) || die "not submitted a $attempt time"
    ends_with "$run" north "east ended the run: .*older than its last message"
done
party_kill east TERM
"$COFFERDAM" keygen --org east --no-passphrase --out "$at/east-keys" >/dev/null || die "no new keys"
change v4 "$at/east-keys/east.pub" "$(identity north)" "$(identity south)" "$(identity west)" "$at/east-keys/identity.key"
cp "$at/east-keys/"{node.key,identity.key} "$at/east/"
hand_out coordinator "${banks[@]}"
node_start east
for party in coordinator north south west; do reload "$party"; done
until_true 10 "$NODE" status "$at/east" || die "east does not start with its new keys"
approved_run "${banks[@]}"
done_at "$run" "${banks[@]}" coordinator
still_good "$first" east "$at/v1.note"
still_good "$before" north "$at/v1.note"
"$COFFERDAM" audit journal "$at/east/state/journal.jsonl" --roster "$at/v3.note" --roster "$at/v4.note" >/dev/null ||
    die "the journal of east does not hold over the change of its key"

# A bank joins: it signs the roster too, and the first run with it is one of another cohort.
"$COFFERDAM" keygen --org hill --no-passphrase --out "$at/hill" >/dev/null || die "no keys of hill"
rows_make 9 400 >"$at/hill/rows.csv"
node_config hill rows.csv </dev/null
policy_config hill north credit-risk 3
sed -i 's|^roster:.*|roster: roster.note|' "$at/hill/node.yaml"
change v5 "$at/hill/hill.pub" "$(identity north)" "$(identity south)" "$(identity east)" "$(identity hill)"
hand_out coordinator hill "${banks[@]}"
for party in coordinator "${banks[@]}"; do reload "$party"; done
node_start hill
until_true 10 "$NODE" status "$at/hill" || die "hill does not start"
approved_run "${banks[@]}"
done_at "$run" hill "${banks[@]}" coordinator
joined=$run
until_true 20 test -e "$(bundle_of hill "$joined")" || die "no bundle at hill"

# ... and another leaves. What it took part in stays with it.
change v6 "--remove west" "$(identity north)" "$(identity south)" "$(identity east)" "$(identity hill)"
left=(north south east hill)
hand_out coordinator "${left[@]}"
for party in coordinator "${left[@]}"; do reload "$party"; done
party_kill west TERM
approved_run "${left[@]}"
done_at "$run" "${left[@]}" coordinator
[ ! -e "$(model_of west "$run")" ] || die "west has a model of a run without it"
still_good "$joined" north "$at/v5.note"
still_good "$before" north "$at/v1.note"
"$COFFERDAM" audit verify "$(bundle_of west "$joined")" --roster "$at/v5.note" >/dev/null || die "west cannot audit what it took part in"
"$COFFERDAM" run show "$before" --node "$at/north" | grep -q "^phase      of an earlier roster" || die "an earlier run is not shown"
"$COFFERDAM" run list --node "$at/north" | grep -q "^${before:0:12}  done    of an earlier roster$" || die "an earlier run is not in the list"
"$COORDINATOR" check "$at/coordinator" >"$at/checked" || die "check of a later roster"
grep -q "^roster    version 6, 4 members: north south east hill$" "$at/checked" || die "check of a later roster: $(cat "$at/checked")"
grep -q "whether the members before it signed: cofferdam roster show .* --previous" "$at/checked" || die "who signed is taken for known"
good
