#!/bin/bash
# Pre-shared keys of pairs: the same model with them; a pair whose keys differ stops the run and is named.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
head -c 32 /dev/urandom >"$HOME_DIR/shared.psk"
head -c 32 /dev/urandom >"$HOME_DIR/other.psk"
chmod 600 "$HOME_DIR"/*.psk
e2e_start "${banks[@]}"
plain=$(submit north) || die "not submitted"
watch north "$plain" >/dev/null || die "the plain run failed"

with() { # BANK OTHER FILE: uses this key with that bank
    [ -z "${PROCESS[$1]:-}" ] || party_kill "$1" TERM
    sed -i '/^psk:/d' "$HOME_DIR/$1/node.yaml"
    echo "psk: [{member: $2, file: ../$3}]" >>"$HOME_DIR/$1/node.yaml"
    node_start "$1"
}
with north south shared.psk
with south north shared.psk
run=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "with keys the run fails at $bank"; done
cmp "$(model_of north "$plain")" "$(model_of north "$run")" || die "keys changed the model"

with south north other.psk
run=$(submit north) || die "not submitted"
watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "a run with two different keys is done"
grep -q "north" "$HOME_DIR/watched" && grep -q "south" "$HOME_DIR/watched" || die "$(cat "$HOME_DIR/watched")"
head -c 16 /dev/urandom >"$HOME_DIR/other.psk"
party_kill south TERM
expect_exit 2 "at least 32" "$NODE" run "$HOME_DIR/south"
good
