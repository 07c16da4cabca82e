# Shared by the scripts that drive the data scientists' commands. Sourced; gives $cofferdam, $work and a few checks.
set -eu
cofferdam=$(realpath "${BUILD:-build}/cofferdam")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

fail() {
    echo "FAILED: $*"
    exit 1
}

# with_hash: a model that was edited, with the hash of what it is now.
with_hash() { "$root/tests/support/model_hash.py"; }

# run NAME PLAN ARGUMENTS...: simulates into $work/NAME, which must work.
run() {
    local name=$1
    shift
    "$cofferdam" simulate "$@" --out "$work/$name" >"$work/$name.out" 2>"$work/$name.err" ||
        { cat "$work/$name.err"; fail "simulate $* ended with $?"; }
    [ -s "$work/$name/model.json" ] && [ -s "$work/$name/plan.note" ] || fail "simulate $* left no model or plan note"
}

# same A B: the models are equal, number for number and bit for bit.
same() {
    "$cofferdam" model compare "$work/$1/model.json" "$work/$2/model.json" || fail "$1 and $2 differ"
}

# refuses CODE WORDS COMMAND...: one sentence with the words on stderr, this exit code, and nothing left in $work/bad.
refuses() {
    local code=$1 words=$2 status=0
    shift 2
    rm -rf "$work/bad"
    "$cofferdam" "$@" >"$work/bad.out" 2>"$work/bad.err" || status=$?
    [ $status -eq "$code" ] || { cat "$work/bad.err"; fail "$* ended with $status instead of $code"; }
    [ "$(grep -c '^cofferdam: ' "$work/bad.err")" -eq 1 ] || { cat "$work/bad.err"; fail "$*: not one sentence"; }
    grep -q "^cofferdam: .*$words" "$work/bad.err" || { cat "$work/bad.err"; fail "$*: does not say '$words'"; }
    [ ! -s "$work/bad.out" ] || fail "$*: wrote to stdout"
    [ ! -e "$work/bad" ] || fail "$*: left $(ls -A "$work/bad") behind"
}

# customers ROWS SEED: a made-up table with known dependence of `default` on the rest.
customers() {
    awk -v rows="$1" -v x="$2" '
        function uniform() { x = (x * 16807) % 2147483647; return x / 2147483647 }
        BEGIN {
            print "id,income,age,region,default"
            for (i = 1; i <= rows; i++) {
                income = int(1000 + uniform() * 9000); age = int(18 + uniform() * 60)
                region = substr("NESW", 1 + int(uniform() * 4), 1)
                score = -0.0004 * (income - 5000) + 0.02 * (age - 48) + (region == "S" ? 0.8 : 0)
                print i "," income "," age "," region "," (uniform() < 1 / (1 + exp(-score)) ? 1 : 0)
            }
        }'
}

# plan MINIMUM: a plan for these customers.
plan() {
    cat <<END
cofferdam: 1
name: customers
purpose: credit-risk
task: logistic
target: {column: default, positive: "1"}
id: id
split: {fraction: 0.2, seed: test}
features:
  - {name: income, kind: number, min: 0, max: 20000, resolution: 1}
  - {name: age, kind: number, min: 18, max: 100, resolution: 1}
  - {name: region, kind: category, levels: ["N", "E", "S", "W"], baseline: "N"}
train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}
cohort: {minimum: $1}
END
}
