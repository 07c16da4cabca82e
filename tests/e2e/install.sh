#!/bin/bash
# make install into a directory: what is there runs, the manual and the completions say what --help says, the units hold.
. "$(dirname "$0")/../support/e2e.sh"
root=$(realpath "$HOME_DIR")/root
unset MAKEFLAGS MAKELEVEL MFLAGS
make_in() { make -s BUILD="$BUILD" DESTDIR="$root" PREFIX=/usr "$@" >"$HOME_DIR/make" 2>&1 || die "make $*: $(cat "$HOME_DIR/make")"; }
make_in install
version=$(make -s version)
programs=(cofferdam cofferdam-node cofferdam-coordinator)
missing=()

# The programs run from where they are, and say one version.
for program in "${programs[@]}"; do
    [ "$("$root/usr/bin/$program" --version)" = "$program $version" ] || die "$program --version"
    "$root/usr/bin/$program" --help >"$HOME_DIR/$program.help" || die "$program --help"
done
grep -q "^  --key FILE  *the node's node.key; an officer's key, where one decides$" "$HOME_DIR/cofferdam-node.help" || die "the node's --key"
grep -q "^  --key FILE  *the coordinator's node.key$" "$HOME_DIR/cofferdam-coordinator.help" || die "the coordinator's --key"
commands_of() { # PROGRAM: a line a command
    case $1 in
    cofferdam) sed -nE 's/^  ([a-z]+( [a-z]+)?) +[A-Z].*/\1/p' "$HOME_DIR/$1.help" ;;
    *) sed -nE '/^Options/q; s/^  ([a-z]+) .*/\1/p' "$HOME_DIR/$1.help" ;;
    esac
}
options_of() { # PROGRAM COMMAND: every option that its help shows, but those of other programs in examples
    local words=()
    [ "$1" = cofferdam ] || { grep "^  $2 " "$HOME_DIR/$1.help" | grep -oE -- '--[a-z][a-z-]+' | sort -u; return; }
    read -ra words <<<"$2"
    "$root/usr/bin/cofferdam" "${words[@]}" --help | sed '/^Example/q' | grep -oE -- '(^|[ ([|])--[a-z][a-z-]+' | tr -d ' ([|' | sort -u
}

# The manual: every command and option of --help, every key that init writes, and nothing that mandoc or groff warns of.
plain() { sed -E 's/\\f[A-Z]//g; s/\\-/-/g; s/\\&//g' "$1"; }
for program in "${programs[@]}"; do
    plain "$root/usr/share/man/man1/$program.1" >"$HOME_DIR/page"
    [ "$(commands_of "$program" | wc -l)" -ge 4 ] || die "the commands of $program are not found in its help"
    while read -r words; do
        grep -qx ".SS $program $words" "$HOME_DIR/page" || die "$program.1 does not have: $words"
        sed -n "/^.SS $program $words\$/,/^.S[SH] /p" "$HOME_DIR/page" | tail -n +2 >"$HOME_DIR/section"
        while read -r option; do
            grep -qE -- "^(-[a-z], )?$option( |,|\$)" "$HOME_DIR/section" || die "$program.1, $words: $option is not explained"
        done < <(options_of "$program" "$words")
    done < <(commands_of "$program")
done
"$NODE" init "$HOME_DIR/node" >/dev/null
"$COORDINATOR" init "$HOME_DIR/coordinator" >/dev/null
for file in node/node.yaml node/policy.yaml coordinator/coordinator.yaml; do
    plain "$root/usr/share/man/man5/cofferdam-$(basename "$file").5" | sed '/^.SH EXAMPLES/q' >"$HOME_DIR/page"
    while read -r key; do
        grep -A1 '^.TP' "$HOME_DIR/page" | grep -qE "(^|, |\\.)$key(\$|,|\\.)" || die "the manual of $file does not have the key $key"
    done < <(sed -nE 's/^(# ?)?([a-z_]+): .*/\2/p' "$HOME_DIR/$file")
done
for part in node:KEYS\ IN\ A\ TOKEN:pkcs11: node:PUSH-DOWN:schema: coordinator:KEYS\ IN\ A\ TOKEN:pkcs11:; do # PROGRAM:SECTION:WORD
    IFS=: read -r kind heading word _ <<<"$part"
    plain "$root/usr/share/man/man5/cofferdam-$kind.yaml.5" | sed -n "/^.SH $heading\$/,/^.SH /p" | grep -q "$word" ||
        die "cofferdam-$kind.yaml.5 does not have $word under $heading"
