#!/bin/bash
# A daemon's key as a credential of systemd: found by its name, and accepted as systemd hands it over.
. "$(dirname "$0")/../support/e2e.sh"
e2e_make north south east
given=$HOME_DIR/credentials
mkdir -m 700 "$given"
cp "$HOME_DIR/coordinator/node.key" "$given/"
rm "$HOME_DIR/coordinator/node.key"
coordinator=("$COORDINATOR" check "$HOME_DIR/coordinator")
expect_exit 3 'node.key' "${coordinator[@]}"
export CREDENTIALS_DIRECTORY=$given
"${coordinator[@]}" | grep -q "^key  *$given/node.key$" || die "the coordinator does not take its key from the credentials"

# An access list on root's file shows as bits of the group; others' bits are none of it, and neither is another place.
if [ "$(id -u)" -eq 0 ]; then
    chown 0:0 "$given/node.key"
    chmod 440 "$given/node.key"
    "${coordinator[@]}" >/dev/null || die "a credential with an access list is refused"
    chmod 444 "$given/node.key"
    expect_exit 2 'others can open this secret file (mode 444)' "${coordinator[@]}"
    chmod 440 "$given/node.key"
    CREDENTIALS_DIRECTORY='' expect_exit 3 'node.key' "${coordinator[@]}"
    mv "$given/node.key" "$HOME_DIR/coordinator/node.key"
    expect_exit 2 'others can open this secret file (mode 440)' "${coordinator[@]}"
    mv "$HOME_DIR/coordinator/node.key" "$given/node.key"
    chmod 400 "$given/node.key"
fi

# A credential of another name changes nothing.
mv "$given/node.key" "$HOME_DIR/coordinator/node.key"
chmod 600 "$HOME_DIR/coordinator/node.key"
cp "$HOME_DIR/north/node.key" "$given/north.key"
"${coordinator[@]}" | grep -q "^key  *$HOME_DIR/coordinator/node.key$" || die "a credential of another name was taken"
# That of another party is refused by the roster.
mv "$given/north.key" "$given/node.key"
expect_exit 2 "the roster names another key for the coordinator" "${coordinator[@]}"
good
