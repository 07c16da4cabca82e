#!/bin/bash
# model show and model compare on models made up here.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
model() { # ESTIMATE BANKS
    with_hash <<END
{"cofferdam": 1, "task": "logistic", "plan": "cards", "plan_hash": "00", "banks": $2, "rounds": 7, "converged": true,
 "rows": {"train": 24000, "holdout": 6000}, "positives": {"train": 5300, "holdout": 1336},
 "terms": [{"term": "(intercept)", "estimate": -1.46, "std_error": 0.017, "z": -84.2, "p": 0.0},
           {"term": "limit", "estimate": $1, "std_error": 0.02, "z": -4.5, "p": 1e-5, "mean": 167484.3, "sd": 129747.7}],
 "log_likelihood": -11190.1,
 "metrics": {"train": {"auc": 0.72, "ks": 0.38, "gini": 0.44, "brier": 0.145, "log_loss": 0.466}, "holdout": {"auc": 0.71}}}
END
}
model -0.09 5 >a.json
model -0.089999999999999997 1 >same.json
model -0.090000000000000011 5 >last-bit.json
model -0.05 5 >other.json

"$cofferdam" model show a.json >shown
grep -q '^cards: logistic over 5 banks; 7 rounds, converged$' shown || fail "no headline"
grep -qE '^limit +-0\.090000 +0\.020000 +-4\.500 +1e-05 \*\*\*$' shown || fail "no term"
grep -qE '^\(intercept\) .*<2e-16 \*\*\*$' shown || fail "no intercept"
grep -qE '^training +0\.7200 +0\.3800 +0\.4400 +0\.1450 +0\.4660$' shown || fail "no metrics"
grep -qE '^held out +0\.7100 +- ' shown || fail "no hold-out metrics"
"$cofferdam" model show same.json | grep -q 'one table, a local fit' || fail "a local fit does not say so"
"$cofferdam" model show a.json --json >json
"$cofferdam" model compare a.json json | grep -q '^equal, bit for bit: 23 numbers' || fail "--json is another model"

"$cofferdam" model compare a.json same.json | grep -q '^equal, bit for bit' || fail "the number of banks may differ"
differs() { # WORDS FILE REASON
    local status=0
    "$cofferdam" model compare a.json "$2" >differs.out 2>differs.err || status=$?
    [ $status -eq 1 ] || fail "$2: ended with $status"
    grep -q "$1" differs.out || fail "$2: does not say $1"
    grep -q "$3" differs.err || fail "$2: does not say $3"
}
differs 'terms.limit.estimate: -0.089999999999999997 against -0.090000000000000011' last-bit.json 'standard errors (limit)'
differs '^1 of ' other.json 'is 2 standard errors (limit)'
sed 's/"auc": 0.71/"auc": 0.72/' a.json | with_hash >metric.json
differs 'metrics.holdout.auc: ' metric.json 'in no estimate'

sed 's/"limit"/"\\u001b[31mlimit"/' a.json | with_hash >red.json
"$cofferdam" model show red.json | grep -q '^\\x1b\[31mlimit ' || fail "a term reaches the terminal raw"

echo '{"cofferdam": 1,' >broken.json
refuses 2 'broken.json:2: not JSON' model show broken.json
echo '{"weights": [1, 2]}' >foreign.json
refuses 2 'not a model' model show foreign.json
sed 's/"auc": 0.71/"auc": 0.72/' a.json >tampered.json
cmp -s a.json tampered.json && fail "nothing was tampered with"
refuses 2 'tampered.json: its contents are not those that its "hash" was made of' model show tampered.json
refuses 2 'tampered.json: its contents are not those' model compare a.json tampered.json
sed 's/, "hash": "[0-9a-f]*"//' a.json >bare.json
refuses 2 'bare.json: "hash" is missing' model show bare.json
refuses 3 'absent.json' model show absent.json
refuses 2 'MODEL.json' model compare a.json
