#!/bin/bash
# 250 seeds of the simulator (tests/sim): in each a consortium of its own in a hostile world of its own, every step watched.
# A seed that fails prints the line that runs it again. make soak goes on for longer.
set -eu
sim=${BUILD:-build}/sim
count=250
case $sim in */san-*) count=40 ;; esac # a sanitizer's build takes its time
"$sim" --seeds 1 --count $count
# A seed is a run: the same events to the last line.
"$sim" --seeds 17 --count 1 --trace | grep -v ' simulated rounds an hour' >"${TMPDIR:-/tmp}/sim-once.$$"
trap 'rm -f "${TMPDIR:-/tmp}/sim-once.$$"' EXIT
"$sim" --seeds 17 --count 1 --trace | grep -v ' simulated rounds an hour' | diff "${TMPDIR:-/tmp}/sim-once.$$" -
