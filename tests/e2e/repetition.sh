#!/bin/bash
# A bank remembers which rows it released exact sums over: a run whose rows differ by few is refused, where the others
# hear only that its data cannot be used; an officer can approve the very run, and a plan with privacy is not asked.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"
policy_line=$(($(wc -l <"$HOME_DIR/south/policy.yaml") + 1))
key=$("$COFFERDAM" keygen --officer --org south --name ada --out "$HOME_DIR/ada" --no-passphrase | grep -o '[0-9a-f]\{64\}' | head -n 1)
[ -n "$key" ] || die "no officer's key"
printf 'repetition: {rows: 10}\nofficers:\n  - {name: ada, key: %s}\n' "$key" >>"$HOME_DIR/south/policy.yaml"
"$COFFERDAM" plan check "$HOME_DIR/plan.yaml" --policy "$HOME_DIR/south/policy.yaml" >"$HOME_DIR/checked"
grep -q "open  *policy.yaml:$policy_line .*this bank's rows must be those of its earlier exact runs, or differ by at least 10" "$HOME_DIR/checked" ||
    die "plan check says nothing of the rule: $(cat "$HOME_DIR/checked")"
e2e_start "${banks[@]}"
rows=$HOME_DIR/south/rows.csv
add_rows() { rows_make "$1" "$2" | tail -n +2 >>"$rows"; } # SEED ROWS
done_by_all() { for bank in "${banks[@]}"; do watch "$bank" "$1" >/dev/null || die "$2: no model at $bank: $(tail -n 3 "$HOME_DIR/south/log")"; done; }

first=$(submit north) || die "not submitted"
done_by_all "$first" "the first run"
[ "$(stat -c %a "$HOME_DIR/south/state/rows.key")" = 600 ] || die "rows.key can be read by others"
again=$(submit north) || die "not submitted"
done_by_all "$again" "the same rows again"

refused() { # WHY RUN ROWS SET
    for bank in north south east; do
        watch "$bank" "$2" >"$HOME_DIR/watched" 2>&1 && die "$1: a run is done whose difference is of $3 rows"
        grep -q "south refuses: its data cannot be used for this plan; its own log says why" "$HOME_DIR/watched" ||
            die "$1: $bank does not hear of it: $(cat "$HOME_DIR/watched")"
    done
    log_has south "policy.yaml:$policy_line: $4 of this source differ from those of run ${first:0:12} by $3 rows" || die "$1: not in south's log: $(tail -n 5 "$HOME_DIR/south/log")"
    grep -E "\"event\":\"(refused|ended)\"" "$HOME_DIR/south/state/journal.jsonl" | tail -n 1 | grep -q "$4 of this source differ .* by $3 rows" || die "$1: not in south's journal"
    grep "${2:0:12}" "$HOME_DIR"/{north,east,coordinator}/log "$HOME_DIR"/{north,east}/state/journal.jsonl | grep -qE "differ|repetition" && die "$1: others know why"
    [ ! -e "$(model_of coordinator "$2")" ] || die "$1: the coordinator has a model"
}

# Three customers more: what a subtraction would show is theirs.
add_rows 100 3
run=$(submit north) || die "not submitted"
refused "three rows more" "$run" 3 "the rows"
party_kill south KILL # nor is it forgotten
node_start south
run=$(submit north) || die "not submitted"
refused "after a restart" "$run" 3 "the rows"

# A plan that holds a few of the same rows out: what trains differs by these.
sed 's/^features:/split: {fraction: 0.008, seed: few}\nfeatures:/; s/^name: .*/name: held/' "$HOME_DIR/plan.yaml" >"$HOME_DIR/held.yaml"
sign() { rm -f "$HOME_DIR/plan.note"; "$COFFERDAM" plan sign "$1" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null || die "not signed"; }
head -n 701 "$rows" >"$HOME_DIR/before.csv" && cp "$rows" "$HOME_DIR/after.csv" && cp "$HOME_DIR/before.csv" "$rows"
sign "$HOME_DIR/held.yaml"
run=$(submit north) || die "not submitted"
watch south "$run" >/dev/null 2>&1 && die "a plan that holds a few rows out is done"
log_has south "the training rows of this source differ from those of run ${first:0:12} by [1-9] rows" || die "not of the training rows: $(tail -n 3 "$HOME_DIR/south/log")"
cp "$HOME_DIR/after.csv" "$rows"
sign "$HOME_DIR/plan.yaml"

# With privacy it is charged to the budget instead.
sed 's/resolution: 1}/missing: mean, outside: clamp}/; s/baseline: f}/missing: level, other: level, baseline: f}/; s/^name: .*/name: private/' \
    "$HOME_DIR/plan.yaml" >"$HOME_DIR/private.yaml"
printf 'privacy: {epsilon: 4, delta: 1.0e-6}\n' >>"$HOME_DIR/private.yaml"
"$COFFERDAM" plan check "$HOME_DIR/private.yaml" --policy "$HOME_DIR/south/policy.yaml" >"$HOME_DIR/checked"
grep -q "allows  *policy.yaml:$policy_line .*repetition is asked of plans without privacy only" "$HOME_DIR/checked" || die "plan check asks a plan with privacy: $(cat "$HOME_DIR/checked")"
sign "$HOME_DIR/private.yaml"
run=$(submit north) || die "not submitted"
done_by_all "$run" "a plan with privacy"
sign "$HOME_DIR/plan.yaml"

# An officer approves the very run, and that is no approval of its cohort, nor the other way round.
prepare() {
    rm -f "$HOME_DIR/next.run"
    "$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" --key "$HOME_DIR/north/identity.key" --prepare "$HOME_DIR/next.run"
}
go() { [ "$("$COFFERDAM" run submit --prepared "$HOME_DIR/next.run" --node "$HOME_DIR/north")" = "$1" ] || die "another id"; }
approve() { "$NODE" approve "$HOME_DIR/south" --run "$1" --key "$HOME_DIR/ada/officer.key" "${@:2}" || die "not approved"; }
run=$(prepare) || die "not prepared"
approve "$run" --cohort-change >/dev/null
go "$run"
refused "approved for its cohort" "$run" 3 "the rows"
expect_exit 2 "is of one run" "$NODE" approve "$HOME_DIR/south" --plan "$run" --key "$HOME_DIR/ada/officer.key" --repetition
run=$(prepare) || die "not prepared"
approve "$run" --repetition | grep -q "south: officer ada approves the repetition of run $run" || die "another answer"
go "$run"
done_by_all "$run" "the approved run"
"$COFFERDAM" audit journal "$HOME_DIR/south/state/journal.jsonl" --roster "$HOME_DIR/roster.note" >"$HOME_DIR/told" || die "the journal does not hold"
grep -q "ada: approve repetition ${run:0:12}" "$HOME_DIR/told" || die "the journal does not tell of the approval: $(grep ada "$HOME_DIR/told")"

# Ten rows more than at any run before, and it is taken.
add_rows 101 10
run=$(submit north) || die "not submitted"
done_by_all "$run" "ten rows more"

# What is forgotten of a run is not what its sums were over.
"$NODE" forget "$HOME_DIR/south" "$run" >/dev/null || die "not forgotten"
sed -i '$d' "$rows"
again=$(submit north) || die "not submitted"
watch south "$again" >/dev/null 2>&1 && die "a forgotten run can be subtracted from"
log_has south "differ from those of run ${run:0:12} by 1 rows" || die "not against the forgotten run: $(tail -n 3 "$HOME_DIR/south/log")"
good
