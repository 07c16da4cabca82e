#!/bin/bash
# A run with both daemons under what their systemd units take away (tests/e2e/lib/confined.py): no call outside the lists.
. "$(dirname "$0")/../support/e2e.sh"
skip() { # REASON
    good
    echo "$1"
    exit 77
}
command -v systemd-analyze >/dev/null || skip "systemd-analyze, which knows the groups of calls, is not installed"
python3 -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null || skip "libseccomp2 is not installed"
[ -z "${BUILD##*san-*}" ] && skip "a sanitizer makes calls of its own"
e2e_make north south east
inside=$(realpath "$HOME_DIR")
for daemon in node coordinator; do
    printf '#!/bin/bash\nexec python3 -B %q %q %q "$@"\n' "$PWD/tests/e2e/lib/confined.py" \
        "$PWD/install/systemd/cofferdam-$daemon.service" "$(realpath "$BUILD")/cofferdam-$daemon" >"$inside/confined-$daemon"
    chmod +x "$inside/confined-$daemon"
done
status=("$NODE" status)
NODE=$inside/confined-node COORDINATOR=$inside/confined-coordinator
if [ "$(id -u)" -eq 0 ]; then
    chown -R 65534:65534 "$HOME_DIR"
    chown 0:0 "$HOME_DIR"/*/identity.key # who submits is somebody else
    setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$inside" -a -x "$(realpath "$BUILD")/cofferdam-node" ||
        skip "another user than root does not reach $inside"
fi
# The filter is there: a call that is not on the list ends the program.
PATH=$PATH:/usr/sbin
{ python3 -B tests/e2e/lib/confined.py install/systemd/cofferdam-node.service "$(command -v chroot)" / true; } 2>/dev/null
[ $? -eq 159 ] || die "a call outside the list is not noticed"

e2e_start north south east
until_true 20 "${status[@]}" "$HOME_DIR/north" || die "the node does not answer under its unit"
run=$(submit north) || die "submit"
for bank in north south east; do watch "$bank" "$run" >/dev/null || die "$bank has no model"; done
same_models "$run" north south east
"$NODE" check "$HOME_DIR/north" --plan "$HOME_DIR/plan.note" >/dev/null 2>"$HOME_DIR/said"
[ $? -lt 128 ] || die "check is killed: $(cat "$HOME_DIR/said")"
for party in north south east coordinator; do
    pid=${PROCESS[$party]}
    kill -TERM "$pid" && wait "$pid" 2>/dev/null || die "$party does not end in order: $?"
    unset "PROCESS[$party]"
done
good
