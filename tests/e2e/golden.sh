#!/bin/bash
# Databases of each format that was released: a coordinator and three banks that were killed in the middle of a run start
# with today's programs, migrate what they have, and go on to the model of then. Of today's format there must be one.
. "$(dirname "$0")/../support/e2e.sh"
case $BUILD in */san-*) echo "a preloaded library and a sanitizer do not go together"; exit 77 ;; esac
banks=(north south east)
for archive in tests/golden/state-*.tar.gz; do
    rm -rf "${HOME_DIR:?}"/*
    tar -C "$HOME_DIR" --no-same-owner -xpzf "$archive" || die "$archive cannot be read"
    run=$(cat "$HOME_DIR/run")
    export PAST_SECONDS=$(($(date +%s) - $(cat "$HOME_DIR/made")))
    PAST_PORT=$(free_port) # the roster of then has another, that may be taken
    export PAST_PORT
    for party in "$HOME_DIR"/*/{node,coordinator}.yaml; do # those of then leave out how the log is written
        [ ! -e "$party" ] || grep -q ^log_format: "$party" || echo "log_format: text" >>"$party"
    done
    echo "listen: tls+tcp://127.0.0.1:$PAST_PORT" >>"$HOME_DIR/coordinator/coordinator.yaml"
    export LD_PRELOAD=$PWD/$BUILD/past.so
    e2e_start "${banks[@]}"
    export -n LD_PRELOAD
    for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "$archive: no model at $bank"; done
    until_true 5 test -s "$(model_of coordinator "$run")" || die "$archive: no model at the coordinator"
    same_models "$run" coordinator "${banks[@]}"
    cmp "$HOME_DIR/model.json" "$(model_of north "$run")" || die "$archive: another model than then"
    log_has north "${run:0:12} goes on" || die "$archive: the run was begun anew"
    for party in coordinator "${banks[@]}"; do party_kill "$party" TERM; done
    for bank in "${banks[@]}"; do
        "$COFFERDAM" audit journal "$HOME_DIR/$bank/state/journal.jsonl" --roster "$HOME_DIR/roster.note" \
            --bundle "$HOME_DIR/$bank/state/runs/$run/run.cfd" >/dev/null ||
            die "$archive: the journal of $bank does not hold"
    done
    formats=$(python3 -c 'import sqlite3, sys
print({sqlite3.connect(path).execute("PRAGMA user_version").fetchone()[0] for path in sys.argv[1:]})' \
        "$HOME_DIR"/{coordinator,north,south,east}/state/{state,secrets}.db)
    echo "$archive: done, now of format $formats"
done
[ -e "tests/golden/state-$(tr -d '{}' <<<"$formats").tar.gz" ] || die "no database of today's format in tests/golden: make golden"
good
