#!/usr/bin/env python3
"""Bundles whose officers' approvals are not those that were sent: approvals.py BUNDLE STEM writes STEM.removed,
STEM.altered, STEM.doubled. Lengths are put right, signatures stay as they were."""
import pathlib
import sys

APPROVALS = 12 << 3 | 2  # the tag of the field in P1
P1 = 3                   # the entry's kind


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def number(value):
    return bytes([value & 0x7F | 0x80]) + number(value >> 7) if value > 0x7F else bytes([value])


def fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        yield tag, value


def written(items):
    return b"".join(number(tag) + (number(len(value)) + value if tag & 7 == 2 else number(value)) for tag, value in items)


def changed(list_of_p1, change):
    """The payload with the approvals in each P1 as `change` makes them."""
    out = []
    for tag, one in fields(list_of_p1):
        (body_tag, body), *rest = fields(one)
        items = list(fields(body))
        approvals = [value for field, value in items if field == APPROVALS]
        items = [item for item in items if item[0] != APPROVALS]
        items += [(APPROVALS, value) for value in (change(approvals) if approvals else [])]
        out.append((tag, written([(body_tag, written(items)), *rest])))
    return written(out)


def altered(approvals):
    first = approvals[0]
    at = first.index(b"officer ") + len("officer ")
    return [first[:at] + (b"1" if first[at:at + 1] == b"0" else b"0") + first[at + 1:], *approvals[1:]]


def main():
    source, stem = pathlib.Path(sys.argv[1]).read_bytes(), sys.argv[2]
    at = source.index(b"\n") + 1
    while source[at] != P1:
        at += 9 + int.from_bytes(source[at + 1:at + 9], "little")
    end = at + 9 + int.from_bytes(source[at + 1:at + 9], "little")
    assert changed(source[at + 9:end], list) == source[at + 9:end], "not as the bundle has it"
    for name, change in ("removed", lambda _: []), ("altered", altered), ("doubled", lambda all_of_them: all_of_them * 2):
        payload = changed(source[at + 9:end], change)
        assert payload != source[at + 9:end], "no approval in the bundle"
        head = source[at:at + 1] + len(payload).to_bytes(8, "little")
        pathlib.Path(f"{stem}.{name}").write_bytes(source[:at] + head + payload + source[end:])


main()
