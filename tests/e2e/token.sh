#!/bin/bash
# Keys in PKCS#11 tokens (SoftHSM): a bank's identity and node key and the coordinator's; runs to the end, also when a token
# is away for a while; what is wrong is said in a sentence.
. "$(dirname "$0")/../support/e2e.sh"
module=/usr/lib/softhsm/libsofthsm2.so
if [ ! -r "$module" ] || ! command -v softhsm2-util >/dev/null || ! command -v pkcs11-tool >/dev/null; then
    good
    echo "softhsm2 and opensc are not installed"
    exit 77
fi
HOME_DIR=$(realpath "$HOME_DIR")
unset SOFTHSM2_CONF

# A SoftHSM of its own for each party, so that one can be taken away: token_make PARTY TOKEN
token_make() {
    mkdir -p "$HOME_DIR/$1-hsm/tokens"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$HOME_DIR/$1-hsm/tokens" \
        >"$HOME_DIR/$1-hsm/softhsm2.conf"
    (umask 077 && printf '%s\n' "secret-pin-$1" >"$HOME_DIR/$1-hsm/pin")
    SOFTHSM2_CONF=$HOME_DIR/$1-hsm/softhsm2.conf softhsm2-util --init-token --free --label "$2" --so-pin so-pin-of-it \
        --pin "secret-pin-$1" >/dev/null || die "no token for $1"
}
with() { # PARTY COMMAND...: that party's SoftHSM
    local SOFTHSM2_CONF=$HOME_DIR/$1-hsm/softhsm2.conf
    export SOFTHSM2_CONF
    [ -n "${BUILD##*san-*}" ] || local -x ASAN_OPTIONS=detect_leaks=0 # of SoftHSM 2.6.1; tests/sys/test_token.c tells them apart
    "${@:2}"
}
query() { echo "?module-path=$module&pin-source=file:$HOME_DIR/$1-hsm/pin"; } # PARTY
take_away() { mv "$HOME_DIR/$1-hsm/tokens" "$HOME_DIR/$1-hsm/away" && mkdir "$HOME_DIR/$1-hsm/tokens"; }
bring_back() { rmdir "$HOME_DIR/$1-hsm/tokens" && mv "$HOME_DIR/$1-hsm/away" "$HOME_DIR/$1-hsm/tokens"; }

banks=(north south east)
token_make north bank
token_make coordinator aggregator
with north "$COFFERDAM" keygen --org north --token "pkcs11:token=bank$(query north)" --out "$HOME_DIR/north" \
    >"$HOME_DIR/made" || die "no keys in a token"
grep -q "^object=identity  made in the token" "$HOME_DIR/made" || die "$(cat "$HOME_DIR/made")"
with coordinator "$COFFERDAM" keygen --org coordinator --token "pkcs11:token=aggregator$(query coordinator)" --json \
    --out "$HOME_DIR/coordinator" | grep -q '"node": true' || die "no key of the coordinator in a token"
for bank in south east; do
    "$COFFERDAM" keygen --org "$bank" --no-passphrase --out "$HOME_DIR/$bank" >/dev/null || die "keygen $bank"
done
[ ! -e "$HOME_DIR/north/node.key" ] && [ ! -e "$HOME_DIR/north/identity.key" ] || die "a key file beside the token"
openssl verify -check_ss_sig -CAfile "$HOME_DIR/north/node.crt" "$HOME_DIR/north/node.crt" >/dev/null 2>&1 ||
    die "the token has not signed the certificate"
north_identity="pkcs11:token=bank;object=identity$(query north)"
north_node="pkcs11:token=bank;object=node$(query north)"
# The keys that are there are used.
with north "$COFFERDAM" keygen --org north --token "pkcs11:token=bank$(query north)" --out "$HOME_DIR/again" |
    grep -q "^object=node  was in the token" || die "keys were made twice"
cmp "$HOME_DIR/north/north.pub" "$HOME_DIR/again/north.pub" || die "other keys the second time"
with north expect_exit 2 "exists; it is never overwritten" "$COFFERDAM" keygen --org north \
    --token "pkcs11:token=bank$(query north)" --out "$HOME_DIR/north"
with north expect_exit 2 "leave object= and id= out" "$COFFERDAM" keygen --org north --token "$north_node" \
    --out "$HOME_DIR/other"
# The node's key alone in a token; the identity in its file.
with coordinator "$COFFERDAM" keygen --org mixed --no-passphrase --out "$HOME_DIR/mixed" \
    --node-token "pkcs11:token=aggregator$(query coordinator)" >"$HOME_DIR/made" || die "no key file beside a token"
