#!/usr/bin/env python3
"""Writes the manual: pages in section 1 from --help, pages in section 5 from docs/. usage: manual.py BUILD OUT VERSION DATE"""
import pathlib
import re
import subprocess
import sys
import tempfile

import commands

SEE = {
    "cofferdam": ["cofferdam-plan(5)", "cofferdam-node(1)", "cofferdam-coordinator(1)"],
    "cofferdam-node": ["cofferdam-node.yaml(5)", "cofferdam-policy.yaml(5)", "cofferdam(1)"],
    "cofferdam-coordinator": ["cofferdam-coordinator.yaml(5)", "cofferdam(1)"],
}
ENVIRONMENT = {
    "cofferdam": [("COFFERDAM_PASSPHRASE_FILE", "a file of mode 0600 with the passphrase of a sealed key")],
    "cofferdam-node": [
        ("COFFERDAM_PASSPHRASE_FILE", "a file of mode 0600 with the passphrase of a sealed key"),
        ("CREDENTIALS_DIRECTORY", "set by systemd: a key there with the file name that the configuration gives is used"),
    ],
    "cofferdam-coordinator": [
        ("CREDENTIALS_DIRECTORY", "set by systemd: a key there with the file name that the configuration gives is used")
    ],
}


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "".join(c if c < "\x7f" else f"\\[u{ord(c):04X}]" for c in text)


def line_of(text):
    """A line that is no request."""
    return "\\&" + text if text[:1] in (".", "'") else text


def verbatim(lines):
    return [".PP", ".EX", *(line_of(escape(line)) for line in lines), ".EE"]


def filled(text):
    return [".PP", line_of(escape(text))]


def header(name, section, version, date):
    return [f'.TH {escape(name.upper())} {section} {date} "Cofferdam {version}"', f".SH NAME"]


def see(pages):
    names = [re.match(r"(.+)\((\d)\)", page).groups() for page in sorted(pages, key=lambda page: (page[-2], page))]
    last = len(names) - 1
    return [".SH SEE ALSO", *(f".BR {escape(name)} ({part})" + ("," if i < last else "") for i, (name, part) in enumerate(names))]


# --- section 1 -------------------------------------------------------------------------------------------------------


def option_lines(options):
    out = []
    for option in options:
        value = f" \\fI{escape(option.value)}\\fR" if option.value else ""
        out += [".TP", ", ".join(f"\\fB{escape(flag)}\\fR" for flag in option.flags) + value]
        out.append(line_of(escape(option.text or "see above")))
    return out


def blocks(lines):
    """Paragraphs of text, each filled; what is indented stays as it is."""
    out, paragraph = [], []
    for line in [*lines, ""]:
        if line and not line.startswith(" "):
            paragraph.append(line)
            continue
        if paragraph:
            out += filled(" ".join(paragraph))
            paragraph = []
        if line.strip():
            out += verbatim([line])
    return out


def command_lines(program, command):
    out = [f".SS {escape(program.name + ' ' + command.words)}", ".PP", f"\\fB{escape(program.name)}\\fR"]
    out[-1] += " " + escape(command.synopsis)
    summary = command.summary
    out += filled(summary[0].upper() + summary[1:] + ("" if summary.endswith(".") else "."))
    out += blocks(command.body) + option_lines(command.options) + blocks(command.notes)
    return out + (verbatim(command.examples) if command.examples else [])


def page_1(program, version, date):
    name = program.name
    summary = program.summary.rstrip(".")
    out = header(name, 1, version, date) + [f"{escape(name)} \\- {escape(summary)}", ".SH SYNOPSIS"]
    out += [f".B {escape(name)}", ".I command", "\\&...", ".PP", f".B {escape(name)}"]
    out += [".RI [ command ]", "\\fB\\-\\-help\\fR", ".PP", f".B {escape(name)}", "\\fB\\-\\-version\\fR"]
    out += [".SH DESCRIPTION", line_of(escape(f"{summary}."[0].upper() + f"{summary}."[1:])), ".SH COMMANDS"]
    for command in program.commands:
        out += command_lines(program, command)
    out += [".SH EXIT STATUS"]
    for code, text in enumerate(("done", "what was asked about is not so", "wrong usage or configuration",
                                 "environment: file, network, database")):
        out += [".TP", f".B {code}", text]
    out += [".SH ENVIRONMENT"]
    for variable, text in ENVIRONMENT[name]:
        out += [".TP", f".B {variable}", escape(text)]
    if program.examples:
        out += [".SH EXAMPLES", *verbatim(program.examples)]
    return out + see(SEE[name])


# --- section 5 -------------------------------------------------------------------------------------------------------


def inline(text):
    """Markdown inside a line: code and emphasis become bold, links their words."""
    out = []
    for piece in re.split(r"(`[^`]*`)", text.replace("\\|", "|")):
        if piece.startswith("`") and len(piece) > 1:
            out.append(f"\\fB{escape(piece[1:-1])}\\fR")
            continue
        piece = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", piece)
        parts = re.split(r"\*\*", piece)
        out += [f"\\fB{escape(part)}\\fR" if i % 2 else escape(part) for i, part in enumerate(parts)]
    return line_of("".join(out))


def cells(row):
    """The cells of a table's row; a bar in code or behind a backslash is none."""
    return [cell.strip() for cell in re.findall(r"((?:`[^`]*`|\\\||[^|`])*)\|", row.strip()[1:])]


