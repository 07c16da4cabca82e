#!/bin/bash
# The programs, started with stdin, stdout and stderr closed: /dev/null stands there, and no database or file of theirs.
. "$(dirname "$0")/../support/e2e.sh"
banks=(north south east)
e2e_make "${banks[@]}"

held() { # NAME: the three descriptors of this process are /dev/null
    local number
    for number in 0 1 2; do [ "$(readlink "/proc/${PROCESS[$1]}/fd/$number")" = /dev/null ] || return 1; done
}
ready() { compgen -G "$HOME_DIR/$1/state/*" >/dev/null; } # its database is open
"$COORDINATOR" run "$HOME_DIR/coordinator" <&- >&- 2>&- &
PROCESS[coordinator]=$!
"$NODE" run "$HOME_DIR/north" <&- >&- 2>&- &
PROCESS[north]=$!
for name in coordinator north; do
    until_true 10 ready "$name" || die "$name does not start"
    until_true 5 held "$name" || die "$name: $(ls -l "/proc/${PROCESS[$name]}/fd")"
done
"$COFFERDAM" run watch --node "$HOME_DIR/south" <&- >&- 2>&- # no such node: its sentence goes nowhere
[ $? -eq 3 ] || die "cofferdam without descriptors"
"$COFFERDAM" plan check "$HOME_DIR/plan.yaml" >&-
[ $? -eq 3 ] || die "what is printed to a closed stdout is not noticed"
"$COFFERDAM" plan check "$HOME_DIR/plan.yaml" <&- >"$HOME_DIR/checked" || die "plan check needs no stdin"
good
