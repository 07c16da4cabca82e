#!/usr/bin/env python3
"""Secrets of a bank's epoch, taken from its store while its node stands still, and looked for elsewhere.

    secrets.py take STATE OUT     what must never leave the bank, as hex lines; exit 1 while there is nothing yet
    secrets.py memory PID IN      how many of them a process has in its memory
    secrets.py files IN PATH...   how many of them the files below the paths hold
"""
import os
import pathlib
import shutil
import sqlite3
import sys
import tempfile

SCALAR = 32


def take(state, out):
    """The channel secret, each round's b, and the shares held of the others' b: a run without dropouts reveals none."""
    values = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("secrets.db", "secrets.db-wal"):
            if os.path.exists(f"{state}/{name}"):
                shutil.copy(f"{state}/{name}", scratch)
        rows = sqlite3.connect(f"{scratch}/secrets.db").execute("SELECT key, value FROM record").fetchall()
    for key, value in rows:
        kind = key.split("/")[2]
        scalars = [value[i:i + SCALAR] for i in range(0, len(value), SCALAR)]
        values += scalars if kind == "channel" else scalars[1::2] if kind in ("own", "held") else []
    if not any("/held/" in key for key, _ in rows):
        return 1
    pathlib.Path(out).write_text("".join(value.hex() + "\n" for value in sorted(set(values))))
    return 0


def read_values(path):
    return [bytes.fromhex(line) for line in pathlib.Path(path).read_text().split()]


def memory(pid, values):
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            begin, end = (int(x, 16) for x in span.split("-"))
            if "r" not in rights or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue
            try:
                mem.seek(begin)
                piece = mem.read(end - begin)
            except OSError:
                continue
            found.update(value for value in values if value in piece)
    return len(found)


def files(values, paths):
    found = set()
    for path in paths:
        for file in pathlib.Path(path).rglob("*"):
            if file.is_file():
                piece = file.read_bytes()
                found.update(value for value in values if value in piece)
    return len(found)


def main():
    what = sys.argv[1]
    if what == "take":
        return take(*sys.argv[2:])
    if what == "memory":
        print(memory(sys.argv[2], read_values(sys.argv[3])))
    else:
        print(files(read_values(sys.argv[2]), sys.argv[3:]))
    return 0


sys.exit(main())
