#!/bin/bash
# What operators run into: each is one clear sentence and the right exit code, and nothing is left half-written.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
north=$HOME_DIR/north

# Nothing runs yet.
expect_exit 3 "runs in this directory" "$NODE" status "$north"
expect_exit 3 "no connection" "$NODE" check "$north"
expect_exit 3 "start it first" "$COFFERDAM" run list --node "$north"
expect_exit 2 "a command is missing" "$NODE"
expect_exit 2 "no such command" "$COORDINATOR" walk
expect_exit 2 "usage" "$NODE" run
expect_exit 3 "absent/node.yaml: No such file or directory; name the configuration" "$NODE" run "$HOME_DIR/absent/node.yaml"

# Configuration.
variant() { sed "$1" "$north/node.yaml" >"$north/variant.yaml"; }
variant 's/^log:/logg:/'
expect_exit 2 "variant.yaml:5" "$NODE" run "$north/variant.yaml"
variant 's/^log: info/log: loud/'
expect_exit 2 "log" "$NODE" run "$north/variant.yaml"
for key in allow cohort_minimum approve_cohort_change; do # where they stood before there was a policy
    variant "\$a $key: [x]"
    expect_exit 2 "variant.yaml:10: key \"$key\": stands in the policy now" "$NODE" run "$north/variant.yaml"
done
variant '/^policy:/d'
expect_exit 2 'key "policy" is missing' "$NODE" run "$north/variant.yaml"
variant 's/^policy: .*/policy: nowhere.yaml/'
expect_exit 3 "nowhere.yaml: No such file or directory; policy: has to name" "$NODE" run "$north/variant.yaml"
variant 's/^key: .*/key: nowhere.key/'
expect_exit 3 "nowhere.key: No such file or directory; key: has to name the node.key that cofferdam keygen made" \
    "$NODE" run "$north/variant.yaml"
variant 's/^roster: .*/roster: nowhere.note/'
expect_exit 3 "nowhere.note: No such file or directory; roster: has to name" "$NODE" run "$north/variant.yaml"
sed 's/^roster: .*/roster: nowhere.note/' "$HOME_DIR/coordinator/coordinator.yaml" >"$HOME_DIR/coordinator/variant.yaml"
expect_exit 3 "nowhere.note: No such file or directory; roster: has to name" "$COORDINATOR" run "$HOME_DIR/coordinator/variant.yaml"
{ cat "$HOME_DIR/coordinator/coordinator.yaml"; echo "listen: tls+tcp://192.0.2.1:$PORT"; } >"$HOME_DIR/coordinator/variant.yaml"
expect_exit 3 "; name an address of this machine in listen:, like tls+tcp://0.0.0.0:PORT" \
    "$COORDINATOR" run "$HOME_DIR/coordinator/variant.yaml"
{ cat "$HOME_DIR/coordinator/coordinator.yaml"; echo 'metrics: {address: "192.0.2.1:9464"}'; } >"$HOME_DIR/coordinator/variant.yaml"
expect_exit 3 "metrics: cannot listen at 192.0.2.1:9464: Cannot assign requested address; name an address of this machine" \
    "$COORDINATOR" run "$HOME_DIR/coordinator/variant.yaml"
chmod 0644 "$north/node.key"
expect_exit 2 "node.key" "$NODE" run "$north"
chmod 0600 "$north/node.key"
variant 's/^key: node.key/key: identity.key/'
expect_exit 2 "identity" "$NODE" run "$north/variant.yaml"

# Two of everything.
e2e_start "${banks[@]}"
until_true 10 "$NODE" status "$north" || die "north does not start"
expect_exit 3 "another process" "$NODE" run "$north"
expect_exit 3 "another process" "$COORDINATOR" run "$HOME_DIR/coordinator"
mkdir "$HOME_DIR/second"
cp "$HOME_DIR/coordinator/"{node.key,coordinator.yaml} "$HOME_DIR/second"
expect_exit 3 "$PORT" "$COORDINATOR" run "$HOME_DIR/second"
"$NODE" check "$north" | grep -q '^ready' || die "north is not ready"
"$NODE" check "$north" --plan "$HOME_DIR/plan.note" | grep -q '^ready' || die "north is not ready for the plan"
"$NODE" check "$north" --plan "$HOME_DIR/plan.note" | grep -q '^target    default: "1" (positive) [0-9]*, "0" [0-9]*$' ||
    die "the target's values are not counted"
