#!/bin/bash
# A node whose disk is full stops with a sentence, or waits; with room again the run goes on to the same model.
. "$(dirname "$0")/../support/e2e.sh"
[ "$(id -u)" -eq 0 ] || { echo "only root can mount a small disk"; good; exit 77; }
banks=(north south east)
e2e_make "${banks[@]}"
disk=$HOME_DIR/east/state
mkdir "$disk"
mount -t tmpfs -o size=4m,mode=0700 tmpfs "$disk" 2>/dev/null || { echo "no small disk can be mounted here"; good; exit 77; }
AT_END=(unmount)
unmount() {
    umount -l "$disk"
    e2e_end
}
e2e_start "${banks[@]}"
until_true 10 "$NODE" status "$HOME_DIR/east" || die "east does not start"
head -c 16m /dev/zero >"$disk/ballast" 2>/dev/null
run=$(submit north) || die "not submitted"
until_true 20 grep -qE "full|space" "$HOME_DIR/east/log" || die "east does not say that its disk is full"
grep -q "east" <("$COFFERDAM" run show "$run" --node "$HOME_DIR/north") || die "east is not awaited"
rm "$disk/ballast"
if ! kill -0 "${PROCESS[east]}" 2>/dev/null; then
    wait "${PROCESS[east]}"
    [ $? -eq 3 ] || die "east ended with $?, not 3"
    node_start east
fi
watch north "$run" >/dev/null || die "with room again the run fails"
watch east "$run" >/dev/null || die "with room again the run fails at east"
same_models "$run" north south east
good
