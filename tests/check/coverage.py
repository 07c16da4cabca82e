#!/usr/bin/env python3
"""Adds up what gcov counted for the product's files in crypto/ and proto/. Usage: coverage.py BUILD"""
import collections
import json
import pathlib
import subprocess
import sys

FOLDERS = ("crypto/", "proto/")


def counts(build):
    """{file: ({line: times}, {(line, branch): times})}, a header's summed over the files that include it."""
    files = collections.defaultdict(lambda: (collections.Counter(), collections.Counter()))
    for notes in sorted(build.glob("obj/**/*.gcno")):
        if not str(notes.relative_to(build / "obj")).startswith(FOLDERS):
            continue
        out = subprocess.run(["gcov", "--json-format", "--stdout", "-b", notes], capture_output=True, check=True).stdout
        for line in out.splitlines():
            for file in json.loads(line)["files"]:
                if not file["file"].startswith(FOLDERS):
                    continue
                lines, branches = files[file["file"]]
                for row in file["lines"]:
                    lines[row["line_number"]] += row["count"]
                    for k, branch in enumerate(row["branches"]):
                        branches[row["line_number"], k] += branch["count"]
    return files


def part(counter):
    return sum(1 for times in counter.values() if times), len(counter)


def row(name, lines, branches):
    cells = [name.ljust(34)]
    for reached, there in (lines, branches):
        cells.append(f"{reached:6} of {there:6} {100 * reached / there if there else 100:6.1f} %")
    return "  ".join(cells)


def main():
    build = pathlib.Path(sys.argv[1])
    files, table, missed = counts(build), [], []
    totals = {folder: [0, 0, 0, 0] for folder in (*FOLDERS, "both")}
    for name in sorted(files):
        lines, branches = map(part, files[name])
        table.append(row(name, lines, branches))
        for total in (totals[name.split("/")[0] + "/"], totals["both"]):
            total[:] = [a + b for a, b in zip(total, (*lines, *branches))]
        source = pathlib.Path(name).read_text(encoding="utf-8").splitlines()
        missed += [f"{name}:{n}: {source[n - 1].strip()}" for n in sorted(files[name][0]) if not files[name][0][n]]
    table += [row(folder, total[:2], total[2:]) for folder, total in totals.items()]
    head = " " * 34 + "  " + "lines".center(25) + "  " + "branches".center(25)
    text = "\n".join([head, *table]) + "\n"
    (build / "table.txt").write_text(text, encoding="utf-8")
    (build / "missed.txt").write_text("\n".join(missed) + "\n", encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
