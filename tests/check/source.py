#!/usr/bin/env python3
"""The rules of the tree that a compiler does not know: who may include whom, which calls are banned, how long things get."""
import pathlib
import re
import subprocess
import sys

# An include may point only to these folders and headers (docs/architecture.md).
ALLOWED = {
    "crypto/base": {"crypto/base"},
    "crypto": {"crypto/base", "crypto"},
    "sys": {"crypto/base", "crypto", "sys"},
    "proto": {"crypto/base", "crypto", "proto"},
    "data": {"crypto/base", "crypto/hash.h", "data"},
    "analytics": {"crypto/base", "crypto/hash.h", "proto", "data", "analytics"},
    "node": {"crypto/base", "crypto", "sys", "proto", "data", "analytics", "node"},
    "coordinator": {"crypto/base", "crypto", "sys", "proto", "analytics", "coordinator"},
    "cli": {"crypto/base", "crypto", "sys", "proto", "data", "analytics", "cli"},
}
# Libraries with one caller only: header prefix -> folders that may include it.
LIBRARIES = {
    "sodium": {"crypto"},
    "openssl/ssl": {"sys"},
    "openssl/": {"crypto", "sys"},
    "protobuf-c/": {"proto/wire"},
    "onnx/": {"analytics/export"},
    "proto/schema/": {"proto/wire"},
    "nng/": {"sys"},
    "p11-kit/": {"sys"},
    "sqlite3": {"sys"},
    "sql.h": {"data"},
    "sqlext.h": {"data"},
    "microhttpd.h": {"sys/http.c"},
    "csv.h": {"data"},
    "zlib.h": {"data"},
    "cyaml/": {"crypto/base", "proto/run", "sys"},
    "yaml.h": {"crypto/base"},
    "mpfr": {"analytics", "proto/run"},
    "jansson": {"analytics", "cli", "node", "coordinator"},
}
BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca|strncpy|strncat)\s*\(": "unsafe call",
    r"\b(rand|srand|random|drand48)\s*\(": "not a cryptographic generator",
    r"\bassert\s*\(\s*true\s*\)": "asserts nothing",
}
# Clocks and entropy live in sys/ alone; crypto's generator is seeded from there.
CLOCK = re.compile(r"\b(time|gettimeofday|clock_gettime|randombytes_buf|randombytes_random|RAND_bytes|getrandom)\s*\(")
# Secrets are compared by secret_equal and secret_bytes_equal, in constant time.
COMPARED = re.compile(r"\b(memcmp|strcmp|strncmp|view_equal)\s*\([^;]*\b(secret_bytes|secret_view|sign_key_seed|passphrase|"
                      r"deal_own|deal_held|deal_channel|deal_block)\b")
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK|not implemented)\b")
FUNCTION_MAX, FILE_MAX = 70, 600


def blank(text):
    """Comments and strings become blanks; line numbers stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: "".join(c if c == "\n" else " " for c in m.group()), text)


def layer(path):
    parts = path.split("/")
    if parts[:2] == ["crypto", "base"]:
        return "crypto/base"
    return parts[0] if parts[0] in ALLOWED else None


def functions(code):
    depth, line, head, start, name = 0, 1, "", 0, ""
    for char in code:
        line += char == "\n"
        if char == "{":
            if depth == 0:
                match = re.search(r"(\w+)\s*\([^;{}]*\)\s*$", head)
                name, start = (match.group(1) if match else ""), line
            depth += 1
        elif char == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if name:
                    yield name, start, line - start + 1
                head = ""
                continue
        if depth == 0:
            head = "" if char == ";" else head + char


def check(path, found):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    code = blank(text)
    mine = layer(path)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > 120:
            found.append(f"{path}:{number}: longer than 120 characters")
        if LEFTOVER.search(line):
            found.append(f"{path}:{number}: a leftover")
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if not match or mine is None:
            continue
        target = match.group(1)
        ours = '"' in line  # <sys/stat.h> is the system's
        if ours and layer(target) and not {layer(target), target} & ALLOWED[mine]:
            found.append(f"{path}:{number}: {mine} may not include {target}")
        for prefix, folders in LIBRARIES.items():
            if target.startswith(prefix):
                if not any(path == f or path.startswith(f + "/") for f in folders):
                    found.append(f"{path}:{number}: only {', '.join(sorted(folders))} may include {target}")
                break
    for number, line in enumerate(code.splitlines(), 1):
        for pattern, why in BANNED.items():
            if re.search(pattern, line):
                found.append(f"{path}:{number}: {why}: {line.strip()[:60]}")
        if COMPARED.search(line) and mine:
            found.append(f"{path}:{number}: a secret compared in time that depends on it: {line.strip()[:60]}")
        if CLOCK.search(line) and mine and mine != "sys":
            found.append(f"{path}:{number}: clock or entropy outside sys/: {line.strip()[:60]}")
    if mine:
        for name, start, length in functions(code):
            if length > FUNCTION_MAX:
                found.append(f"{path}:{start}: {name} has {length} lines, more than {FUNCTION_MAX}")
        if text.count("\n") > FILE_MAX:
            found.append(f"{path}: {text.count(chr(10))} lines, more than {FILE_MAX}")


def check_named_tests(found):
    """Tests that docs/protocol.md names exist."""
    tests = "".join(p.read_text() for p in pathlib.Path("tests").rglob("test_*.c"))
    table = pathlib.Path("docs/protocol.md").read_text().split("## The attacks that are staged")[1].split("\n## ")[0]
    for name in re.findall(r"`([a-z0-9_]+)`", table):
        if f"static void {name}(void **state)" not in tests:
            found.append(f"docs/protocol.md: there is no test {name}")


def main():
    found = []
    check_named_tests(found)
    for path in subprocess.run(["git", "ls-files", "*.c", "*.h"], capture_output=True, text=True, check=True).stdout.split():
        check(path, found)
    print("\n".join(found) if found else "", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
