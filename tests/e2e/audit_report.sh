#!/bin/bash
# audit report: the page and its JSON say the same, and what the run was; a bundle that does not hold gets a page that says so.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
page="$root/tests/support/audit_page.py"
# A report of BUNDLE in NAME.html and NAME.json, which ends with CODE: report CODE NAME BUNDLE [OPTION...]
report() {
    local code=$1 name=$2 status=0
    shift 2
    "$cofferdam" audit report "$@" -o "$name.html" --json >"$name.json" 2>"$name.err" || status=$?
    [ $status -eq "$code" ] || { cat "$name.err"; fail "audit report $*: exit code $status, not $code"; }
    python3 "$page" "$name.html" "$name.json" || fail "the page of $name"
}
says() { # NAME CONDITION on the report d
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), sys.argv[2]' "$1.json" "$2" || fail "$1.json"
}

# Names that would be markup, in the roster and in the plan.
for k in 1 2 3 4 5; do customers 300 $k >rows$k.csv; done
plan 5 | sed 's/^name: .*/name: "a <script>alert(1)<\/script> \&amp; \\"plan\\""/; s/^purpose: .*/purpose: "<i>risk"/' >logistic.yaml
sites=(--site "a<script>x&y=rows1.csv" --site "b>'c=rows2.csv" --site bank-3=rows3.csv --site naïve=rows4.csv --site "<b>=rows5.csv")
run logistic logistic.yaml "${sites[@]}"
report 0 logistic logistic/run.cfd
grep -q '<script\|<i>risk\|<b>' logistic.html && fail "a name became markup"
grep -q 'a&lt;script&gt;x&amp;y' logistic.html || fail "a bank's name is not on the page"

# The facts are those of the run, as its other files and other commands tell them.
"$cofferdam" audit verify logistic/run.cfd --json >verify.json || fail "verify"
"$cofferdam" plan check logistic.yaml --json >check.json || fail "plan check"
python3 - <<'END' || fail "the facts are not those of the run"
import hashlib, json, pathlib
load = lambda name: json.loads(pathlib.Path(name).read_text())
report, verify, check, model = load("logistic.json"), load("verify.json"), load("check.json"), load("logistic/model.json")
digest = lambda name: hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest()
hashes = {item["key"]: item for item in report["hashes"]}
assert report["holds"] and report["finished"] and report["form"] == "full" and report["reason"] is None
assert report["verdict"] == verify["verdict"] and report["checked"] == verify["checked"]
assert report["deviations"] == [] and report["endings"] == []
assert report["bundle"] == {"file": "run.cfd", "bytes": pathlib.Path("logistic/run.cfd").stat().st_size, "sha256": digest("logistic/run.cfd")}
assert report["run"]["id"] == verify["run"] == hashes["run"]["value"]
assert report["plan"]["hash"] == verify["plan_hash"] == model["plan_hash"] == check["hash"] == hashes["plan"]["value"]
assert report["roster"]["fingerprint"] == verify["roster"] and not report["roster"]["vouched"] and report["roster"]["asked"] is None
assert hashes["model"]["value"] == digest("logistic/model.json") and report["model"]["hash"] == model["hash"]
assert report["model"]["rows"] == model["rows"] and report["model"]["converged"] == model["converged"]
assert [bank["name"] for bank in report["banks"]] == verify["cohort"] == report["released"]["banks"]
assert [bank["name"] for bank in report["banks"] if bank["submitter"]] == [report["run"]["submitter"]]
assert report["plan"]["releases"] == check["releases"] and report["plan"]["text"] == pathlib.Path("logistic.yaml").read_text()
columns = {column["name"]: column["role"] for column in report["plan"]["columns"]}
assert columns == {"default": "target", "income": "input", "age": "input", "region": "input", "id": "identifier"}, columns
privacy = report["privacy"]
assert (privacy["n"], privacy["f"], privacy["t"], privacy["v"]) == (5, check["cohort"]["f"], check["cohort"]["t"], check["cohort"]["v"])
assert privacy["honest"] == 3 and privacy["silent"] == 1 and privacy["differential_privacy"] is False
rounds, released = report["rounds"], report["released"]
assert len(rounds) == model["rounds"] == report["run"]["rounds"] == released["sums"] and all(r["outcome"] == "closed" for r in rounds)
first = {field["name"]: field["length"] for field in check["first_round"]["fields"] if field["length"]}
assert {field["name"]: field["numbers"] for field in rounds[0]["fields"]} == first and rounds[0]["words"] == check["first_round"]["words"]
assert all(r["numbers"] == sum(field["numbers"] for field in r["fields"]) for r in rounds)
assert released["numbers"] == sum(r["numbers"] for r in rounds) and sum(group["sums"] for group in released["groups"]) == len(rounds)
assert 1 < len(released["groups"]) < len(rounds)
for r in rounds:
    assert r["banks"] == 5 and r["outside"] == [] and len(r["checked_by"]) >= 4 and r["earliest"] <= r["latest"]