[ -s "$HOME_DIR/mixed/identity.key" ] && [ ! -e "$HOME_DIR/mixed/node.key" ] || die "not the identity alone in a file"
cmp "$HOME_DIR/mixed/node.crt" "$HOME_DIR/coordinator/node.crt" || die "another key of the same token"
expect_exit 2 "leave --no-passphrase out" "$COFFERDAM" keygen --org x --no-passphrase --token "$north_node" \
    --out "$HOME_DIR/other"
expect_exit 2 "an officer's key goes into a file" "$COFFERDAM" keygen --org x --officer --name ada --out "$HOME_DIR/other" \
    --token "$north_node"

# The roster, a plan and what runs: north's and the coordinator's signatures come from tokens.
PORT=$(free_port)
"$COFFERDAM" roster new --coordinator "$HOME_DIR/coordinator/coordinator.pub" --address "tls+tcp://127.0.0.1:$PORT" \
    -o "$HOME_DIR/roster.note" "$HOME_DIR"/{north/north,south/south,east/east}.pub >/dev/null || die "no roster"
with north "$COFFERDAM" roster sign "$HOME_DIR/roster.note" --key "$north_identity" >/dev/null || die "roster sign"
for bank in south east; do
    "$COFFERDAM" roster sign "$HOME_DIR/roster.note" --key "$HOME_DIR/$bank/identity.key" >/dev/null || die "$bank"
done
for bank in "${banks[@]}"; do
    rows_make "${#bank}" 400 >"$HOME_DIR/$bank/rows.csv"
    node_config "$bank" rows.csv </dev/null
    policy_config "$bank" south credit-risk 3
done
key_line() { # KEY: as the configuration of north has it
    grep -v '^key:' "$HOME_DIR/north/node.yaml" >"$HOME_DIR/rest"
    { printf 'key: "%s"\n' "$1"; cat "$HOME_DIR/rest"; } >"$HOME_DIR/north/node.yaml"
}
printf 'key: "pkcs11:token=aggregator;object=node%s"\nroster: ../roster.note\nstate: state\n' "$(query coordinator)" \
    >"$HOME_DIR/coordinator/coordinator.yaml"
key_line "$north_node"
plan_make south 3
with north "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$north_identity" -o "$HOME_DIR/north.note" \
    >/dev/null || die "plan sign"
"$COFFERDAM" plan show "$HOME_DIR/north.note" | grep -q north || die "plan show"
start() { with "$1" party_start "$1"; }
start coordinator
start north
node_start south
node_start east
run=$(submit south) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
until_true 5 test -s "$(model_of coordinator "$run")" || die "no model at the coordinator"
same_models "$run" coordinator "${banks[@]}"
for party in coordinator north; do
    bundle=$HOME_DIR/$party/state/runs/$run/run.cfd
    until_true 10 test -s "$bundle" || die "no bundle at $party"
    "$COFFERDAM" audit verify "$bundle" >/dev/null || die "the bundle of $party does not hold"
done
# The coordinator's certificate is the token's key, over TLS 1.3 and nothing older.
openssl s_client -connect "127.0.0.1:$PORT" </dev/null >"$HOME_DIR/tls" 2>&1
grep -q "TLSv1.3" "$HOME_DIR/tls" || die "no TLS 1.3: $(cat "$HOME_DIR/tls")"
grep -q "Peer signature type: ed25519" "$HOME_DIR/tls" || die "no Ed25519: $(cat "$HOME_DIR/tls")"
cmp <(openssl x509 -in "$HOME_DIR/tls") <(openssl x509 -in "$HOME_DIR/coordinator/node.crt") || die "another certificate"
openssl s_client -tls1_2 -connect "127.0.0.1:$PORT" </dev/null >/dev/null 2>&1 && die "TLS 1.2"

# North's token is away before a run: the bank is waited for, and the run goes on when it is back.
take_away north
run=$(submit south) || die "no second run"
until_true 20 log_has north "nothing is signed or sent until it is" || die "north does not say that its token is away"
bring_back north
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no second model at $bank"; done
log_has north "signs again" || die "north does not say that its token is back"
same_models "$run" coordinator "${banks[@]}"

