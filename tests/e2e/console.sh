#!/bin/bash
# The console of real daemons in a browser: the address that the command prints, a run watched from its beginning to its end,
# what it left, every view on a phone and a desktop, light and dark, by keyboard and to an accessibility checker.
. "$(dirname "$0")/../support/e2e.sh"
command -v chromium >/dev/null || { echo "chromium is not installed: tests/check/deps --all"; good; exit 77; }
[ -d tests/console/node_modules ] || { echo "the browser's driver is not there: tests/check/deps --all"; good; exit 77; }
banks=(north south east)
e2e_make "${banks[@]}"
for party in north coordinator; do
    kind=node
    [ $party != coordinator ] || kind=coordinator
    printf 'console: {address: "127.0.0.1:%s"}\n' "$(free_port)" >>"$HOME_DIR/$party/$kind.yaml"
done
sed -i '/^train/i split: {fraction: 0.2, seed: s1}' "$HOME_DIR/plan.yaml"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/signed.note" >/dev/null || die "no plan"
mv "$HOME_DIR/signed.note" "$HOME_DIR/plan.note"
export CONSOLE_SHOTS=${CONSOLE_SHOTS:-}

e2e_start north
run=$(submit north) || die "not submitted"
address() { # PROGRAM PARTY: what its command prints
    "$1" console "$HOME_DIR/$2" | sed -n 's/^\(http:.*#token=.*\)$/\1/p'
}
browse() { # ROLE URL: in the background
    mkdir -p "$HOME_DIR/$1-browser"
    timeout $((60 * PATIENCE)) node tests/console/console.js "$HOME_DIR/$1-browser" "$1" "$2" 2>"$HOME_DIR/$1-browser/said" &
}
shots() { [ -z "$CONSOLE_SHOTS" ] || cp "$HOME_DIR"/*-browser/*.png "$CONSOLE_SHOTS"; }
watched() { # ROLE
    [ -e "$HOME_DIR/$1-browser/ready" ] || ! kill -0 "$browser" 2>/dev/null
}

url=$(address "$COORDINATOR" coordinator)
[ -n "$url" ] || die "no address of the coordinator's console"
browse coordinator "$url"
browser=$!
until_true 60 watched coordinator || die "the page does not watch"
for bank in south east; do node_start $bank; done
wait $browser || { shots; die "$(cat "$HOME_DIR/coordinator-browser/said")"; }
url=$(address "$NODE" north)
[ -n "$url" ] || die "no address of the node's console"
browse node "$url"
wait $! || { shots; die "$(cat "$HOME_DIR/node-browser/said")"; }
shots
for role in coordinator node; do
    "$COFFERDAM" audit verify "$HOME_DIR/$role-browser/$role.cfd" >/dev/null || die "the bundle downloaded from the $role does not verify"
done
! grep -q "${url#*token=}" "$HOME_DIR/coordinator/log" || die "the token is in the log"
! grep -qE 'ThreadSanitizer|ERROR: AddressSanitizer|runtime error' "$HOME_DIR"/*/log || die "a sanitizer has something to say"
good
