#!/bin/bash
# A node whose disk is full stops with a sentence, or waits; with room again the run goes on to the same model.
. "$(dirname "$0")/../support/e2e.sh"
[ "$(id -u)" -eq 0 ] || { echo "only root can mount a small disk"; good; exit 77; }
banks=(north south east)
e2e_make "${banks[@]}"
disk=$HOME_DIR/east/state
mkdir "$disk"
mount -t tmpfs -o size=24m,mode=0700 tmpfs "$disk" 2>/dev/null || { echo "no small disk can be mounted here"; good; exit 77; }
AT_END=(unmount)
unmount() {
    umount -l "$disk"
    e2e_end
}
e2e_start "${banks[@]}"
until_true 10 "$NODE" status "$HOME_DIR/east" || die "east does not start"
fill() { head -c 48m /dev/zero >"$disk/ballast" 2>/dev/null; }
mend() { rm "$disk/ballast"; }
goes_on() { # RUN: with room again to the same model; east is started when it stopped, which it does with code 3 alone
    local until=$((SECONDS + 40 * PATIENCE))
    until [ -s "$(model_of east "$1")" ]; do
        [ $SECONDS -lt $until ] || die "with room again the run does not end at east"
        if ! kill -0 "${PROCESS[east]}" 2>/dev/null; then
            wait "${PROCESS[east]}"
            [ $? -eq 3 ] || die "east ended with another code than 3"
            node_start east
        fi
        sleep 0.1
    done
    watch north "$1" >/dev/null || die "with room again the run fails"
    watch east "$1" >/dev/null || die "with room again the run fails at east"
    same_models "$1" north south east
}

# Full before the table can be frozen: east says so, is awaited, and tries again.
fill
run=$(submit north) || die "not submitted"
until_true 20 grep -qE "full|space" "$HOME_DIR/east/log" || die "east does not say that its disk is full"
"$COFFERDAM" run show "$run" --node "$HOME_DIR/north" | grep -q "^awaited .*east" || die "east is not awaited"
mend
goes_on "$run"

# Full in the middle of a run.
said=$(wc -l <"$HOME_DIR/east/log")
run=$(submit north) || die "not submitted again"
until_true 20 log_has east "${run:0:12}: .*attest" || die "east does not join"
fill
sleep 1
tail -n +"$said" "$HOME_DIR/east/log" | grep -qE "full|space" && echo "the store was full"
mend
goes_on "$run"

# The coordinator's disk, full in the middle of a run: it stops with the reason, and what it acknowledged is still there.
party_kill coordinator TERM
hub=$HOME_DIR/coordinator/state
mkdir "$HOME_DIR/kept" && cp -a "$hub/." "$HOME_DIR/kept" && mount -t tmpfs -o size=24m,mode=0700 tmpfs "$hub" || die "no second small disk"
AT_END=(unmount_both)
unmount_both() {
    umount -l "$hub"
    unmount
}
cp -a "$HOME_DIR/kept/." "$hub"
coordinator_start
run=$(submit north) || die "not submitted to the coordinator on the small disk"
until_true 20 log_has coordinator "${run:0:12}: round 1" || die "the run does not begin"
head -c 48m /dev/zero >"$hub/ballast" 2>/dev/null
stopped() { ! kill -0 "${PROCESS[coordinator]}"; }
until_true 20 stopped || die "the coordinator goes on with a full disk"
wait "${PROCESS[coordinator]}"
[ $? -eq 3 ] || die "the coordinator ended with another code than 3"
tail -n 1 "$HOME_DIR/coordinator/log" | grep -qE "state.db: .*(full|space).* start again" || die "it does not say why: $(tail -n 1 "$HOME_DIR/coordinator/log")"
rm "$hub/ballast"
coordinator_start
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "with room again at the coordinator no model at $bank"; done
same_models "$run" coordinator "${banks[@]}"
good
