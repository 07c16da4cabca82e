#!/bin/bash
# keygen, and a roster from its first text to its second version, as five members and a coordinator would type it.
. "$(dirname "$0")/lib/simulate.bash"
cd "$work"
members=(north south east west centre)

for name in hub "${members[@]}"; do
    "$cofferdam" keygen --org "$name" --out "$name" --no-passphrase >"$name.out" || fail "keygen $name"
    for file in identity.key node.key; do
        [ "$(stat -c %a "$name/$file")" = 600 ] || fail "$name/$file can be read by others"
    done
    grep -q "^node $(sed -n 's/^node     //p' "$name.out")$" "$name/$name.pub" || fail "$name.pub has another key"
done
before=$(sha256sum north/*)
refuses 2 'exists; keys are never overwritten' keygen --org north --out north --no-passphrase
[ "$before" = "$(sha256sum north/*)" ] || fail "keygen changed keys that were there"
refuses 2 'no name of a member' keygen --org 'two words' --out bad --no-passphrase
refuses 2 'no name of a member' keygen --org ../up --out bad --no-passphrase
for name in $'no\xc2\xa0break' $'turned\xe2\x80\xae' $'wide\xe3\x80\x80'; do
    refuses 2 'no name of a member' keygen --org "$name" --out bad --no-passphrase # no signature line could carry it
done
refuses 2 '\-\-out is missing' keygen --org x
refuses 2 'no such option: --frce' keygen --org x --out bad --frce
refuses 2 'one word too many' keygen --org x --out bad y
refuses 3 'bad/deep' keygen --org x --out bad/deep --no-passphrase

printf 'correct horse\n' >passphrase
printf 'wrong horse\n' >wrong
chmod 600 passphrase wrong
COFFERDAM_PASSPHRASE_FILE=passphrase "$cofferdam" keygen --org hill --out hill --json >hill.json
grep -q '"sealed": true' hill.json || fail "keygen did not seal"

pubs=(); for name in "${members[@]}"; do pubs+=("$name/$name.pub"); done
new=(roster new --coordinator hub/hub.pub --address tls+tcp://127.0.0.1:7700)
refuses 2 'must read tls+tcp://HOST:PORT' roster new --coordinator hub/hub.pub --address 127.0.0.1 -o bad "${pubs[@]}"
for address in tls+tcp://a/b:1 tls+tcp://user@host:1 'tls+tcp://*:7700' 'tls+tcp://[::g]:1' 'tls+tcp://[]:1'; do
    refuses 2 'must read tls+tcp://HOST:PORT' roster new --coordinator hub/hub.pub --address "$address" -o bad "${pubs[@]}"
done
"$cofferdam" roster new --coordinator hub/hub.pub --address 'tls+tcp://[::1]:7700' -o six.note "${pubs[@]}" >/dev/null ||
    fail "an IPv6 address is refused"
refuses 2 'the roster has 2 members' "${new[@]}" -o bad "${pubs[@]:0:2}"
refuses 2 'a member of this name already' "${new[@]}" -o bad "${pubs[@]}" north/north.pub
refuses 2 'hub twice' "${new[@]}" -o bad "${pubs[@]}" hub/hub.pub
sed 's/^name north$/name ..north/' north/north.pub >dots.pub
refuses 2 'dots.pub:2: ' "${new[@]}" -o bad "${pubs[@]}" dots.pub
refuses 2 'dots.pub:2: ' roster new --coordinator dots.pub --address tls+tcp://127.0.0.1:7700 -o bad "${pubs[@]}"
refuses 2 '\-\-out is empty' "${new[@]}" -o '' "${pubs[@]}"
refuses 3 'absent.pub' "${new[@]}" -o bad "${pubs[@]}" absent.pub
"$cofferdam" "${new[@]}" -o roster.note "${pubs[@]}" >/dev/null
refuses 2 'exists\|already' "${new[@]}" -o roster.note "${pubs[@]}"

shows() { # CODE WORDS ARGUMENTS...
    local code=$1 words=$2 status=0
    shift 2
    "$cofferdam" roster show "$@" >show.out 2>show.err || status=$?
    [ $status -eq "$code" ] || { cat show.err; fail "roster show $* ended with $status"; }
    grep -q "$words" show.out show.err || { cat show.out show.err; fail "roster show $* does not say '$words'"; }
}
shows 1 'nobody has signed it yet' roster.note
for name in north south east west; do
    "$cofferdam" roster sign roster.note --key $name/identity.key >/dev/null || fail "$name cannot sign"
done
shows 1 'there is no signature of centre' roster.note
"$cofferdam" roster sign roster.note --key centre/identity.key -o signed.note >/dev/null
shows 0 'verified: every signature' signed.note
shows 0 '"verified": true' signed.note --json
shows 1 '"verified": false' roster.note --json
mv signed.note roster.note
refuses 2 'north has signed this roster already' roster sign roster.note --key north/identity.key
refuses 2 'belongs to no member' roster sign roster.note --key hub/identity.key
refuses 2 'node' roster sign roster.note --key north/node.key
sed 's/127.0.0.1:7700/127.0.0.1:7701/' roster.note >forged.note
shows 1 'the signature of north does not verify' forged.note
sed 's/^member/membre/' roster.note >broken.note
refuses 1 'broken.note: roster line 5: "membre" stands where "member" must be' roster show broken.note
refuses 3 'absent.note' roster show absent.note

# A member joins, with a sealed identity.
"$cofferdam" roster add roster.note hill/hill.pub -o second.note >/dev/null
for name in north south west; do
    "$cofferdam" roster sign second.note --key $name/identity.key --previous roster.note >/dev/null
done
shows 1 'carries 3 signatures of the 5 members before; 4 are needed' second.note --previous roster.note
"$cofferdam" roster sign second.note --key centre/identity.key --previous roster.note >/dev/null
shows 1 'hill is new or has a new key and must sign' second.note --previous roster.note
status=0
COFFERDAM_PASSPHRASE_FILE=wrong "$cofferdam" roster sign second.note --key hill/identity.key 2>wrong.err || status=$?
[ $status -eq 1 ] && grep -q '^cofferdam: .*passphrase' wrong.err || fail "a wrong passphrase ends with $status"
COFFERDAM_PASSPHRASE_FILE=passphrase "$cofferdam" roster sign second.note --key hill/identity.key >/dev/null
shows 0 'verified: every signature' second.note --previous roster.note
shows 0 'not judged' second.note

# A fork: another second version, of which one member knows nothing.
"$cofferdam" roster add forged.note hill/hill.pub -o fork.note >/dev/null 2>&1 && fail "a forged roster got a successor"
"$cofferdam" roster add second.note --remove east --address tls+tcp://127.0.0.1:7800 -o third.note >/dev/null
refuses 1 'does not follow this one' roster sign third.note --key north/identity.key --previous roster.note
"$cofferdam" roster sign third.note --key north/identity.key --previous second.note >/dev/null
shows 1 'take the versions between first' third.note --previous roster.note
shows 1 'carries 1 signatures of the 6 members before; 5 are needed' third.note --previous second.note
refuses 2 'no such member' roster add second.note --remove nobody -o bad
