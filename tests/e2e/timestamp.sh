#!/bin/bash
# A run's last checkpoint, time-stamped by an authority that `openssl ts` plays, and what does not hold.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
command -v openssl >/dev/null || { echo "openssl is not installed"; exit 77; }
customers 400 7 >good.csv
customers 400 8 >other.csv
plan 5 >plan.yaml
run first plan.yaml --split good.csv:5
run other plan.yaml --split other.csv:5
"$cofferdam" audit redact first/run.cfd -o public.cfd >/dev/null

# ca NAME: a CA of its own, in NAME.pem with NAME.key.
ca() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -days 30 \
        -subj "/O=$1/CN=$1 root" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
        2>openssl.err || { cat openssl.err; fail "no CA"; }
}
ca trusted
ca stranger
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr -subj "/O=Test/CN=Clock" \
    2>openssl.err
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n' >tsa.ext
openssl x509 -req -in tsa.csr -CA trusted.pem -CAkey trusted.key -CAcreateserial -days 30 -extfile tsa.ext -out tsa.pem \
    2>openssl.err || { cat openssl.err; fail "no certificate"; }
echo 0FFF >serial # the last one given
cat >tsa.cnf <<END
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
ess_cert_id_alg = sha256
END
reply() { # QUERY RESPONSE
    openssl ts -reply -config tsa.cnf -queryfile "$1" -out "$2" 2>openssl.err || { cat openssl.err; fail "no reply"; }
}
stamp() { "$cofferdam" audit timestamp "$@"; }

# The request, as others read it: over the text of the last checkpoint, with the certificates asked for, another each time.
stamp first/run.cfd --query run.tsq >query.out || fail "no query"
hash=$(sed -n 's/.*SHA-256 \([0-9a-f]\{64\}\)$/\1/p' query.out)
by_hand=$(grep -a -A 2 cofferdam/1/run/ first/run.cfd | tail -n 3 | sed 's/.*cofferdam/cofferdam/' | sha256sum)
[ "$by_hand" = "$hash  -" ] || fail "$hash is not $by_hand"
openssl ts -query -in run.tsq -text >query.txt 2>/dev/null || fail "openssl does not read the query"
grep -q 'Hash Algorithm: sha256' query.txt && grep -q 'Certificate required: yes' query.txt || fail "$(cat query.txt)"
[ "$(sed -n 's/^ *[0-9a-f]* - \([-0-9a-f ]*\)   .*/\1/p' query.txt | tr -d ' \n-')" = "$hash" ] || fail "another imprint"
stamp first/run.cfd --query - >again.tsq || fail "no query on stdout"
[ "$(wc -c <again.tsq)" -gt 60 ] && ! cmp -s run.tsq again.tsq || fail "the same nonce twice"
refuses 2 'run.tsq' audit timestamp first/run.cfd --query run.tsq

# The answer, for the bundle and for its public form.
before=$(date +%s)
reply run.tsq run.tsr
openssl ts -verify -queryfile run.tsq -in run.tsr -CAfile trusted.pem >/dev/null 2>&1 || fail "openssl does not verify it"
for bundle in first/run.cfd public.cfd; do
    stamp "$bundle" --response run.tsr --trust trusted.pem >table || fail "$bundle: the answer does not hold"
    grep -q "^checkpoint   after [1-9][0-9]* steps, root [A-Za-z0-9+/=]\{44\}$" table || fail "$(cat table)"
    grep -q "SHA-256 of its text $hash$" table && grep -q '^authority    CN=Clock,O=Test$' table &&
        grep -q '^policy       1.3.6.1.4.1.99999.1$' table && grep -q '^serial       1000$' table &&
        grep -q '^time         20.*UTC$' table && grep -q '^HOLDS' table || fail "$(cat table)"
done
stamp first/run.cfd --response run.tsr --trust trusted.pem --json >json || fail "no JSON"
python3 - json "$before" "$hash" <<'END' || fail "$(cat json)"
import hashlib, json, sys
said = json.load(open(sys.argv[1]))
checkpoint = said["checkpoint"]
origin, size, root = checkpoint["text"].split("\n")[:3]
assert said["holds"] is True and origin == "cofferdam/1/run/" + said["run"] and len(said["run"]) == 64
assert int(size) == checkpoint["size"] and root == checkpoint["root"]
assert hashlib.sha256(checkpoint["text"].encode()).hexdigest() == checkpoint["sha256"] == sys.argv[3]
assert 0 <= said["time"] - int(sys.argv[2]) <= 600, said["time"]
assert said["authority"] == "CN=Clock,O=Test" and said["policy"] == "1.3.6.1.4.1.99999.1" and said["serial"] == "1000"
END

# An authority of before RFC 5816, which names its certificate by its SHA-1.
sed 's/^ess_cert_id_alg.*/ess_cert_id_alg = sha1/' tsa.cnf >old.cnf
openssl ts -reply -config old.cnf -queryfile run.tsq -out old.tsr 2>openssl.err || { cat openssl.err; fail "no reply"; }
stamp first/run.cfd --response old.tsr --trust trusted.pem >/dev/null || fail "an older answer does not hold"

# What does not hold, and who is told.
no() { # WORDS BUNDLE RESPONSE TRUST
    refuses 1 "$1" audit timestamp "$2" --response "$3" --trust "$4"
}
no 'run.tsr: .*over other bytes' other/run.cfd run.tsr trusted.pem
no 'run.tsr: .*do not vouch for its authority at that time: unable to get local issuer' first/run.cfd run.tsr stranger.pem
head -c -1 run.tsr >cut.tsr
no 'cut.tsr: this is no time-stamp response' first/run.cfd cut.tsr trusted.pem
{ cat run.tsr; echo; } >long.tsr
no 'long.tsr: .*1 bytes after its end' first/run.cfd long.tsr trusted.pem
cp run.tsr flipped.tsr
printf '\x55' | dd of=flipped.tsr bs=1 seek=$(($(wc -c <run.tsr) - 3)) conv=notrunc 2>/dev/null
no 'flipped.tsr: .*signature' first/run.cfd flipped.tsr trusted.pem
sed -i 's/^digests.*/digests = sha512/' tsa.cnf
reply again.tsq refused.tsr
no 'refused.tsr: .*did not grant it: .*badAlg' first/run.cfd refused.tsr trusted.pem
head -c 100000 first/run.cfd >half.cfd
no 'half.cfd: ' half.cfd run.tsr trusted.pem
stamp other/run.cfd --response run.tsr --trust trusted.pem --json >json 2>/dev/null && fail "another run's answer"
grep -q '"holds": false' json && grep -q '"reason": "run.tsr: .*other bytes' json || fail "$(cat json)"
stamp first/run.cfd --response run.tsr --trust trusted.pem --roster "$hash" >/dev/null 2>&1 && fail "another roster"

# Wrong usage.
refuses 2 'either --query' audit timestamp first/run.cfd
refuses 2 'either --query' audit timestamp first/run.cfd --query x.tsq --response run.tsr --trust trusted.pem
refuses 2 'go together' audit timestamp first/run.cfd --response run.tsr
refuses 2 'go together' audit timestamp first/run.cfd --query x.tsq --trust trusted.pem
refuses 2 'json' audit timestamp first/run.cfd --query x.tsq --json
refuses 2 'tsa.cnf: there is no certificate' audit timestamp first/run.cfd --response run.tsr --trust tsa.cnf
refuses 3 'absent' audit timestamp first/run.cfd --response absent.tsr --trust trusted.pem
