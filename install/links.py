#!/usr/bin/env python3
"""In documents as they are installed, a link to what is not installed with them becomes its words. usage: links.py DIRECTORY"""
import pathlib
import re
import sys


def without_dead_links(document, directory):
    def kept(match):
        words, target = match.groups()
        path = (document.parent / target.split("#")[0]).resolve()
        installed = path.is_relative_to(directory) and path.exists()
        return match.group() if installed or re.match("[a-z]+:", target) else words

    return re.sub(r"!?\[([^\]]*)\]\(([^)\s]+)\)", kept, document.read_text(encoding="utf-8"))


def main():
    directory = pathlib.Path(sys.argv[1]).resolve()
    for document in directory.rglob("*.md"):
        document.write_text(without_dead_links(document, directory), encoding="utf-8")


if __name__ == "__main__":
    main()
