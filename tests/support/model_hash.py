#!/usr/bin/env python3
"""Gives a model that was edited the hash of its contents, as docs/exports.md defines it: model_hash.py <in.json >out.json"""
import hashlib
import json
import re
import sys


class Real(float):
    """A number with a point or an exponent, written as the definition says."""

    def __repr__(self):
        text = "%.17g" % self
        if "e" in text:
            digits, exponent = text.split("e")
            return f"{digits}e{int(exponent)}"
        return text if "." in text else text + ".0"


SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text):
    return '"' + re.sub(r'["\\\x00-\x1f]', lambda c: SHORT.get(c[0], "\\u%04X" % ord(c[0])), text) + '"'


def text_of(value):
    if isinstance(value, dict):
        # The order of bytes, which for UTF-8 is that of code points.
        return "{" + ",".join(quoted(k) + ":" + text_of(value[k]) for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return repr(value) if isinstance(value, Real) else json.dumps(value)


def hash_of(document):
    rest = {key: value for key, value in document.items() if key != "hash"}
    return hashlib.sha256(b"cofferdam/1/model\0" + text_of(rest).encode()).hexdigest()


if __name__ == "__main__":
    text = sys.stdin.read()
    document = json.loads(text, parse_float=Real)
    told = '"hash": "%s"' % hash_of(document)
    if "hash" in document:
        print(re.sub(r'"hash":\s*"[^"]*"', told, text), end="")
    else:
        print(text[: text.rindex("}")].rstrip() + ", " + told + "}")
