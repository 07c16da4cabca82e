#!/bin/bash
# Models in other engines: SQL in SQLite and PostgreSQL, ONNX in onnxruntime, PMML in an evaluator made from the standard alone, valid and
# equal to `cofferdam score`, for every rule on missing, outside and unseen values; and on 10,000 real rows.
. "$(dirname "$0")/lib/simulate.bash"
export PYTHONPATH=$root/tests/support
shared=$root/../shared
cd "$work"
psql=()

# A PostgreSQL server on a private socket, where there is one.
postgres_start() {
    local bin
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
    [ -x "$bin/initdb" ] || { echo "skipped: PostgreSQL is not installed"; return; }
    local run=()
    mkdir "$work/pg"
    if [ "$(id -u)" -eq 0 ]; then
        chmod 711 "$work"
        chown nobody "$work/pg"
        run=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    fi
    "${run[@]}" "$bin/initdb" -D "$work/pg/data" -A trust -U test >"$work/pg.log" 2>&1 || fail "initdb: $(tail -n 3 "$work/pg.log")"
    "${run[@]}" "$bin/pg_ctl" -D "$work/pg/data" -w -o "-c listen_addresses='' -k $work/pg" -l "$work/pg/server.log" start \
        >"$work/pg.log" 2>&1 || fail "pg_ctl: $(cat "$work/pg.log")"
    stop=("${run[@]}" "$bin/pg_ctl" -D "$work/pg/data" -m immediate stop)
    trap '"${stop[@]}" >/dev/null 2>&1; rm -rf "$work"' EXIT
    psql=(psql -h "$work/pg" -U test postgres)
}

# agree MODEL ROWS.csv WANTED: the exports score the rows as cofferdam does.
agree() {
    local status=0
    "$cofferdam" model export "$1" --format pmml -o model.pmml || fail "pmml of $1"
    "$cofferdam" model export "$1" --format onnx -o model.onnx || fail "onnx of $1"
    "$cofferdam" model export "$1" --format sql --table "the \"rows\"" -o model.sql || fail "sql of $1"
    "$cofferdam" score "$1" --data "$2" -o scores.csv 2>score.err || status=$?
    [ $status -le 1 ] || fail "score: $(tail -n 1 score.err)"
    if [ -d "$shared/vectors" ]; then
        xmllint --noout --schema "$shared/vectors/06-pmml/pmml-4-4.xsd" model.pmml 2>xmllint.err || fail "$(head -n 3 xmllint.err)"
    fi
    python3 "$root/tests/support/exports.py" "$1" model.pmml model.onnx model.sql "$2" scores.csv 'the "rows"' "${psql[@]}" >agreed || fail "$1"
    grep -q "$3" agreed || fail "not '$3' but: $(cat agreed)"
}

