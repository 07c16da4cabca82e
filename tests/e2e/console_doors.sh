#!/bin/bash
# The console of real daemons without a browser: who gets in and how often, what a run's page is told, before and after the
# coordinator starts again, and what the commands say where there is no console.
. "$(dirname "$0")/../support/e2e.sh"
[ -x "$BUILD/protocol/1-1/cofferdam-node" ] || die "programs of other versions are not built"
banks=(north south east)
e2e_make "${banks[@]}"
declare -A AT=()
for party in north coordinator; do
    AT[$party]=127.0.0.1:$(free_port)
done
config_of() { [ "$1" = coordinator ] && echo "$HOME_DIR/$1/coordinator.yaml" || echo "$HOME_DIR/$1/node.yaml"; } # PARTY
address() { # PARTY: what its command prints
    local program=$NODE
    [ "$1" != coordinator ] || program=$COORDINATOR
    "$program" console "$HOME_DIR/$1" | sed -n 's/^\(http:.*#token=.*\)$/\1/p'
}
enter() { # PARTY URL: the session's cookie
    curl -sS -o /dev/null -D - -d "${2#*token=}" "http://${AT[$1]}/login" | sed -n 's/^Set-Cookie: \([^;]*\);.*/\1/p'
}
get() { curl -sS -f --max-time 30 -b "$3" "http://${AT[$1]}$2"; } # PARTY PATH COOKIE
status() { # PARTY PATH CURL-ARGUMENT...
    local party=$1 path=$2
    shift 2
    curl -sS -o /dev/null --max-time 30 -w '%{http_code}' "$@" "http://${AT[$party]}$path"
}
event() { # PARTY COOKIE: the first thing that an open page is told, once there is room for one
    local told
    told() {
        told=$(curl -sS -N --max-time 20 -b "$2" "http://${AT[$1]}/api/events" 2>/dev/null | grep -m 1 '^data: {')
        [ -n "$told" ]
    }
    until_true 20 told "$@" && printf '%s\n' "${told#data: }"
}
deaf() { # PARTY COOKIE: a page that is opened and never read; its descriptor is added to DEAF
    local fd
    exec {fd}<>"/dev/tcp/${AT[$1]/://}" || die "$1 does not listen"
    printf 'GET /api/events HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n' "${AT[$1]}" "$2" >&"$fd"
    DEAF+=("$fd")
}
hear() { # the deaf pages are closed
    local fd
    for fd in "${DEAF[@]}"; do exec {fd}>&-; done
    DEAF=()
}
DEAF=()
listens() { (exec 3<>"/dev/tcp/${1/://}") 2>/dev/null; } # HOST:PORT
reconfigure() { # PARTY ADDRESS: the console's, for its next start or SIGHUP
    sed -i "s/^console: .*/console: {address: \"$2\"}/" "$(config_of "$1")"
}

expect_exit 3 "no daemon of this user runs in this directory" "$COORDINATOR" console "$HOME_DIR/coordinator"
e2e_start "${banks[@]}"
until_true 10 "$NODE" status "$HOME_DIR/north" || die "north does not answer"
until_true 10 "$COORDINATOR" status "$HOME_DIR/coordinator" || die "the coordinator does not answer"

# A daemon without a console takes one up at SIGHUP, as it says.
none='the daemon serves no console: add a line "console: {}" to its configuration and reload it (SIGHUP)'
expect_exit 2 "$none" "$NODE" console "$HOME_DIR/north"
expect_exit 2 "$none" "$COORDINATOR" console "$HOME_DIR/coordinator"
for party in north coordinator; do
    printf 'console: {address: "%s"}\n' "${AT[$party]}" >>"$(config_of $party)"
    kill -HUP "${PROCESS[$party]}"
done
for party in north coordinator; do until_true 20 listens "${AT[$party]}" || die "$party takes up no console at SIGHUP"; done
until_true 10 "$NODE" status "$HOME_DIR/north" || die "north does not answer after SIGHUP"

for party in north coordinator; do
    cookie=$(enter $party "$(address $party)")
    for _ in {1..8}; do deaf $party "$cookie"; done
done
full() { [ "$(status coordinator /api/events -b "$cookie")" = 503 ]; }
until_true 10 full || die "more pages are open than there is room for"
run=$(submit north) || die "not submitted"
for bank in "${banks[@]}"; do watch "$bank" "$run" >/dev/null || die "no model at $bank"; done
hear

