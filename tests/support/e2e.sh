# For the end-to-end tests: a small consortium with small data in a directory that goes away.
# Each test sources this file and is bounded by its own waits, which only a fault lets run out: a busy machine or a
# sanitizer may take many times what a test usually needs.
set -u
PATIENCE=8
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "${BUILD:-build}/e2e"
HOME_DIR=${E2E_DIR:-$(mktemp -d "${BUILD:-build}/e2e/XXXXXX")} # E2E_DIR: a caller's, that stays
. examples/consortium.sh
AT_END=(e2e_end)
e2e_end() { # a failed test shows the ends of the logs; nothing is left behind
    [ "${E2E_GOOD:-0}" -eq 1 ] || tail -n 15 "$HOME_DIR"/*/log # to stdout
    [ -n "${E2E_DIR:-}" ] || rm -rf "$HOME_DIR"
}
good() { E2E_GOOD=1; }

# Rows of one bank: rows_make SEED ROWS >FILE
rows_make() {
    awk -v seed="$1" -v rows="$2" 'BEGIN {
        srand(seed); print "income,age,sex,default";
        for (i = 0; i < rows; i++) {
            income = int(rand() * 5000); age = 20 + int(rand() * 50); sex = rand() < 0.5 ? "f" : "m";
            risk = 1 / (1 + exp(1 + income / 2500 - age / 60 - (sex == "f" ? 0.3 : 0)));
            print income "," age "," sex "," (rand() < risk ? 1 : 0);
        }
    }'
}

# The plan, signed by the first bank: plan_make BANK MINIMUM
plan_make() {
    cat >"$HOME_DIR/plan.yaml" <<END
cofferdam: 1
name: small
purpose: credit-risk
task: logistic
target: {column: default, positive: "1"}
features:
  - {name: income, kind: number, min: 0, max: 5000, resolution: 1}
  - {name: age, kind: number, min: 18, max: 100, resolution: 1}
  - {name: sex, kind: category, levels: [f, m], baseline: f}
train: {penalty: 0, tolerance: 1.0e-8, rounds: 25}
cohort: {minimum: $2, on_dropout: wait, rows: 100000}
END
    "$COFFERDAM" plan sign "$HOME_DIR/plan.yaml" --org "$1" --key "$HOME_DIR/$1/identity.key" \
        -o "$HOME_DIR/plan.note" >/dev/null || die "the plan cannot be signed"
}

# Keys, roster, configurations, data, plan; nothing runs yet: e2e_make BANK...
e2e_make() {
    local bank seed=1
    PORT=$(free_port)
    consortium_keys "$PORT" "$@" || die "no roster"
    coordinator_config
    for bank in "$@"; do
        rows_make $seed $((200 * seed + 300)) >"$HOME_DIR/$bank/rows.csv"
        seed=$((seed + 1))
        node_config "$bank" rows.csv </dev/null
        policy_config "$bank" "$1" credit-risk 3
    done
    plan_make "$1" "$#"
}
# A run whose cohort may be another than before: approve_change BANK RUN; the node is to be started again
approve_change() { sed -i "s/changes: \[.*\]/changes: [$2]/" "$HOME_DIR/$1/policy.yaml"; }
e2e_start() { # BANK...
    local bank
    coordinator_start
    for bank in "$@"; do node_start "$bank"; done
}
submit() { # BANK: prints the run's id
    until_true 10 "$NODE" status "$HOME_DIR/$1" || die "the node of $1 does not answer"
    "$COFFERDAM" run submit "$HOME_DIR/plan.note" --node "$HOME_DIR/$1" --key "$HOME_DIR/$1/identity.key"
}
watch() { # BANK RUN: until the run is over there, at most 320 s
    until_true 10 "$NODE" status "$HOME_DIR/$1" || die "the node of $1 does not answer"
    timeout $((40 * PATIENCE)) "$COFFERDAM" run watch "$2" --node "$HOME_DIR/$1"
}
model_of() { echo "$HOME_DIR/$1/state/runs/$2/model.json"; } # PARTY RUN
# Every party has the same model and report: same_models RUN PARTY...
same_models() {
    local run=$1 first=$2 party
    shift 2
    for party in "$@"; do
        cmp "$(model_of "$first" "$run")" "$(model_of "$party" "$run")" || die "$party has another model than $first"
        cmp "$(dirname "$(model_of "$first" "$run")")/report.html" "$(dirname "$(model_of "$party" "$run")")/report.html" ||
            die "$party has another report than $first"
    done
}
expect_exit() { # CODE TEXT COMMAND...: the command ends so, and its one line on stderr has the text
    local code=$1 text=$2 got said
    shift 2
    said=$("$@" 2>&1 >/dev/null)
    got=$?
    case $said in '{"time":'*) said=${said//\\\"/\"} ;; esac # a daemon's last sentence, in JSON
    [ "$got" -eq "$code" ] || die "exit code $got, not $code, of: $* ($said)"
    [ "$(printf '%s\n' "$said" | grep -vcE '^20..-|"level":"(info|warning)"')" -eq 1 ] || die "not one line on stderr of $*: $said"
    case $said in *"$text"*) ;; *) die "not \"$text\" but \"$said\" of: $*" ;; esac
}
