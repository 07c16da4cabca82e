#!/bin/bash
# A PostgreSQL server for one test, of an unprivileged user, that listens on a socket in a directory of its own and nowhere else.
#   postgres.sh start      prints the directory, which the others take; exit code 77 where none is installed. With
#                          ODBCSYSINI=DIR drivers are as on this machine, but that of PostgreSQL leaves no logs in /tmp
#   postgres.sh sql DIR    runs what comes on stdin as the server's owner, user "owner" without a password
#   postgres.sh die DIR    the server and all its sessions end as after a crash
#   postgres.sh again DIR  started again after that
#   postgres.sh stop DIR   and the directory goes
set -u
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
as_server() { # the server refuses to be root
    if [ "$(id -u)" -eq 0 ]; then setpriv --reuid nobody --regid nogroup --clear-groups "$@"; else "$@"; fi
}
control() { as_server "$programs/pg_ctl" -D "$directory/data" -w "$@" >/dev/null 2>&1 </dev/null; }
directory=${2:-}
case ${1:-} in
start)
    if [ -z "$programs" ] || ! command -v psql >/dev/null; then
        echo "PostgreSQL is not installed (package postgresql)"
        exit 77
    fi
    directory=$(mktemp -d "${TMPDIR:-/tmp}/cofferdam-postgres.XXXXXX") || exit 3
    [ "$(id -u)" -ne 0 ] || chown nobody: "$directory"
    cd "$directory" || exit 3
    as_server "$programs/initdb" -D "$directory/data" -U owner -A trust -E UTF8 --locale=C -N >/dev/null 2>&1 || exit 3
    printf 'local all owner trust\nlocal all all scram-sha-256\n' >"$directory/data/pg_hba.conf"
    printf "listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\nshared_buffers = 16MB\n" "$directory" >>"$directory/data/postgresql.conf"
    [ ! -f /etc/odbcinst.ini ] || sed 's/CommLog=1/CommLog=0/' /etc/odbcinst.ini >"$directory/odbcinst.ini"
    control -l "$directory/log" start || exit 3
    echo "$directory"
    ;;
sql) exec psql -q -v ON_ERROR_STOP=1 -h "$directory" -U owner -d postgres ;;
die) cd "$directory" && control -m immediate stop ;;
again) cd "$directory" && control -l "$directory/log" start ;;
stop)
    cd "$directory" || exit 3
    control -m immediate stop
    cd / && rm -rf "$directory"
    ;;
*) sed -n '2,8s/^# *//p' "$0" >&2; exit 2 ;;
esac
