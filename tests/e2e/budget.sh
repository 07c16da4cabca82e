#!/bin/bash
# The privacy budget of a bank's data: what runs cost over kills, rounds that are given up, and runs at the same time; the
# journal and the bundle say the same; what does not fit is refused with its line.
. "$(dirname "$0")/lib/failpoints.bash"
banks=(north south east)
e2e_make "${banks[@]}"
cp "$HOME_DIR/plan.note" "$HOME_DIR/exact.note"
sed -i '/number/s/resolution: 1/resolution: 1, missing: mean, outside: clamp/
    s/baseline: f/missing: level, other: level, baseline: f/
    s/tolerance: 1.0e-8, rounds: 25/rounds: 3/
    $a privacy: {epsilon: 4, delta: 1.0e-6}' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null ||
    die "no plan with privacy"
south=$HOME_DIR/south
journal=$south/state/journal.jsonl
echo "patience_seconds: 1" >>"$HOME_DIR/coordinator/coordinator.yaml"

again() { # LINE...: south with these lines under privacy in its policy; FAILPOINT= where it dies
    policy_config south north credit-risk 3
    [ $# -eq 0 ] || { echo "privacy:" && printf '  %s\n' "$@"; } >>"$south/policy.yaml"
    party_kill south "${SIGNAL:-TERM}"
    COFFERDAM_FAILPOINT=${FAILPOINT:-} node_start south
    until_true 10 "$NODE" status "$south" || die "south does not start with its policy: $(cat "$south/policy.yaml")"
}
refused() { # TEXT [PLAN.note]: south refuses a run, and nothing of it leaves
    local run
    [ -z "${2:-}" ] || cp "$2" "$HOME_DIR/plan.note"
    run=$(submit north) || die "not submitted"
    watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "the run is done although south refuses"
    grep -qF "south refuses: $1" "$HOME_DIR/watched" || die "not 'south refuses: $1' but: $(cat "$HOME_DIR/watched")"
    until_true 10 grep -q "\"event\":\"refused\".*$run" "$journal" || die "south's journal does not tell"
    ! grep -qE "\"event\":\"(sent|reserved)\".*$run" "$journal" || die "something left, or is reserved"
}
# What the ledger says and what the journal, whose every "sent" is a masked input: the same to the last digit, for every run
# and source. Prints the ρ spent over the source.
accounts() {
    "$NODE" budget "$south" --json >"$HOME_DIR/budget.json" || die "budget"
    "$COFFERDAM" audit journal "$journal" --roster "$HOME_DIR/roster.note" --json >"$HOME_DIR/audit.json" || die "the journal does not hold"
    python3 - "$HOME_DIR/budget.json" "$HOME_DIR/audit.json" <<'END' || die "ledger and journal disagree"
import json, sys
budget, audit = (json.load(open(path)) for path in sys.argv[1:])
told = {run["run"]: run for run in audit["runs"] if "reserved" in run}
assert set(told) == {run["run"] for run in budget["runs"]}, (budget, told)
for run in budget["runs"]:
    journal = told[run["run"]]
    charged = {charge["step"]: charge["rho"] for charge in journal["charged"]}
    assert set(charged) == {sent["step"] for sent in journal["sent"]}, journal
    assert abs(sum(charged.values()) - run["spent"]) < 1e-12 and run["spent"] <= run["reserved"], run
    assert run["spent"] == (journal["charged"][-1]["spent"] if charged else 0), run
    assert run["open"] == ("released" not in journal) == (journal["state"] == "open"), journal
    assert run["plan"] == "small" and run["author"] == "north" and run["purpose"] == "credit-risk", run
(source,), (all,) = budget["sources"], audit["budgets"]
assert source["source"] == all["source"] == "customers", source
assert source["spent"] == all["spent"] and source["reserved"] == all["reserved"], (source, all)
print(source["spent"])
END
}
# While a run goes on: what the journal tells, read first, is in the ledger, read afterwards.
covered() {
    "$COFFERDAM" audit journal "$journal" --roster "$HOME_DIR/roster.note" --json >"$HOME_DIR/audit.json" || die "the journal does not hold"
    "$NODE" budget "$south" --json >"$HOME_DIR/budget.json" || die "budget"
    python3 - "$HOME_DIR/budget.json" "$HOME_DIR/audit.json" <<'END' || die "the ledger has less than was sent"
import json, sys
budget, audit = (json.load(open(path)) for path in sys.argv[1:])
spent = {run["run"]: run["spent"] for run in budget["runs"]}
for run in audit["runs"]:
    assert "reserved" not in run or spent[run["run"]] >= ([0] + [charge["spent"] for charge in run["charged"]])[-1], run
END
}
same() { python3 -c 'import sys; assert abs(float(sys.argv[1]) - float(sys.argv[2])) < 1e-12, sys.argv' "$1" "$2" || die "$3: $1, not $2"; }
of_json() { python3 -c "import json, sys; told = json.load(open(sys.argv[1])); print($2)" "$1"; } # FILE EXPRESSION
run_here() { # [RUN]: until it is done at south
    local run=${1:-}
    [ -n "$run" ] || run=$(submit north) || die "not submitted"
    watch south "$run" >/dev/null || die "no model at south"
    echo "$run"
}

# What one run costs, undisturbed, where there is no budget: it is counted all the same.
e2e_start "${banks[@]}"
until_true 10 "$NODE" status "$south" || die "south does not start"
[ "$("$NODE" budget "$south")" = "source    customers: no budget; spent rho 0, reserved rho 0" ] || die "a node that has spent nothing: $("$NODE" budget "$south")"
run=$(run_here) || exit 1
cost=$(accounts) || exit 1
reserved=$(of_json "$HOME_DIR/budget.json" 'told["runs"][0]["reserved"]')
"$NODE" budget "$south" | grep -qE "^run +${run:0:12}  20..-..-.. ..:..:..Z  small, by north for credit-risk, over customers: spent rho 0\.[0-9]+ \(epsilon 4 at delta 1e-06\)$" ||
    die "budget: $("$NODE" budget "$south")"
for form in full public; do
    bundle=$HOME_DIR/$form.cfd
    if [ $form = full ]; then
        until_true 20 test -e "$south/state/runs/$run/run.cfd" && cp "$south/state/runs/$run/run.cfd" "$bundle"
    else "$COFFERDAM" audit redact "$HOME_DIR/full.cfd" -o "$bundle" >/dev/null; fi || die "no bundle"
    "$COFFERDAM" audit journal "$journal" --roster "$HOME_DIR/roster.note" --bundle "$bundle" >"$HOME_DIR/told" ||
        die "the journal against the $form bundle: $(tail -n 1 "$HOME_DIR/told")"
done
grep -qE "^  privacy    rho 0\.[0-9]+ spent \(epsilon 4 at delta 1e-06\) in 7 steps, of rho 0\.[0-9]+ reserved; the rest is free again$" "$HOME_DIR/told" ||
    die "audit journal: $(grep privacy "$HOME_DIR/told")"

# South dies before and after each batch of a run that lets an input leave: what was sent is charged, once.
for point in "node: before a step's batch" "node: a step's batch is durable" "node: the table is frozen, the run not kept"; do
    for pass in 1 4 9 16 23; do
        [[ $point != *frozen* || $pass = 1 ]] || continue
        before=$(accounts) || exit 1
        FAILPOINT="$point:$pass" again
        run=$(submit north) || die "not submitted"
        until_true 20 bash -c "! kill -0 ${PROCESS[south]} 2>/dev/null" || { echo "not so often: $point:$pass" && run_here "$run" >/dev/null; }
        SIGNAL=KILL again
        covered
        run_here "$run" >/dev/null || exit 1
        after=$(accounts) || exit 1
        same "$after" "$(python3 -c "print($before + $cost)")" "after a death at $point:$pass"
    done
done

# Another bank loses its secrets before it has masked its input: the round is given up, and south masks the step again with
# the same noise.
before=$(accounts) || exit 1
party_kill east
COFFERDAM_FAILPOINT="node: before a contribution:2" node_start east
run=$(submit north) || die "not submitted"
until_true 20 bash -c "! kill -0 ${PROCESS[east]} 2>/dev/null" || die "east does not come to its second contribution"
until_true 20 bash -c "[ \$(grep -c '\"event\":\"sent\".*$run' '$journal') -eq 2 ]" || die "south does not mask its second input"
rm -f "$HOME_DIR/east/state/secrets.db"*
node_start east
run_here "$run" >/dev/null || exit 1
[ "$(grep "\"event\":\"sent\".*$run" "$journal" | grep -c '"step":1,')" -ge 2 ] || die "no step was masked twice"
same "$(accounts)" "$(python3 -c "print($before + $cost)")" "after a round that was given up"

# Budgets: of the run, of the source; and plans without privacy.
taken=$(accounts) || exit 1
again "run: {epsilon: 3.9, delta: 1.0e-6}"
refused "policy.yaml:13: the plan costs rho "
again "required: yes"
cp "$HOME_DIR/plan.note" "$HOME_DIR/private.note"
refused "policy.yaml:13: the plan has no privacy, and this bank asks for it" "$HOME_DIR/exact.note"
again "budgets: [{source: customers, epsilon: 4, delta: 1.0e-6}]"
refused "policy.yaml:13: the plan has no privacy, and this bank's data have a privacy budget"
refused "policy.yaml:13: the plan costs rho " "$HOME_DIR/private.note"
grep -q "and less is left of this bank's privacy budget" "$HOME_DIR/watched" || die "$(cat "$HOME_DIR/watched")"
expect_exit 1 "policy.yaml:13: the plan costs rho" "$NODE" check "$south" --plan "$HOME_DIR/plan.note"
"$NODE" check "$south" --plan "$HOME_DIR/plan.note" 2>/dev/null | grep -q "of which rho 0 is left" || die "check does not tell what is left"
party_kill south TERM
expect_exit 1 "policy.yaml:13: the plan costs rho" "$NODE" check "$south" --plan "$HOME_DIR/plan.note"
node_start south

# A budget of another name would bound nothing.
cp "$south/policy.yaml" "$HOME_DIR/policy.good"
sed -i 's/source: customers/source: clients/' "$south/policy.yaml"
expect_exit 2 "policy.yaml:13: none of the privacy budgets is of this node's source, customers" "$NODE" check "$south"
cp "$HOME_DIR/policy.good" "$south/policy.yaml"

# Two runs at once, each of which fits alone: one is refused, with its reason. Its budget is what is taken, and between one
# run and two.
mapfile -t lines < <(for epsilon in $(seq 4 0.25 30); do echo "  - {source: e$epsilon, epsilon: $epsilon, delta: 1.0e-6}"; done)
again "budgets:" "  - {source: customers, epsilon: 90, delta: 1.0e-6}" "${lines[@]}"
"$NODE" budget "$south" --json >"$HOME_DIR/budget.json"
epsilon=$(of_json "$HOME_DIR/budget.json" "next(one['epsilon'] for one in sorted(told['sources'], key=lambda one: one.get('rho', 0))
    if one.get('rho', 0) > $taken + 1.2 * $reserved)")
again "budgets: [{source: customers, epsilon: $epsilon, delta: 1.0e-6}]"
"$NODE" budget "$south" --json >"$HOME_DIR/budget.json"
of_json "$HOME_DIR/budget.json" "1 / (1.2 < told['sources'][0]['left'] / $reserved < 2)" >/dev/null || die "no such budget: $("$NODE" budget "$south")"
one=$(submit north) && two=$(submit north) || die "not submitted"
done=0
for run in "$one" "$two"; do
    if watch south "$run" >"$HOME_DIR/watched" 2>&1; then
        done=$((done + 1))
    else
        grep -qE "policy.yaml:13: the plan costs rho .*, and less is left" "$HOME_DIR/watched" || die "$(cat "$HOME_DIR/watched")"
        ! grep -qE "\"event\":\"(sent|reserved)\".*$run" "$journal" || die "something of the refused run left"
    fi
done
[ $done -eq 1 ] || die "$done of two runs at once are done"
same "$(accounts)" "$(python3 -c "print($taken + $cost)")" "after two runs at once"
"$NODE" budget "$south" | grep -qE "^source    customers: budget rho .* for good \(epsilon $epsilon at delta 1e-06\)$" || die "$("$NODE" budget "$south")"

# What was spent stays, whatever is forgotten.
before=$(accounts) || exit 1
"$NODE" forget "$south" "${one:0:16}" >/dev/null || die "not forgotten"
"$NODE" forget "$south" "${two:0:16}" >/dev/null
SIGNAL=KILL again
same "$(accounts)" "$before" "after runs were forgotten"
good