url=$(address coordinator)
cookie=$(enter coordinator "$url")
[ -n "$cookie" ] || die "no session by $url"
[ -z "$(enter coordinator "$url")" ] || die "a token counts twice"
[ "$(status coordinator /api/session)" = 401 ] || die "no session is needed"
[ "$(status coordinator /api/session -b "$cookie")" = 200 ] || die "the session is not one"
[ "$(status coordinator /api/session -b "$cookie" -H 'Host: evil.example')" = 403 ] || die "another name is answered"
[ "$(status coordinator /api/session -b "$cookie" -H 'Sec-Fetch-Site: cross-site')" = 403 ] || die "another page is answered"
[ "$(status coordinator "/api/runs/$run/report" -b "$cookie")" = 200 ] || die "no report"
get coordinator "/api/runs/$run/bundle" "$cookie" >"$HOME_DIR/run.cfd" || die "no bundle"
"$COFFERDAM" audit verify "$HOME_DIR/run.cfd" >/dev/null || die "the bundle does not verify"
told_done() { event coordinator "$cookie" >"$HOME_DIR/state.json" && grep -q '"state":"done"' "$HOME_DIR/state.json"; }
until_true 20 told_done || die "no event, or none of a run that is done"
get coordinator "/api/runs/$run" "$cookie" >"$HOME_DIR/before.json" || die "no details"
"$COORDINATOR" status --json "$HOME_DIR/coordinator" >"$HOME_DIR/overview.json" || die "no status"

# What the page is told is what the run's own documents say.
python3 - "$HOME_DIR" "$run" <<'END' || die "the coordinator's page is told something else"
import json, sys
home, run = sys.argv[1:]
state = json.load(open(f"{home}/state.json"))["state"]
told = json.load(open(f"{home}/before.json"))
model = json.load(open(f"{home}/coordinator/state/runs/{run}/model.json"))
assert [member["name"] for member in state["members"]] == ["north", "south", "east"], state["members"]
assert all(member["connected"] for member in state["members"])
spoken = json.load(open(f"{home}/overview.json"))["protocol"]
assert [member["protocol"] for member in state["members"]] == spoken["members"] and len(spoken["members"]) == 3, state["members"]
assert all(member["protocol"]["newest"] == state["protocol"] == spoken["newest"] for member in state["members"]), state
[shown] = state["runs"]
assert shown["run"] == run and shown["state"] == "done" and shown["sums"] == model["rounds"], shown
assert shown["protocol"] == state["protocol"], shown
assert shown["phases"]["collecting masked inputs"] > 0, shown["phases"]
steps = told["steps"]
assert [step["step"] for step in steps] == list(range(1, model["rounds"] + 1)), steps
assert all(step["missing"] == [] and step["round"] == step["step"] for step in steps)
figures = [step["figure"]["value"] for step in steps if "figure" in step]
assert len(figures) >= 3 and figures[-1] == model["log_likelihood"] and figures[0] < figures[-1], figures
assert told["checkpoint"]["size"] == model["rounds"] and len(told["checkpoint"]["root"]) == 64
assert sorted(told["checkpoint"]["cosigned_by"]) == ["east", "north", "south"], told["checkpoint"]
assert told["files"] == ["model", "report", "plan", "bundle"] and told["evidence"] == 0
END

# A console that could not listen leaves the coordinator as it is.
before=${AT[coordinator]}
reconfigure coordinator "${AT[north]}"
kill -HUP "${PROCESS[coordinator]}"
until_true 10 log_has coordinator "not reloaded.*console: another program listens" || die "it reloads what cannot listen"
[ "$(status coordinator /api/session -b "$cookie")" = 200 ] || die "a refused reload ends a session"
url=$(address coordinator)
python3 tests/e2e/lib/console_attack.py "$before" "$cookie" "${url#*token=}" || die "the console gives way"
[ "$(grep -c "does not count" "$HOME_DIR/coordinator/log")" -le 3 ] || die "strangers fill the log"

# It moves to another address, with pages open that nobody reads; who was in is out.
deaf coordinator "$cookie"
AT[coordinator]=127.0.0.1:$(free_port)
reconfigure coordinator "${AT[coordinator]}"
kill -HUP "${PROCESS[coordinator]}"
out() { [ "$(status coordinator /api/session -b "$cookie")" = 401 ]; }
until_true 20 out || die "it does not answer where it is told to, or a session outlives a move"
! listens "$before" || die "it listens where it did still"
hear

