#!/bin/bash
# The log of a daemon whose configuration says nothing of its form: text on a terminal, JSON elsewhere, and its last
# sentence too.
. "$(dirname "$0")/../support/e2e.sh"
e2e_make north south east
coordinator=$HOME_DIR/coordinator north=$HOME_DIR/north
sed -i '/^log_format:/d' "$coordinator/coordinator.yaml" "$north/node.yaml"
all_json() { # FILE: each of its lines is an object
    python3 - "$1" <<'END_OF_CHECK' || die "$1 is not JSON: $(cat "$1")"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert lines and all({"time", "level", "process", "what", "message"} <= set(line) for line in lines), lines
END_OF_CHECK
}
last_is() { # FILE PROCESS TEXT: the last line is an error of that process, and says it
    all_json "$1"
    tail -n 1 "$1" | grep -q "^{.*\"level\":\"error\",\"process\":\"$2\",\"what\":\"end\",.*$3" || die "no last sentence: $(cat "$1")"
}
ends() { # CODE COMMAND...: its stderr is in $HOME_DIR/said
    local code=$1
    shift
    timeout $((10 * PATIENCE)) "$@" >/dev/null 2>"$HOME_DIR/said"
    [ $? -eq "$code" ] || die "not exit code $code: $* ($(cat "$HOME_DIR/said"))"
}
on_terminal() { # COMMAND: what it says on one is in $HOME_DIR/said
    SHELL=/bin/bash script -qec "$1" /dev/null </dev/null >"$HOME_DIR/said"
}

# Into a file: JSON, also the sentence of a daemon that does not begin, and that of one whose configuration is wrong.
coordinator_start
until_true 10 "$COORDINATOR" status "$coordinator" || die "the coordinator does not start"
node_start north
until_true 10 "$NODE" status "$north" || die "north does not start"
ends 3 "$COORDINATOR" run "$coordinator"
last_is "$HOME_DIR/said" coordinator "another process (pid ${PROCESS[coordinator]}) works in this directory"
sed 's/^log:/logg:/' "$north/node.yaml" >"$north/wrong.yaml"
ends 2 "$NODE" run "$north/wrong.yaml"
last_is "$HOME_DIR/said" node "wrong.yaml:5: "

# text said in the configuration, from its first word; commands that are no daemon stay plain.
{ cat "$north/node.yaml"; echo "log_format: text"; } >"$north/text.yaml"
sed 's/^policy:.*/policy: nowhere.yaml/' "$north/text.yaml" >"$north/wrong.yaml"
ends 3 "$NODE" run "$north/wrong.yaml"
grep -q '^cofferdam-node: .*nowhere.yaml' "$HOME_DIR/said" || die "not plain: $(cat "$HOME_DIR/said")"
ends 3 "$NODE" check "$north/wrong.yaml"
grep -q '^cofferdam-node: .*nowhere.yaml' "$HOME_DIR/said" || die "not plain: $(cat "$HOME_DIR/said")"
ends 2 "$NODE" walk
grep -q '^cofferdam-node: no such command' "$HOME_DIR/said" || die "not plain: $(cat "$HOME_DIR/said")"

# At SIGHUP, by what the file says then.
cp "$north/text.yaml" "$north/node.yaml"
kill -HUP "${PROCESS[north]}"
until_true 10 grep -q '^20.*Z info    node ' "$north/log" || die "north goes on in JSON: $(cat "$north/log")"
party_kill north TERM
party_kill coordinator TERM
all_json "$coordinator/log"

# On a terminal: text, and JSON where the configuration says so.
command -v script >/dev/null || {
    good
    echo "script, which makes a terminal, is not installed: only files were looked at"
    exit 0
}
on_terminal "timeout 3 $COORDINATOR run $coordinator"
grep -q '^20.*Z info    coordinator ' "$HOME_DIR/said" || die "no text on a terminal: $(cat "$HOME_DIR/said")"
! grep -q '^{' "$HOME_DIR/said" || die "JSON on a terminal: $(cat "$HOME_DIR/said")"
on_terminal "$NODE run $north/wrong.yaml"
grep -q '^cofferdam-node: .*nowhere.yaml' "$HOME_DIR/said" || die "no plain sentence on a terminal: $(cat "$HOME_DIR/said")"
sed -i 's/^log_format:.*/log_format: json/' "$north/wrong.yaml"
on_terminal "$NODE run $north/wrong.yaml"
tr -d '\r' <"$HOME_DIR/said" >"$HOME_DIR/lines"
last_is "$HOME_DIR/lines" node nowhere.yaml
good
