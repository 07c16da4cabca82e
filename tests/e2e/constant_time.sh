#!/bin/bash
# Nothing that is done with secrets branches or reads memory by them, as valgrind sees it (tests/constant_time); and it
# would see it.
cd "$(dirname "$0")/../.." || exit 1
program=${BUILD:-build}/constant_time
case ${BUILD:-build} in */san-*) echo "valgrind and a sanitizer do not go together"; exit 77 ;; esac
command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
look() { valgrind -q --error-exitcode=1 --suppressions=tests/constant_time/public.supp "$program" "$@"; }
look || exit 1
if look leak 2>/dev/null; then echo "a comparison that branches on a secret is not seen"; exit 1; fi
