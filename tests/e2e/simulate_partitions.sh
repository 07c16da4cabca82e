#!/bin/bash
# However rows are spread over banks, ordered or computed: the same model, bit for bit; and a pooled fit gives it too.
. "$(dirname "$0")/lib/simulate.bash"
data=../shared/data
[ -d "$data" ] || { echo "skipped: $data is not there"; exit 77; }

# header FILE, body FILE
header() { head -n 1 "$1"; }
body() { tail -n +2 "$1"; }

partitions() { # NAME PLAN FILE
    local name=$1 plan=$work/$1.yaml file=$3
    sed 's/^cohort: .*/cohort: {minimum: 3}/' "$2" >"$plan"
    { header "$file"; body "$file" | sort; } >"$work/$name.sorted.csv"
    { header "$file"; body "$file" | shuf --random-source=<(yes 1); } >"$work/$name.shuffled.csv"
    run "$name.5" "$plan" --split "$file:5" --threads 2
    run "$name.5.again" "$plan" --split "$file:5" --threads 1
    cmp "$work/$name.5/model.json" "$work/$name.5.again/model.json" || fail "$name: another byte with one thread"
    run "$name.5.shuffled" "$plan" --split "$work/$name.shuffled.csv:5" --threads 2
    cmp "$work/$name.5/model.json" "$work/$name.5.shuffled/model.json" || fail "$name: another byte when shuffled"
    run "$name.3" "$plan" --split "$work/$name.sorted.csv:3" --threads 1
    same "$name.5" "$name.3"
    run "$name.11" "$plan" --split "$work/$name.shuffled.csv:11" --threads 2
    same "$name.5" "$name.11"
    "$cofferdam" fit "$plan" --data "$work/$name.shuffled.csv" --out "$work/$name.pooled" 2>/dev/null
    grep -q '"banks": *1[^0-9]' "$work/$name.pooled/model.json" || fail "$name: a local fit does not say so"
    same "$name.5" "$name.pooled"
}

{ echo "status,duration,credit_history,purpose,amount,savings,employment,installment_rate,personal_status_sex,\
other_debtors,residence_since,property,age,other_installment_plans,housing,existing_credits,job,people_liable,\
telephone,foreign_worker,class"; tr ' ' ',' <"$data/german_credit/german.data"; } >"$work/german.csv"
partitions german examples/plans/german_credit.yaml "$work/german.csv"
gunzip -c "$data/taiwan_default/UCI_Credit_Card.csv.gz" >"$work/taiwan.csv"
partitions taiwan examples/plans/taiwan_default.yaml "$work/taiwan.csv"

# Banks of very different size, each in a file of its own, and two files pooled.
{ header "$work/german.csv"; body "$work/german.csv" | head -n 700; } >"$work/large.csv"
{ header "$work/german.csv"; body "$work/german.csv" | tail -n +701 | head -n 290; } >"$work/medium.csv"
{ header "$work/german.csv"; body "$work/german.csv" | tail -n +991; } >"$work/small.csv"
run sites "$work/german.yaml" --site "large=$work/large.csv" --site "medium=$work/medium.csv" --site "small=$work/small.csv"
same german.5 sites
"$cofferdam" fit "$work/german.yaml" --data "$work/small.csv" --data "$work/large.csv" --data "$work/medium.csv" \
    --out "$work/german.files" 2>/dev/null
cmp "$work/german.pooled/model.json" "$work/german.files/model.json" || fail "three files are not one pool"
