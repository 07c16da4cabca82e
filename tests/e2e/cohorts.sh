#!/bin/bash
# Rule 5: who took part with one cohort joins another over the same source only when its officer approved that run.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east west)
e2e_make "${banks[@]}"
sed -i 's/minimum: 4/minimum: 3/' "$HOME_DIR/plan.yaml"
rm "$HOME_DIR/plan.note"
"$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org north --key "$HOME_DIR/north/identity.key" -o "$HOME_DIR/plan.note" >/dev/null
e2e_start "${banks[@]}"
four=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$four" >/dev/null || die "the run over four failed at $bank"; done

three=(--key "$HOME_DIR/north/identity.key" --member north --member south --member east)
run=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" "${three[@]}") || die "not submitted"
watch north "$run" >"$HOME_DIR/watched" 2>&1 && die "the run without west is done: the difference is west"
grep -q "west" "$HOME_DIR/watched" || die "the refusal does not name west: $(cat "$HOME_DIR/watched")"
[ ! -e "$(model_of coordinator "$run")" ] || die "the coordinator has a model"

# An approval names the very run, so its id is made before anyone is asked.
run=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" "${three[@]}" --prepare "$HOME_DIR/next.run") ||
    die "not prepared"
for bank in north south east; do
    approve_change "$bank" "$run"
    party_kill "$bank" TERM
    node_start "$bank"
done
until_true 10 "$NODE" status "$HOME_DIR/north" || die "north does not start"
[ "$("$COFFERDAM" run submit --prepared "$HOME_DIR/next.run" --node "$HOME_DIR/north")" = "$run" ] || die "another id"
for bank in north south east; do watch "$bank" "$run" || die "the approved run failed at $bank"; done >"$HOME_DIR/watched"
same_models "$run" north south east
[ ! -e "$(model_of west "$run")" ] || die "west has a model of a run without it"

# The approval was for that run alone.
run=$("$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/north" "${three[@]}") || die "not submitted"
watch north "$run" >/dev/null 2>&1 && die "an approval was good for another run"
good