# Nor the node as it would be.
reconfigure north "${AT[coordinator]}"
kill -HUP "${PROCESS[north]}"
until_true 10 log_has north "not reloaded.*console: another program listens" || die "the node reloads what cannot listen"
reconfigure north "${AT[north]}"
"$NODE" check "$HOME_DIR/north" | grep -qx "console   ${AT[north]}, not tried while this bank's node is running" || die "check does not know its own"

# The node's: what its own commands say.
cookie=$(enter north "$(address north)")
event north "$cookie" >"$HOME_DIR/state.json" || die "no event at north"
get north "/api/runs/$run" "$cookie" >"$HOME_DIR/node.json" || die "no details at north"
get north /api/journal "$cookie" >"$HOME_DIR/journal.json" || die "no journal at north"
"$NODE" status --json "$HOME_DIR/north" >"$HOME_DIR/status.json"
"$NODE" plans --json "$HOME_DIR/north" >"$HOME_DIR/plans.json"
python3 - "$HOME_DIR" "$run" <<'END' || die "the node's page is told something else"
import json, sys
home, run = sys.argv[1:]
load = lambda name: json.load(open(f"{home}/{name}.json"))
state, status, told = load("state")["state"], load("status"), load("node")
del status["now_ms"]
assert {name: state[name] for name in status} == status
assert state["plans"] == load("plans")
lines = [json.loads(line) for line in open(f"{home}/north/state/journal.jsonl")]
assert load("journal") == lines[-300:]
assert told["journal"] == [line for line in lines if line.get("run") == run] and len(told["journal"]) > 10
assert told["files"] == ["model", "report", "plan", "bundle"], told["files"]
END

# After a restart: no session, and the same run.
cookie=$(enter coordinator "$(address coordinator)")
for _ in {1..3}; do deaf coordinator "$cookie"; done
party_kill coordinator TERM
hear
coordinator_start
until_true 10 "$COORDINATOR" status "$HOME_DIR/coordinator" || die "the coordinator does not answer"
[ "$(status coordinator /api/session -b "$cookie")" = 401 ] || die "a session outlives the daemon"
cookie=$(enter coordinator "$(address coordinator)")
get coordinator "/api/runs/$run" "$cookie" | cmp - "$HOME_DIR/before.json" || die "a restart changes what is known of a run"

# A member that has not dialled since is of no version that is known; one that came back as an older program is behind.
restarted() { # WANTED: what the page is told of south
    event coordinator "$cookie" >"$HOME_DIR/state.json" || return 1
    python3 - "$HOME_DIR/state.json" "$1" <<'END'
import json, sys
told = {member["name"]: member["protocol"] for member in json.load(open(sys.argv[1]))["state"]["members"]}["south"]
sys.exit((told and (told["oldest"], told["newest"], told["standing"])) != eval(sys.argv[2]))
END
}
party_kill south TERM
party_kill coordinator TERM
coordinator_start
until_true 10 "$COORDINATOR" status "$HOME_DIR/coordinator" || die "the coordinator does not answer again"
cookie=$(enter coordinator "$(address coordinator)")
restarted None || die "of a member that never dialled a version is told"
NODE="$BUILD/protocol/1-1/cofferdam-node" node_start south
until_true 20 restarted '(1, 1, "older")' || die "a member that is behind is not told"
[ "$(status coordinator "/api/runs/${run//[0-9]/0}" -b "$cookie")" = 404 ] || die "a run that is none"

# Nothing of the door is in a log; what cannot be served is said.
! grep -qE "token=|$(cut -d= -f2 <<<"$cookie")" "$HOME_DIR"/*/log || die "a token or a session is in a log"
party_kill south TERM
printf 'console: {address: "%s"}\n' "${AT[north]}" >>"$HOME_DIR/south/node.yaml"
expect_exit 3 "console: another program listens at ${AT[north]} already; stop it or choose another port" \
    "$NODE" run "$HOME_DIR/south/node.yaml"
expect_exit 3 "console: another program listens at ${AT[north]} already" "$NODE" check "$HOME_DIR/south/node.yaml"
reconfigure south 0.0.0.0:9465
expect_exit 2 'key "console.address": must be a loopback address of this machine' "$NODE" run "$HOME_DIR/south/node.yaml"
! grep -qE 'ThreadSanitizer|ERROR: AddressSanitizer|runtime error' "$HOME_DIR"/*/log || die "a sanitizer has something to say"
good
