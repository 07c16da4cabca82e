#!/bin/bash
# Damaged databases and a directory that cannot be written: a daemon refuses to start, with one sentence that names the file
# and says what to do; doing that brings everything back. What it does not notice did not matter.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
parties=(coordinator "${banks[@]}")
e2e_make "${banks[@]}"
e2e_start "${banks[@]}"
first=$(submit north) || die "not submitted"
watch north "$first" >/dev/null || die "the undisturbed run failed"
# In the middle of a second one all stop, those whose files are damaged below in order, so that no log is left.
run=$(submit north) || die "not submitted again"
until_true 20 log_has coordinator "${run:0:12}: round 2" || die "the run does not begin"
for party in coordinator north; do party_kill "$party" TERM; done
for party in south east; do party_kill "$party"; done
for party in coordinator north; do cp -a "$HOME_DIR/$party/state" "$HOME_DIR/$party/whole"; done

program() { if [ "$1" = coordinator ]; then echo "$COORDINATOR"; else echo "$NODE"; fi; } # PARTY
restore() { # PARTY
    rm -rf "$HOME_DIR/$1/state"
    cp -a "$HOME_DIR/$1/whole" "$HOME_DIR/$1/state"
}
flip() { # FILE OFFSET: one bit of the byte there
    python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1)
f.seek(int(sys.argv[2])); f.write(bytes([b[0] ^ 4]))' "$1" "$2"
}
refused() { # PARTY FILE REMEDY: and what is refused once is not mended by asking again
    expect_exit 3 "$1/state/$2: the" timeout 20 "$(program "$1")" run "$HOME_DIR/$1"
    expect_exit 3 "$3" timeout 20 "$(program "$1")" run "$HOME_DIR/$1"
    "$(program "$1")" check "$HOME_DIR/$1" 2>&1 | grep -q "$3" || die "check of $1 says nothing of $2"
    cmp -s "$HOME_DIR/$1/damaged" "$HOME_DIR/$1/state/$2" || die "$1 changed a damaged $2"
    restore "$1"
}
RESTORE="move the directory away and restore it from a backup"
VOID="move it and what begins with its name away, and the rounds under way are voided"

for party in coordinator north; do
    for file in state.db secrets.db; do
        remedy=$RESTORE
        [ $file = state.db ] || remedy=$VOID
        size=$(stat -c %s "$HOME_DIR/$party/whole/$file")
        target=$HOME_DIR/$party/state/$file
        for damage in "cut to half" "cut to a page" "no header" "no page but the first"; do
            case $damage in
            "cut to half") truncate -s $(((size / 8192 > 0 ? size / 8192 : 1) * 4096)) "$target" ;;
            "cut to a page") truncate -s 4096 "$target" ;;
            "no header") dd if=/dev/zero of="$target" bs=100 count=1 conv=notrunc status=none ;;
            *) dd if=/dev/zero of="$target" bs=4096 seek=1 count=$((size / 4096 - 1)) conv=notrunc status=none ;;
            esac
            cp "$target" "$HOME_DIR/$party/damaged"
            refused "$party" "$file" "$remedy"
        done
        restore "$party"
    done
    : >"$HOME_DIR/$party/state/state.db"
    cp "$HOME_DIR/$party/state/state.db" "$HOME_DIR/$party/damaged"
    refused "$party" state.db "$RESTORE"
done

# One bit anywhere in a page that holds something.
noticed=0
file=$HOME_DIR/north/state/state.db
size=$(stat -c %s "$file")
for at in $(seq 4100 $((size / 16)) "$size"); do
    flip "$file" "$at"
    said=$(timeout 1 "$NODE" run "$HOME_DIR/north" 2>&1 >/dev/null)
    case $? in
    124) ;; # it started: no record was changed
    3) case $said in *"state.db: the"*" damaged"*"$RESTORE"*) noticed=$((noticed + 1)) ;; *) die "byte $at: $said" ;; esac ;;
    *) die "byte $at: $said" ;;
    esac
    restore north
done
[ $noticed -ge 4 ] || die "only $noticed flipped bits were noticed"

# What cannot be written is said before anything is promised.
if mount --bind "$HOME_DIR/north/state" "$HOME_DIR/north/state" 2>/dev/null && mount -o remount,bind,ro "$HOME_DIR/north/state"; then
    expect_exit 3 "north/state/lock: cannot be written (Read-only file system)" timeout 20 "$NODE" run "$HOME_DIR/north"
    umount -l "$HOME_DIR/north/state"
else
    echo "no read-only mount can be made here"
fi

# All whole again: the run that was under way ends as the first did. A secrets.db that was moved away costs rounds alone.
rm -f "$HOME_DIR"/north/state/secrets.db*
echo "patience_seconds: 2" >>"$HOME_DIR/coordinator/coordinator.yaml"
e2e_start "${banks[@]}"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank after everything was restored"; done
same_models "$run" "${parties[@]}"
cmp "$(model_of north "$first")" "$(model_of north "$run")" || die "another model"
echo "$noticed flipped bits noticed"
good