# So is the coordinator; it stops at once when it is told to, and goes on with the run at the next start.
take_away coordinator
run=$(submit south) || true # submitted, or waiting for an answer that is signed
until_true 20 log_has coordinator "nothing is signed or sent until it is" || die "the coordinator does not say it"
kill -TERM "${PROCESS[coordinator]}"
wait "${PROCESS[coordinator]}" || die "the coordinator did not stop gracefully: $?"
unset "PROCESS[coordinator]"
with coordinator expect_exit 3 "the token is not there; insert it" "$COORDINATOR" run "$HOME_DIR/coordinator"
bring_back coordinator
start coordinator
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no third model at $bank"; done
"$COFFERDAM" audit verify "$HOME_DIR/north/state/runs/$run/run.cfd" >/dev/null || die "the third bundle does not hold"

# A node that waits for its token stops at once, too.
take_away north
run=$(submit south) || die "no fourth run"
until_true 20 eval '[ "$(grep -c "nothing is signed or sent until it is" "$HOME_DIR/north/log")" -ge 2 ]' || die "north waits"
# Its commands answer meanwhile, and say what is waited for.
"$NODE" status "$HOME_DIR/north" >"$HOME_DIR/told" || die "no status while the token is away"
grep -q "waits for the token of its key, pkcs11:token=bank;object=node, " "$HOME_DIR/told" || die "$(cat "$HOME_DIR/told")"
expect_exit 3 "waits for the token of its key" "$NODE" plans "$HOME_DIR/north"
"$COFFERDAM" run list --node "$HOME_DIR/north" >"$HOME_DIR/told" 2>&1 || die "no runs: $(cat "$HOME_DIR/told")"
grep -q "^${run:0:12}  open" "$HOME_DIR/told" || die "the run is not told: $(cat "$HOME_DIR/told")"
grep -q "waits for the token of its key" "$HOME_DIR/told" || die "$(cat "$HOME_DIR/told")"
kill -TERM "${PROCESS[north]}"
wait "${PROCESS[north]}" || die "north did not stop gracefully: $?"
unset "PROCESS[north]"
with north expect_exit 3 "the token is not there; insert it" "$NODE" run "$HOME_DIR/north"
bring_back north
start north
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no fourth model at $bank"; done
# A run that the token's bank submits.
sed -i 's/south/north/' "$HOME_DIR"/{north,south,east}/policy.yaml
for bank in "${banks[@]}"; do kill -HUP "${PROCESS[$bank]}"; done
for bank in "${banks[@]}"; do until_true 20 log_has "$bank" "reloading" || die "$bank does not reload"; done
until_true 20 "$NODE" status "$HOME_DIR/north" || die "north does not answer"
run=$(with north "$COFFERDAM" run submit "$HOME_DIR/north.note" --node "$HOME_DIR/north" --key "$north_identity") ||
    die "not submitted with the token's key"
watch east "$run" >/dev/null || die "no model of north's run"
party_kill north TERM
start_fails() { # CODE TEXT: the node of north
    with north expect_exit "$1" "$2" "$NODE" run "$HOME_DIR/north"
}

# What is wrong.
(umask 077 && echo 0000 >"$HOME_DIR/wrong")
key_line "pkcs11:token=bank;object=node?module-path=$module&pin-source=file:$HOME_DIR/wrong"
start_fails 2 "the token refuses the PIN of $HOME_DIR/wrong"
key_line "pkcs11:token=bank;object=node?module-path=$module&pin-source=file:$HOME_DIR/absent"
start_fails 3 "absent: No such file or directory; write the passphrase or PIN into it"
key_line "pkcs11:token=bank;object=node?module-path=/nowhere.so&pin-source=file:$HOME_DIR/north-hsm/pin"
start_fails 3 "the PKCS#11 module /nowhere.so cannot be loaded"
key_line "pkcs11:token=bank;object=other$(query north)"
start_fails 2 "no such private key"
key_line "pkcs11:token=bank;object=identity$(query north)"
start_fails 2 "no member has the node key"
key_line "pkcs11:token=bank$(query north)"
start_fails 2 "more than one private key matches"
with north pkcs11-tool --module "$module" --token-label bank --login --pin secret-pin-north --keypairgen \
    --key-type EC:prime256v1 --label curve --id 77 >/dev/null 2>&1 || die "no P-256 key"
key_line "pkcs11:token=bank;object=curve$(query north)"
start_fails 2 "an Ed25519 key is needed"
key_line "$north_node"
with north "$NODE" check "$HOME_DIR/north" | grep -q "^key .*, which its token keeps$" || die "not ready with the right key"

# Nobody was told a PIN.
grep -rlE "secret-pin-|so-pin-of-it" "$HOME_DIR" --include=log --include='*.yaml' --include='*.note' --include='*.pub' &&
    die "a PIN is where it should not be"
good
