#!/bin/bash
# The console of real daemons in a browser: the address that the command prints, a run watched from its beginning to its end,
# what it left, every view on a phone and a desktop, light and dark, by keyboard and to an accessibility checker.
. "$(dirname "$0")/../support/e2e.sh"
command -v chromium >/dev/null || { echo "chromium is not installed: tests/check/deps --all"; good; exit 77; }
[ -d tests/console/node_modules ] || { echo "the browser's driver is not there: tests/check/deps --all"; good; exit 77; }
[ -x "$BUILD/protocol/1-1/cofferdam-node" ] || die "programs of other versions are not built"
banks=(north south east)
e2e_make "${banks[@]}"
for party in north coordinator; do
    kind=node
    [ $party != coordinator ] || kind=coordinator
    printf 'console: {address: "127.0.0.1:%s"}\n' "$(free_port)" >>"$HOME_DIR/$party/$kind.yaml"
done
# Names that would be markup, were they taken for it: of a plan, a purpose, a column, a level, an officer.
PURPOSE='<img src=x onerror=alert(1)>'
for bank in "${banks[@]}"; do
    sed -i "s/credit-risk/'$PURPOSE'/" "$HOME_DIR/$bank/policy.yaml"
    sed -i '1s/sex/<u>sex/; s/,f,/,<b>f,/' "$HOME_DIR/$bank/rows.csv"
done
"$COFFERDAM" keygen --officer --org north --name "<i>ada" --no-passphrase --out "$HOME_DIR/ada" --json >"$HOME_DIR/ada.json"
sed -i "s/\(- {author.*\)}/\1, approvals: 1}/" "$HOME_DIR/north/policy.yaml"
printf "officers:\n  - {name: '<i>ada', key: %s}\n" "$(sed -n 's/.*"key": "\(.*\)".*/\1/p' "$HOME_DIR/ada.json")" >>"$HOME_DIR/north/policy.yaml"
plan() { # NAME PURPOSE
    sed -i "s/^name: .*/name: '$1'/; s/^purpose: .*/purpose: '$2'/" "$HOME_DIR/plan.yaml"
    rm -f "$HOME_DIR/plan.note"
    "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null || die "no plan"
}
sed -i "/^train/i split: {fraction: 0.2, seed: s1}
    s/{name: sex, \(.*\)levels: .*/{name: '<u>sex', \1levels: ['<b>f', m], baseline: '<b>f'}/" "$HOME_DIR/plan.yaml"
export CONSOLE_SHOTS=${CONSOLE_SHOTS:-}

e2e_start north
standing() { "$NODE" plans "$HOME_DIR/north" | grep -q "^$2 *run $1 "; } # RUN STANDING
plan '<i>refused' '<b>other'
run=$(submit north) || die "not submitted"
until_true 20 standing "$run" refused || die "it is not refused: $("$NODE" plans "$HOME_DIR/north")"
plan '<b>small' "$PURPOSE"
run=$(submit north) || die "not submitted"
until_true 20 standing "$run" waits || die "it waits for no officer: $("$NODE" plans "$HOME_DIR/north")"
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

browse officer "$(address "$NODE" north)"
wait $! || { shots; die "$(cat "$HOME_DIR/officer-browser/said")"; }
"$NODE" approve "$HOME_DIR/north" --key "$HOME_DIR/ada/officer.key" --run "$run" >/dev/null || die "not approved"
url=$(address "$COORDINATOR" coordinator)
[ -n "$url" ] || die "no address of the coordinator's console"
browse coordinator "$url"
browser=$!
until_true 60 watched coordinator || die "the page does not watch"
for bank in south east; do node_start $bank; done
for round in 2 6; do # slow enough to be seen: a page is told what is new every 400 ms
    until_true 20 log_has south "round $round checked here" || die "round $round does not come"
    kill -STOP "${PROCESS[south]}"
    sleep 1
    kill -CONT "${PROCESS[south]}"
done
away() { [ -e "$HOME_DIR/coordinator-browser/$1" ] || ! kill -0 "$browser" 2>/dev/null; }
until_true 60 away away
party_kill coordinator TERM
until_true 60 away back
party_kill east TERM # and comes back as the program of before
NODE="$BUILD/protocol/1-1/cofferdam-node" node_start east
coordinator_start
until_true 10 "$COORDINATOR" status "$HOME_DIR/coordinator" || die "the coordinator does not come back"
address "$COORDINATOR" coordinator >"$HOME_DIR/address"
mv "$HOME_DIR/address" "$HOME_DIR/coordinator-browser/url"
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