rows() { # SEED ODD: 1,500 rows; with ODD also missing, unseen and outside values everywhere
    awk -v seed="$1" -v odd="$2" '
        function odds(p) { return odd && rand() < p }
        function number(low, high) { return odds(0.04) ? "" : odds(0.04) ? low - 7.5 : odds(0.04) ? high + 1000 : low + int(rand() * (high - low) * 4) / 4 }
        BEGIN { srand(seed); print "clamped,strict,\"lost, \"\"maybe\"\"\",fixed,open,shut,v1,log_odds,total,y"
            for (i = 0; i < 1500; i++) {
                x = number(0, 100); b = number(-5, 5); c = number(10, 20); d = number(0, 50)
                if (!odd) { if (rand() < 0.05) x = ""; if (rand() < 0.05) c = ""; if (rand() < 0.05) d = "" }
                g = odds(0.05) ? "never seen" : rand() < 0.1 ? "" : rand() < 0.5 ? "a" : rand() < 0.6 ? "b<&\"c\"" : rand() < 0.5 ? "it'"'"'s" : "zzz"
                h = odds(0.05) ? "x" : odds(0.05) ? "" : rand() < 0.5 ? "no" : "yes"
                gsub(/"/, "\"\"", g)
                y = rand() < 0.15 + x / 300 + (g == "a" ? 0.2 : 0) + (h == "yes" ? 0.1 : 0) + b / 40 + d / 200 + c / 400
                print x "," b "," c "," d ",\"" g "\"," h ",1,2,3," y } }' </dev/null
}
plan_of() {
    cat <<END
cofferdam: 1
name: "exported & <quoted>"
purpose: test
task: $1
target: {column: y, positive: "1"}
features:
  - {name: clamped, kind: number, min: 0, max: 100, missing: $2, outside: clamp, resolution: 0.25}
  - {name: strict, kind: number, min: -5, max: 5, resolution: 0.25}
  - {name: 'lost, "maybe"', kind: number, min: 10, max: 20, missing: mean, outside: missing, resolution: 0.25}
  - {name: fixed, kind: number, min: 0, max: 50, missing: 5, resolution: 0.25}
  - {name: open, kind: category, levels: [a, 'b<&"c"', "it's"], missing: level, other: level}
  - {name: shut, kind: category, levels: ["no", "yes"]}
cohort: {minimum: 3}
END
    [ $1 = logistic ] || echo 'selection: {iv: 0, correlation: 1, signs: any}'
}
derived() { # a logistic plan with hinges and products of every kind
    plan_of logistic median | sed 's/{name: clamped,/{name: clamped, knots: [20, 80],/; s/{name: strict,/{name: strict, knots: [0],/'
    printf 'interactions:\n'
    for pair in 'clamped, strict' 'strict, strict' 'clamped, open' 'shut, fixed' 'open, shut'; do
        printf '  - {of: [%s]}\n' "$pair"
    done
}
postgres_start
rows 1 0 >train.csv
rows 2 1 >odd.csv
plan_of logistic median >plain.yaml
plan_of scorecard level >card.yaml
derived >derived.yaml
plan_of scorecard level | sed 's/{name: clamped,/{name: clamped, special: [1107.5, 30, -7.5],/; s/{name: strict,/{name: strict, special: [-12.5],/
    s/{name: .lost, "maybe".,/{name: '"'lost, \"maybe\"'"', special: [2.5, 12],/' >codes.yaml
grep -q 'special: \[2.5' codes.yaml || fail "no codes"
for plan in plain card derived codes; do
    "$cofferdam" fit $plan.yaml --data train.csv --out $plan >fit.out 2>&1 || fail "fit: $(tail -n 1 fit.out)"
    agree $plan/model.json odd.csv '1500 rows, [1-9][0-9]* of them refused, agree'
    agree $plan/model.json train.csv '1500 rows, 0 of them refused, agree'
done
"$cofferdam" model show derived/model.json >shown
for term in 'clamped>80' 'clamped:strict' 'strict:strict' 'clamped:open=other' 'shut=yes:fixed' 'open=missing:shut=yes'; do
    grep -qE "^$term +-?[0-9.]*[1-9]" shown || fail "no estimate of $term"
done
cmp <("$cofferdam" model export card/model.json --format json -o -) card/model.json || fail "json is not the model"

if [ -d "$shared/data" ]; then
    zcat "$shared/data/taiwan_default/UCI_Credit_Card.csv.gz" >taiwan.csv
    head -n 10001 taiwan.csv >some.csv
    for task in logistic scorecard; do
        sed "s/task: logistic/task: $task/" "$root/examples/plans/taiwan_default.yaml" >real.yaml
        "$cofferdam" fit real.yaml --data taiwan.csv --out real-$task >fit.out 2>&1 || fail "fit: $(tail -n 1 fit.out)"
        agree real-$task/model.json some.csv '10000 rows, 0 of them refused, agree'
    done
else
    echo "skipped: no real rows here"
fi

refuses 2 '\-\-format xml is not known; pmml, onnx, sql or json' model export card/model.json --format xml -o bad
refuses 2 '\-\-table is for --format sql' model export card/model.json --format pmml --table t -o bad
sed 's/"name": "fixed"/"name": "points_strict"/' card/model.json | with_hash >taken.json
for format in sql onnx; do refuses 2 'feature points_strict has the name of something' model export taken.json --format $format -o bad; done
sed 's/"task": "scorecard"/"task": "statistics"/' card/model.json >other.json
refuses 2 'scores no rows' model export other.json --format sql -o bad