newton = [group for group in released["groups"] if group["phase"] == "Newton steps of the fit"]
assert len(newton) == 1 and newton[0]["sums"] == newton[0]["last"] - newton[0]["first"] + 1
assert sum(len(r["checked_by"]) for r in rounds) == sum(bank["sums_it_checked"] for bank in report["banks"])
END

# The commands that it gives show the hashes that it gives.
python3 -c 'import json; [print(h["value"], h["command"], sep="\t") for h in json.load(open("logistic.json"))["hashes"] if h["key"] != "roster"]' >commands
[ "$(wc -l <commands)" -eq 6 ] || fail "$(cat commands)"
while IFS=$'\t' read -r value command; do
    (cd logistic && PATH="$(dirname "$cofferdam"):$PATH" bash -c "$command") | grep -qF -- "$value" || fail "$command does not show $value"
done <commands

# The same page again, to the byte, and from a pipe; with a roster that is the bundle's, and one that is not.
cp logistic/run.cfd "it's a run.cfd"
for k in 1 2; do "$cofferdam" audit report "it's a run.cfd" -o again$k.html || fail "again"; done
cmp again1.html again2.html || fail "two pages of one bundle"
python3 - <<'END' || fail "a name for a shell"
import html, pathlib
assert r"""sha256sum 'it'\''s a run.cfd'""" in html.unescape(pathlib.Path("again1.html").read_text())
END
"$cofferdam" audit report - -o - <logistic/run.cfd >piped.html || fail "from a pipe"
cmp piped.html logistic.html || fail "a pipe gives another page"
fingerprint=$(python3 -c 'import json; print(json.load(open("verify.json"))["roster"])')
report 0 known logistic/run.cfd --roster "$fingerprint"
says known "d['roster']['vouched'] and d['roster']['asked'] == '$fingerprint'"
grep -q 'checked against the roster that was given' known.html || fail "a roster that was given"
grep -q 'was not checked, since no roster was given' logistic.html || fail "no roster was given"
report 1 stranger logistic/run.cfd --roster "$(printf '%064d' 7)"
says stranger "not d['holds'] and not d['roster']['vouched'] and d['key_sets'] == d['rounds'] == []"
grep -q 'is not established' stranger.html && grep -q 'asked to take part' stranger.html || fail "a roster that is not the bundle's"

# What does not hold: a changed bit anywhere, a bundle cut off, a file that is none.
size=$(stat -c %s logistic/run.cfd)
for at in 40 $((size / 9)) $((size / 3)) $((size / 2)) $((size - 60)); do
    python3 - "$at" <<'END'
import pathlib, sys
data = bytearray(pathlib.Path("logistic/run.cfd").read_bytes())
data[int(sys.argv[1])] ^= 4
pathlib.Path("changed.cfd").write_bytes(data)
END
    report 1 changed changed.cfd
    says changed "not d['holds'] and d['reason'] and d['verdict'] == 'DOES NOT HOLD' and not d['finished'] and not d.get('model')"
    grep -q "^cofferdam: changed.cfd: entry" changed.err || fail "$(cat changed.err)"
done
says changed "d['bundle']['sha256'] == '$(sha256sum <changed.cfd | cut -d' ' -f1)' and d['bundle']['bytes'] == $size"
head -c $((size / 2)) logistic/run.cfd >cut.cfd
report 1 cut cut.cfd
says cut "d['rounds'] and d['run']['steps'] == d['released']['sums'] > 0 and [x['kind'] for x in d['deviations']] in ([], ['open'])"
echo "no bundle" >none.cfd
report 1 none none.cfd
says none "d['form'] is None and d['reason'] == 'this is not the bundle of a run'"
grep -q 'This is no bundle' none.html || fail "a file that is no bundle"

# The other forms show less, and say so.
"$cofferdam" audit redact logistic/run.cfd --keep-sums -o sums.cfd >/dev/null || fail "redact"
"$cofferdam" audit redact logistic/run.cfd -o public.cfd >/dev/null || fail "redact"
for form in sums public; do report 0 $form $form.cfd; done
python3 - <<'END' || fail "the forms"
import json, pathlib
full, sums, public = (json.loads(pathlib.Path(name + ".json").read_text()) for name in ("logistic", "sums", "public"))
for report in (sums, public):
    assert report["holds"] and report["run"] == full["run"] and report["plan"] == full["plan"] and report["banks"] == full["banks"]
    assert report["form_lacks"] != full["form_lacks"] and report["checked"]["inputs"] == 0
