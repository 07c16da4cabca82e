#!/usr/bin/env python3
"""Checks the page and the JSON of `cofferdam audit report` against each other: PAGE.html REPORT.json. Says what is wrong."""
import html.parser
import json
import pathlib
import re
import sys

VOID = {"meta", "br", "wbr"}
KNOWN = {"html", "head", "title", "style", "body", "main", "section", "nav", "h1", "h2", "h3", "p", "ul", "ol", "li", "dl", "dt", "dd", "a",
         "code", "pre", "em", "strong", "div", "table", "caption", "thead", "tbody", "tr", "th", "td"} | VOID
ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "id", "href", "scope", "aria-label", "aria-labelledby"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.headings, self.ids, self.links, self.widths = [], "", [], [], [], []
        self.captioned = self.tables = 0

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        assert tag in KNOWN, f"a tag that the page has no use for: {tag}"
        assert set(given) <= ATTRIBUTES, f"attributes of {tag}: {attributes}"
        if tag == "th":
            assert given.get("scope") in ("row", "col"), "a th without scope"
        if re.fullmatch("h[1-6]", tag):
            level = int(tag[1])
            assert level <= (self.headings[-1] if self.headings else 0) + 1, f"{tag} after h{self.headings[-1:]}"
            self.headings.append(level)
        if tag == "table":
            self.tables += 1
            self.widths.append(set())
        if tag == "caption":
            assert self.open[-1] == "table", "a caption that is not a table's"
            self.captioned += 1
        if tag == "tr":
            self.cells = 0
        self.cells = getattr(self, "cells", 0) + (tag in ("td", "th"))
        if "id" in given:
            self.ids.append(given["id"])
        if "href" in given:
            self.links.append(given["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} ends out of turn"
        if tag == "tr":
            self.widths[-1].add(self.cells)

    def handle_data(self, data):
        self.text += "" if self.open and self.open[-1] == "style" else data


def texts(value):
    """Every text of the report that its page must show as it is."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in SHOWN_OTHERWISE:
                yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


# Shown in other words, in part, or counted: lists of many names, times in two lines, hashes of each round.
SHOWN_OTHERWISE = {"text", "verdict", "signed_by", "checked_by", "banks_of", "earliest", "latest", "sum", "state", "fields", "outcome",
                   "asked", "on_dropout", "phase", "endings", "model", "form", "kind", "key", "versions"}


def main():
    source = pathlib.Path(sys.argv[1]).read_text()
    report = json.loads(pathlib.Path(sys.argv[2]).read_text())
    page = Page()
    page.feed(source)
    page.close()
    assert not page.open, page.open
    assert page.headings[0] == 1 and page.headings.count(1) == 1, page.headings
    assert page.tables == page.captioned, "a table without a caption"
    assert all(len(widths) == 1 for widths in page.widths), "rows of a table differ in length"
    assert len(page.ids) == len(set(page.ids)), "an id twice"
    for link in page.links:
        assert link[0] == "#" and link[1:] in page.ids, f"a link that leads nowhere: {link}"
    assert "default-src 'none'" in source and "prefers-color-scheme:dark" in source and "@media print" in source and "@page" in source
    assert not re.search(r"url\(|@import|https?://", source.split("</style>")[0]), "the sheet loads something"
    for text in texts(report):
        assert text in page.text, f"not on the page: {text}"
    assert ("The record of this run does not hold" in page.text or "This is no bundle" in page.text) == (not report["holds"])
    assert "✓" not in page.text or report["holds"]
    for count in report.get("checked", {}).values():
        assert not report["form"] or f"{count:,}" in page.text, count
    if "run" in report:
        assert "It makes no claim" in page.text and "There is no differential privacy in this run" in page.text
        for bank in report["banks"]:
            assert bank["identity_key"] in page.text and bank["node_key"] in page.text
        for version in report["roster"]["versions"]:
            assert version["fingerprint"] in page.text and all(change in page.text for change in version["changes"])
        for group in report["released"]["groups"]:
            assert group["phase"] in page.text and all(field["words"] in page.text for field in group["fields"])


main()
