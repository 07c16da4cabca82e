#!/bin/bash
# Messages are lost, doubled, late and out of order, processes die in the middle of a batch: the same model, or a stop
# that says who and why. A seed gives the same run again.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
customers 300 11 >customers.csv
plan 5 >plan.yaml
run calm plan.yaml --split customers.csv:5
finished=0
for seed in $(seq 1 20); do
    status=0
    "$cofferdam" simulate plan.yaml --split customers.csv:5 --faults "$seed" --out "seed-$seed" \
        >"$seed.out" 2>"$seed.err" || status=$?
    if [ $status -eq 0 ]; then
        cmp calm/model.json "seed-$seed/model.json" || fail "seed $seed: another model"
        finished=$((finished + 1))
    else
        [ $status -eq 1 ] || { tail "$seed.err"; fail "seed $seed ended with $status"; }
        tail -n 1 "$seed.err" | grep -qE '^cofferdam: .*(bank-[1-5]|coordinator)' || { tail "$seed.err"; fail "seed $seed names nobody"; }
        [ ! -e "seed-$seed" ] || fail "seed $seed left files behind"
        echo "seed $seed: $(tail -n 1 "$seed.err")"
    fi
    grep -h '^faults' "$seed.out" | sed "s/^/seed $seed: /" || true
done
echo "$finished of 20 finished"
[ $finished -ge 15 ] || fail "only $finished of 20 seeds finished"
"$cofferdam" simulate plan.yaml --split customers.csv:5 --faults 3 --out again >again.out 2>again.err || true
diff 3.err again.err || fail "seed 3 gave another run"
