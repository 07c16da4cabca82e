#!/usr/bin/env python3
"""Runs a program with what its systemd unit takes away from it, without systemd: calls, address families, writable code,
locked memory, privileges. A call outside the unit's list kills the program, so that a test sees it.
usage: confined.py UNIT PROGRAM WORD..."""
import ctypes
import errno
import os
import re
import resource
import socket
import subprocess
import sys

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EQUAL, MASKED_EQUAL = 4, 7
NOBODY = 65534
WRITE, EXECUTE = 2, 4


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
library.seccomp_init.restype = ctypes.c_void_p
library.seccomp_init.argtypes = [ctypes.c_uint32]
library.seccomp_load.argtypes = [ctypes.c_void_p]
library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]


def install(default, rules):
    """rules: (action, name of a call, what its arguments have to be)"""
    context = library.seccomp_init(default)
    for action, name, compare in rules:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue  # of another architecture
        array = (Compare * len(compare))(*compare)
        if library.seccomp_rule_add_array(context, action, number, len(compare), array) != 0:
            sys.exit(f"confined: no rule for {name}")
    if library.seccomp_load(context) != 0:
        sys.exit("confined: the filter cannot be loaded")


def calls_of(words):
    """The calls of a list with groups, by what systemd knows of groups."""
    calls = set()
    for word in words:
        if word.startswith("@"):
            text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", word], capture_output=True, text=True,
                                  check=True, env={**os.environ, "SYSTEMD_COLORS": "0"}).stdout
            calls |= calls_of(line.strip() for line in text.splitlines()[1:] if line.strip() and "#" not in line)
        else:
            calls.add(word)
    return calls


def main():
    unit, program, words = sys.argv[1], sys.argv[2], sys.argv[3:]
    settings = re.findall(r"^(\w+)=(.*)$", open(unit, encoding="utf-8").read(), re.M)
    one = dict(settings)
    allowed = set()
    for value in (value for key, value in settings if key == "SystemCallFilter"):
        denied, names = value.startswith("~"), calls_of(value.lstrip("~").split())
        allowed = allowed - names if denied else allowed | names
    families = {int(getattr(socket, name)) for name in one["RestrictAddressFamilies"].split()}
    locked = int(one["LimitMEMLOCK"].removesuffix("M")) << 20
    _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    locked = locked if most == resource.RLIM_INFINITY else min(locked, most)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (locked, locked))
    os.umask(int(one["UMask"], 8))
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    assert one["NoNewPrivileges"] == one["MemoryDenyWriteExecute"] == "yes"
    install(ALLOW, [(ERRNO | errno.EAFNOSUPPORT, "socket", [Compare(0, EQUAL, family, 0)])
                    for family in range(64) if family not in families])
    both = WRITE | EXECUTE
    install(ALLOW, [(ERRNO | errno.EPERM, "mmap", [Compare(2, MASKED_EQUAL, both, both)])] +
            [(ERRNO | errno.EPERM, name, [Compare(2, MASKED_EQUAL, EXECUTE, EXECUTE)]) for name in ("mprotect", "pkey_mprotect")])
    install(KILL, [(ALLOW, name, []) for name in sorted(allowed)])
    os.execv(program, [program, *words])


if __name__ == "__main__":
    main()