def table(rows):
    out = []
    head = cells(rows[0])
    for row in rows[2:]:
        key, *rest = cells(row)
        text = rest[-1]
        if len(rest) == 2:
            last = text if head[0] else f"{head[2].capitalize()}: {text}." # figures side by side: each is named
            text = f"{head[1].capitalize()}: {rest[0]}. {last}"
        out += [".TP", inline(key), inline(text)]
    return out


def markdown(lines, level):
    """Headings of LEVEL become sections, those below subsections."""
    out, number = [], 0
    while number < len(lines):
        line = lines[number]
        match = re.match(r"(#+) (.*)", line)
        start = number
        if match:
            kind = ".SH" if len(match.group(1)) <= level else ".SS"
            out.append(f"{kind} {inline(match.group(2).upper() if kind == '.SH' else match.group(2))}")
        elif line.startswith("```"):
            number += 1
            while not lines[number].startswith("```"):
                number += 1
            out += verbatim(lines[start + 1 : number])
        elif line.startswith("    "):
            while number + 1 < len(lines) and (lines[number + 1].startswith("    ")):
                number += 1
            out += verbatim([text[4:] for text in lines[start : number + 1]])
        elif line.strip().startswith("|"):
            while number + 1 < len(lines) and lines[number + 1].strip().startswith("|"):
                number += 1
            out += table(lines[start : number + 1])
        elif line.strip():
            item = re.match(r"(-|\d+\.) ", line)
            while number + 1 < len(lines) and re.match(r"\s*[^\s#|`-]|`[^`]", lines[number + 1]):
                if re.match(r"\d+\. |    ", lines[number + 1]):
                    break
                number += 1
            text = " ".join(part.strip() for part in lines[start : number + 1])
            out += [".IP \\(bu 2", inline(text[item.end() :])] if item else [".PP", inline(text)]
        number += 1
    return out


def section(text, heading):
    """The lines below a heading, to the next one of its level."""
    level = heading.split(" ")[0]
    body = text.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"\n#{{1,{len(level)}}} ", body)[0].splitlines()


def key_table(lines, name):
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {name} |"))
    end = next(i for i in range(start, len(lines)) if not lines[i].startswith("|"))
    return lines[start:end]


def page_5(name, summary, body, pages, version, date):
    return header(name, 5, version, date) + [f"{escape(name)} \\- {escape(summary)}", *body, *see(pages)]


def written_by_init(build, program, name):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([f"{build}/{program}", "init", directory], check=True, stdout=subprocess.DEVNULL)
        return pathlib.Path(directory, name).read_text(encoding="utf-8").splitlines()


def configuration(build, program, name, more):
    lines = section(pathlib.Path("docs/operators.md").read_text(encoding="utf-8"), "## Configuration")
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    out = [".SH DESCRIPTION", *markdown(lines[:first], 2), ".SH KEYS", *table(key_table(lines, name))]
    for heading in more:
        out += markdown(["## " + heading, *section("\n".join(["", *lines]), "### " + heading)], 2)
    return [*out, ".SH EXAMPLES", f"What {escape(program)} init writes:", *verbatim(written_by_init(build, program, name))]


def main():
    build, out, version, date = sys.argv[1:]
    target = pathlib.Path(out)
    target.mkdir(parents=True, exist_ok=True)
    operators = pathlib.Path("docs/operators.md").read_text(encoding="utf-8")
    policy = ["## Description", *section(operators, "## Policy"), "## Officers", *section(operators, "## Officers")]
    policy = [re.sub("^###", "##", line) for line in policy]
    plan = ["## Description", *pathlib.Path("docs/plan.md").read_text(encoding="utf-8").splitlines()[1:]]
    example = [".SH EXAMPLES", "What cofferdam\\-node init writes:", *verbatim(written_by_init(build, "cofferdam-node", "policy.yaml"))]
    pages = {f"{name}.1": page_1(commands.read_program(build, name), version, date) for name in commands.PROGRAMS}
    for name, summary, body, others in (
        ("cofferdam-node.yaml", "configuration of a bank's node",
         configuration(build, "cofferdam-node", "node.yaml", ("Keys in a token", "Consent", "Databases", "Push-down", "Joined sources")),
         ["cofferdam-node(1)", "cofferdam-policy.yaml(5)"]),
        ("cofferdam-coordinator.yaml", "configuration of the coordinator",
         configuration(build, "cofferdam-coordinator", "coordinator.yaml", ("Keys in a token",)), ["cofferdam-coordinator(1)"]),
        ("cofferdam-policy.yaml", "what a bank takes part in",
         markdown(policy, 2) + example, ["cofferdam-node(1)", "cofferdam-node.yaml(5)", "cofferdam-plan(5)"]),
        ("cofferdam-plan", "what is computed together, on which columns, within which bounds",
         markdown(plan, 2), ["cofferdam(1)", "cofferdam-policy.yaml(5)"]),
    ):
        pages[f"{name}.5"] = page_5(name, summary, body, others, version, date)
    for name, lines in pages.items():
        # A paragraph that begins a section has no request of its own.
        lines = [line for i, line in enumerate(lines) if line != ".PP" or lines[i - 1][:3] not in (".SH", ".SS")]
        (target / name).write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