"$NODE" check "$north" --plan "$HOME_DIR/plan.note" | grep -q '^warning' && die "a warning about a good target"
sed 's/^  file: .*/&\n  columns: [{plan: default, column: is_default}]/' "$north/node.yaml" >"$north/mapped.yaml"
expect_exit 2 "there is no column is_default, which is to be the plan's default; name the bank's own column" "$NODE" check "$north/mapped.yaml"
cp "$north/rows.csv" "$north/rows.good"
echo "4000,44,f,NA" >>"$north/rows.csv"
"$NODE" check "$north" --plan "$HOME_DIR/plan.note" | grep -q '^warning .*"NA" 1; every value but' || die "no warning about NA"
sed 's/positive: "1"/&, negative: ["0"]/' "$HOME_DIR/plan.yaml" >"$HOME_DIR/both.yaml"
expect_exit 1 "do not fit the plan" "$NODE" check "$north" --plan "$HOME_DIR/both.yaml"
cp "$north/rows.good" "$north/rows.csv"
expect_exit 3 "absent.note: No such file or directory; --plan has to name" "$NODE" check "$north" --plan "$HOME_DIR/absent.note"
echo "7000,44,f,1" >>"$north/rows.csv"
expect_exit 1 "do not fit the plan" "$NODE" check "$north" --plan "$HOME_DIR/plan.note"

# Submitting.
submitted() { "$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$north" "$@"; }
expect_exit 2 "not the identity key of north" submitted --key "$HOME_DIR/south/identity.key"
expect_exit 3 "absent.key: No such file or directory; name the identity.key that cofferdam keygen made" \
    submitted --key "$HOME_DIR/absent.key"
expect_exit 2 "no member" submitted --key "$north/identity.key" --member north --member nobody
expect_exit 2 "cannot hide" submitted --key "$north/identity.key" --member north --member south
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org south --key "$HOME_DIR/south/identity.key" -o "$HOME_DIR/other.note" >/dev/null
expect_exit 1 "no signature of north" "$COFFERDAM" run submit "$HOME_DIR/other.note" --node "$north" --key "$north/identity.key"
umask 077
echo right >"$HOME_DIR/right"
echo wrong >"$HOME_DIR/wrong"
COFFERDAM_PASSPHRASE_FILE=$HOME_DIR/right "$COFFERDAM" keygen --org sealed --out "$HOME_DIR/sealed" >/dev/null || die "keygen"
COFFERDAM_PASSPHRASE_FILE=$HOME_DIR/wrong expect_exit 1 "wrong passphrase" submitted --key "$HOME_DIR/sealed/identity.key"
expect_exit 1 "no run ffff" "$COFFERDAM" run show ffff --node "$north"
[ -z "$("$COFFERDAM" run list --node "$north")" ] || die "something was submitted"

# The pinned roster.
party_kill north TERM
cp "$HOME_DIR/roster.note" "$HOME_DIR/roster.good"
sed -i 's/^cofferdam/coferdam/' "$HOME_DIR/roster.note"
expect_exit 1 "not a roster" "$NODE" run "$north"
cp "$HOME_DIR/roster.good" "$HOME_DIR/roster.note"
sed -i "s/127.0.0.1/127.0.0.2/" "$HOME_DIR/roster.note"
expect_exit 1 "does not verify" "$NODE" run "$north"
rm "$HOME_DIR/roster.note"
"$COFFERDAM" roster new --coordinator "$HOME_DIR/coordinator/coordinator.pub" --address "tls+tcp://127.0.0.1:$PORT" \
    -o "$HOME_DIR/roster.note" "$HOME_DIR"/{south,north,east}/*.pub >/dev/null
for bank in "${banks[@]}"; do "$COFFERDAM" roster sign "$HOME_DIR/roster.note" --key "$HOME_DIR/$bank/identity.key" >/dev/null; done
expect_exit 1 "pinned" "$NODE" run "$north"
rm "$HOME_DIR/roster.note"
"$COFFERDAM" roster add "$HOME_DIR/roster.good" --address "tls+tcp://localhost:$PORT" -o "$HOME_DIR/roster.note" >/dev/null
"$COFFERDAM" roster sign "$HOME_DIR/roster.note" --key "$north/identity.key" --previous "$HOME_DIR/roster.good" >/dev/null
expect_exit 1 "pinned" "$NODE" run "$north"
for bank in south east; do
    "$COFFERDAM" roster sign "$HOME_DIR/roster.note" --key "$HOME_DIR/$bank/identity.key" --previous "$HOME_DIR/roster.good" >/dev/null
done
node_start north
until_true 10 log_has north "version 2 is pinned" || die "a successor that the members signed is not accepted"
good