done
for page in "$root"/usr/share/man/man?/*; do
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W warning "$page" >"$HOME_DIR/lint" 2>&1 || die "$(head -n 3 "$HOME_DIR/lint")"
    else
        missing+=(mandoc)
    fi
    if command -v groff >/dev/null; then
        groff -man -ww -T ascii "$page" 2>&1 >/dev/null | grep -v "can't find special character\|cannot adjust line\|can't break line" >"$HOME_DIR/lint" &&
            die "$page: $(head -n 3 "$HOME_DIR/lint")"
    fi
done

# The documents: the alerts that they speak of are with them, and every link leads to something.
documents=$root/usr/share/doc/cofferdam
for file in examples/plan.yaml examples/prometheus/{alerts,alerts_test,prometheus}.yml; do
    cmp "$file" "$documents/$file" || die "$file is not installed as it is"
done
python3 - "$documents" >"$HOME_DIR/links" <<'END' || die "the installed documents: $(head -n 3 "$HOME_DIR/links")"
import pathlib, re, sys
root = pathlib.Path(sys.argv[1])
links = [(page, target) for page in root.rglob("*.md") for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in target]
dead = [f"{page.relative_to(root)} links to {target}, which is not there" for page, target in links if not (page.parent / target.split("#")[0]).exists()]
outside = [f"{page.relative_to(root)} links out of the documents: {target}" for page, target in links if root not in (page.parent / target.split("#")[0]).resolve().parents and target[0] != "#"]
print("\n".join(dead + outside) or f"{len(links)} links lead to something")
sys.exit(bool(dead or outside) or len(links) < 100 or not any("examples/prometheus" in target for _, target in links))
END

# Completion in bash: every command and each of its options, words, directories and files.
completes() { # WORD...: what is offered for the last of them, a line each
    bash -c '. "$0/$1"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_${1//-/_}"; printf "%s\n" "${COMPREPLY[@]}"' \
        "$root/usr/share/bash-completion/completions" "$@"
}
for program in "${programs[@]}"; do
    while read -r words; do
        read -ra each <<<"$words"
        completes "$program" "${each[@]}" | grep -qx "${each[-1]}" || die "bash does not complete $program $words"
        completes "$program" "${each[@]}" -- >"$HOME_DIR/offered"
        while read -r option; do
            grep -qx -- "$option" "$HOME_DIR/offered" || die "bash does not complete $program $words $option"
        done < <(options_of "$program" "$words")
    done < <(commands_of "$program")
done
expect() { # WANTED WORD...: what is offered, in one line
    local got
    got=$(completes "${@:2}" | tr '\n' ' ')
    [ "$got" = "$1" ] || die "bash offers \"$got\", not \"$1\", for: ${*:2}"
}
expect "roster run " cofferdam r
expect "new add sign show --help " cofferdam roster ""
expect "pmml onnx sql json " cofferdam model export model.json --format ""
expect "--repetition " cofferdam-node deny /etc/cofferdam --rep
expect " " cofferdam fit --threads "" # a number: nothing is offered
mkdir "$HOME_DIR/offer"
mkdir "$HOME_DIR/offer/a folder"
touch "$HOME_DIR/offer/a file"
expect "$HOME_DIR/offer/a folder " cofferdam keygen --out "$HOME_DIR/offer/a"
[ "$(completes cofferdam plan check "$HOME_DIR/offer/a f" | wc -l)" -eq 2 ] || die "bash does not complete names with blanks"
for program in "${programs[@]}"; do
    if command -v zsh >/dev/null; then
        zsh -n "$root/usr/share/zsh/site-functions/_$program" || die "zsh cannot read the completion of $program"
    else
        missing+=(zsh)
    fi
done

# The units: whole, with the programs where they are, and no more exposed than they say.
for unit in cofferdam-node cofferdam-coordinator; do
    grep -qx "u $unit .*" "$root/usr/lib/sysusers.d/$unit.conf" || die "sysusers.d does not make the user of $unit"
    installed=$root/usr/lib/systemd/system/$unit.service
    grep -q "^User=$unit\$" "$installed" && grep -q "^ExecStart=/usr/bin/$unit run " "$installed" || die "$unit.service"
    if command -v systemd-analyze >/dev/null; then
        sed "s|^ExecStart=/usr|ExecStart=$root/usr|" "$installed" >"$HOME_DIR/$unit.service" # verify looks for the program
        systemd-analyze verify --man=no "$(realpath "$HOME_DIR/$unit.service")" >"$HOME_DIR/verify" 2>&1 || die "$(cat "$HOME_DIR/verify")"
        [ ! -s "$HOME_DIR/verify" ] || die "$(cat "$HOME_DIR/verify")"
        systemd-analyze security --offline=yes --threshold=12 --no-pager "$HOME_DIR/$unit.service" >"$HOME_DIR/exposed" 2>&1 ||
            die "$unit.service is more exposed than 1.2: $(tail -n 1 "$HOME_DIR/exposed")"
    else
        missing+=(systemd-analyze)
    fi
done

# Uninstalling takes back all that was installed, and nothing else.
mkdir -p "$root/etc/cofferdam" "$root/var/lib/cofferdam/node"
touch "$root/etc/cofferdam/node.key" "$root/var/lib/cofferdam/node/state.db" "$root/usr/bin/other"
make_in uninstall
left=$(find "$root" -type f -printf '%P\n' | sort | tr '\n' ' ')
[ "$left" = "etc/cofferdam/node.key usr/bin/other var/lib/cofferdam/node/state.db " ] || die "left after uninstall: $left"
good
if [ ${#missing[@]} -gt 0 ]; then echo "not looked at for want of: $(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')"; fi
