#!/bin/bash
# Bundles as tests/verify.py sees them, a verifier that knows docs/bundle.md and nothing of the code: it takes what
# `audit verify` takes, counts what it counts, and refuses what it refuses, at the same entry.
. "$(dirname "$0")/lib/simulate.bash"
python=/usr/bin/python3 # Debian's, which sees its packages, also where another comes first in PATH
"$python" -c 'import cryptography' 2>/dev/null || { echo "python3-cryptography is not installed"; exit 77; }
cd "$work"
customers 300 11 >customers.csv
plan 3 >plan.yaml

verify() { "$python" "$root/tests/verify.py" "$@"; }
entry() { sed -nE 's/^.*entry ([0-9]+) \(.*$/\1/p' | head -n 1; } # the number that a verifier names
# both BUNDLE [LATER]: neither takes it; verify.py names the same entry, or one so many later.
both() {
    local one=0 other=0
    verify "$1" >one 2>&1 || one=$?
    "$cofferdam" audit verify "$1" >other 2>&1 || other=$?
    [ $one -eq 1 ] && [ $other -eq 1 ] && [ "$(entry <one)" = $(($(entry <other) + ${2:-0})) ] ||
        { tail -n 1 one other; fail "$1: exit codes $one and $other"; }
}

# A run with a voided round, whichever seed has one.
for seed in $(seq 1 20); do
    "$cofferdam" simulate plan.yaml --split customers.csv:3 --faults "$seed" --out run >/dev/null 2>&1 || continue
    verify run/run.cfd >said || { cat said; fail "seed $seed: the run's bundle is refused"; }
    grep -q 'rounds void' said && break
    rm -r run
done
[ -d run ] || fail "no seed voids a round"
cp run/run.cfd full.cfd
"$cofferdam" audit redact full.cfd -o sums.cfd --keep-sums >/dev/null
"$cofferdam" audit redact full.cfd -o public.cfd >/dev/null

# The same is counted.
for form in full sums public; do
    verify $form.cfd >said || { cat said; fail "$form is refused"; }
    "$cofferdam" audit verify $form.cfd --json >theirs || fail "$form is refused by audit verify"
    "$python" - said theirs <<'END' || fail "$form: not the same counts"
import json
import re
import sys
said = {what: int(count) for count, what in re.findall(r"^ +(\d+) (.+)$", open(sys.argv[1]).read(), re.M)}
theirs = json.load(open(sys.argv[2]))["checked"]
names = {"entries": "entries", "signatures": "signatures", "certificates": "certificates", "inputs": "inputs",
         "commitments": "secrets", "masks": "masks removed", "sums": "sums", "checkpoints": "checkpoints"}
wrong = [name for name, mine in names.items() if theirs[name] != said.get(mine, 0)]
print(wrong, said, theirs) if wrong else None
sys.exit(bool(wrong))
END
done

# What is not a bundle of this roster, and how it is called.
fingerprint=$("$cofferdam" audit verify full.cfd --json | sed -nE 's/^ *"roster": "([0-9a-f]{64})",?$/\1/p')
verify --roster "$fingerprint" full.cfd >/dev/null || fail "not taken with its own fingerprint"
status=0
verify --roster "$(printf '0%.0s' {1..64})" full.cfd >said || status=$?
[ $status -eq 1 ] && grep -q fingerprint said || fail "taken with another fingerprint"
for arguments in "" "absent.cfd" "--roster 12 full.cfd" "full.cfd sums.cfd"; do
    status=0
    # shellcheck disable=SC2086
    verify $arguments >/dev/null 2>&1 || status=$?
    [ $status -eq 2 ] || fail "verify.py $arguments ended with $status"
done

# One entry of each kind of each form: a byte flipped, the entry left out, put after the next; in the full form also
# doubled, a byte longer, and the file cut off before it.
mkdir tampered
"$python" - full.cfd sums.cfd public.cfd <<'END'
import pathlib
import sys


def write(form, name, entries):
    pathlib.Path(f"tampered/{form}-{name}.cfd").write_bytes(b"".join(entries))


def resized(entry, payload):
    return entry[:1] + len(payload).to_bytes(8, "little") + payload


for path in sys.argv[1:]:
    form, data = path.split(".")[0], pathlib.Path(path).read_bytes()
    at = data.index(b"\n") + 1
    entries = [data[:at]]
    while at < len(data):
        end = at + 9 + int.from_bytes(data[at + 1:at + 9], "little")
        entries.append(data[at:end])
        at = end
    places = {}
    for number in range(1, len(entries)):
        places.setdefault(entries[number][0], []).append(number)
    for kind, numbers in places.items():
        number = numbers[len(numbers) // 2]
        before, entry, after = entries[:number], entries[number], entries[number + 1:]
        middle = 9 + len(entry) // 2
        flipped = entry[:middle] + bytes([entry[middle] ^ 1]) + entry[middle + 1:]
        write(form, f"flip-{kind}", [*before, flipped, *after])
        write(form, f"drop-{kind}", [*before, *after])
        if after:
            write(form, f"swap-{kind}", [*before, after[0], entry, *after[1:]])
        if form == "full":
            write(form, f"double-{kind}", [*before, entry, entry, *after])
            write(form, f"longer-{kind}", [*before, resized(entry, entry[9:] + b"\0"), *after])
            write(form, f"cut-{kind}", before)
    last = places[20][0]
    write(form, "end", [*entries, b"\0"])
    closed = places[15][0] + (form != "public")  # everything after the first closed round, but the end
    write(form, "short", [*entries[:closed + 1], *entries[last - (form != "public"):]])
END
tried=0
for file in tampered/*.cfd; do
    case $file in
    */public-short.cfd) both "$file" ;;
    *-flip-17.cfd | *-longer-17.cfd | *-short.cfd) both "$file" 1 ;; # without the fold, the last word tells
    *) both "$file" ;;
    esac
    tried=$((tried + 1))
done
for form in full sums public; do # a first line of another form
    for other in full sums public; do
        [ $form != $other ] || continue
        sed "1s/ $form$/ $other/" $form.cfd >form.cfd
        both form.cfd
        tried=$((tried + 1))
    done
done
echo "$tried changed bundles refused by both, the same entry named"