assert sums["form"] == "sums" and sums["released"] == full["released"] and sums["rounds"] == full["rounds"] and sums["model"] == full["model"]
assert public["form"] == "public" and public["model"] is None and public["released"]["numbers"] is None
assert public["released"]["words"] == full["released"]["words"] and public["rounds"][0] == full["rounds"][0]
for mine, whole in zip(public["rounds"][1:], full["rounds"][1:]):
    assert mine["numbers"] is None and mine["fields"] == [] and mine["before"] == "" and mine["words"] == whole["words"]
    assert all(mine[key] == whole[key] for key in ("checked_by", "signed_by", "sum", "state", "earliest"))
assert any("the model" in text for text in public["form_lacks"]) and any("the model" in text for text in full["form_shows"])
hashes = [{item["key"]: item["value"] for item in report["hashes"]}["model"] for report in (full, sums, public)]
assert len(set(hashes)) == 1, hashes
END

# Every task's sums are told in words.
sed 's/task: logistic/task: scorecard/' logistic.yaml >scorecard.yaml
sed 's/task: logistic/task: statistics/; /^train:/d; s/resolution: 1}/resolution: 1, missing: median}/' logistic.yaml >statistics.yaml
sed 's/max: 20000, resolution: 1}/max: 20000, resolution: 1, missing: median}/' logistic.yaml >medians.yaml
customers 1500 9 >rows.csv
for task in scorecard statistics medians; do run $task $task.yaml --split rows.csv:5; done
"$cofferdam" plan evaluate logistic/model.json --against scorecard/model.json --cutoff 0.3 --group region --purpose test -o evaluate.yaml
run evaluate evaluate.yaml --split rows.csv:5
for task in scorecard statistics medians evaluate; do
    report 0 $task $task/run.cfd
    says $task "all(f['words'] != f['name'] for r in d['rounds'] for f in r['fields']) and all(r['phase'] != 'Other sums' for r in d['rounds'])"
done
says medians "any(f['name'] == 'medians' for r in d['rounds'] for f in r['fields'])"
grep -q 'more bytes in plan.note' evaluate.html || fail "the models' text in the plan is not cut"
[ "$(wc -c <evaluate.html)" -lt 100000 ] || fail "the page holds the models whole"

# Faults leave rounds void: which, and who signed it.
sed '/^name:/s/.*/name: faults/' logistic.yaml >faults.yaml
voided=0
for seed in 1 2 11 13 16 18; do
    "$cofferdam" simulate faults.yaml --split rows.csv:5 --faults $seed --out faults >/dev/null 2>&1 || continue
    report 0 faults faults/run.cfd
    python3 - <<'END' && voided=$((voided + 1))
import json, pathlib, sys
report = json.loads(pathlib.Path("faults.json").read_text())
page = pathlib.Path("faults.html").read_text()
voided = [r for r in report["rounds"] if r["outcome"] == "voided"]
if not voided:
    assert report["deviations"] == [] and "None: every round was closed the first time" in page
    sys.exit(1)
names = [bank["name"] for bank in report["banks"]]
assert [d["kind"] for d in report["deviations"]] == ["voided"] and "Certificates of rounds that were not closed" in page
for r in voided:
    assert len(r["signed_by"]) >= report["privacy"]["v"] and set(r["signed_by"]) <= set(names) and ", ".join(r["signed_by"]) in page
    assert "sum" not in r and r["numbers"] > 0
assert report["run"]["rounds"] == report["released"]["sums"] + len(voided) and report["run"]["steps"] == report["released"]["sums"]
END
done
[ $voided -gt 0 ] || fail "no seed left a round void"

# Wrong words, and places that cannot be written: nothing is left half-written.
refuses 2 '-o FILE.html, or --json' audit report logistic/run.cfd
refuses 2 'both write to stdout' audit report logistic/run.cfd -o - --json
refuses 2 'what is read' audit report logistic/run.cfd -o logistic/run.cfd
refuses 2 'not a signed note' audit report logistic/run.cfd --roster logistic/model.json -o bad
refuses 3 'No such file' audit report nothing.cfd -o bad
refuses 3 'nowhere/bad' audit report logistic/run.cfd -o nowhere/bad
refuses 3 '' audit report logistic -o bad
echo old >kept.html
refuses 3 'No such file' audit report nothing.cfd -o kept.html
[ "$(cat kept.html)" = old ] || fail "a page was lost"
status=0
(ulimit -f 8; trap '' XFSZ; "$cofferdam" audit report logistic/run.cfd -o kept.html 2>/dev/null) || status=$?
[ $status -eq 3 ] || fail "a page that does not fit was written"
[ "$(cat kept.html)" = old ] && [ "$(ls kept* | wc -l)" -eq 1 ] || fail "half a page: $(ls kept*)"
"$cofferdam" audit report logistic/run.cfd --json | cmp - logistic.json || fail "--json alone"
