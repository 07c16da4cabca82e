"""What the programs say of themselves in --help, read back: the manual and the completions are made from it."""
import dataclasses
import re
import subprocess

PROGRAMS = ("cofferdam", "cofferdam-node", "cofferdam-coordinator")


@dataclasses.dataclass
class Option:
    flags: list  # ["-o", "--out"]
    value: str  # placeholder, "" where it takes none
    text: str  # what it does, "" where help does not say


@dataclasses.dataclass
class Command:
    words: str
    synopsis: str
    summary: str
    body: list = dataclasses.field(default_factory=list)  # lines between summary and options
    options: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)  # lines after the options
    examples: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Program:
    name: str
    summary: str
    commands: list
    options: list
    examples: list


def help_of(path, *words):
    done = subprocess.run([path, *words, "--help"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def split_examples(lines):
    for number, line in enumerate(lines):
        if line in ("Example:", "Examples:"):
            return lines[:number], [text[2:] for text in lines[number + 1 :]]
    return lines, []


def read_option(head, text):
    flags = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", head)
    value = re.sub(r"^(--?[a-z][a-z-]*(, )?)+", "", head).strip()
    return Option(flags, value, text)


def read_options(lines):
    """Lines such as "  --key FILE   text", with continuations that stand further right."""
    before, options, after = [], [], []
    for line in lines:
        match = re.match(r"  (-\S.*?)(?: {2,}(.*))?$", line)
        if match:
            options.append(read_option(match.group(1), match.group(2) or ""))
        elif options and line.startswith("      ") and not after:
            options[-1].text += " " + line.strip()
        else:
            (after if options else before).append(line)
    return before, options, after


def from_synopsis(synopsis, known):
    """Adds the options that the synopsis has and the lines below it do not explain, and the values that only it tells."""
    found = []
    for option in known:
        if "--" in option.value:  # two in a line: --epsilon E --delta D
            values = re.findall(r"--?[a-z-]+ (\S+)", f"{option.flags[0]} {option.value}")
            found += [Option([flag], value, option.text) for flag, value in zip(option.flags, values)]
        else:
            found.append(option)
    has = {flag: option for option in found for flag in option.flags}
    for flag, value in re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)(?: ([^\s\[\]()|-](?:[^\s\])|]|\|(?!-))*))?", synopsis):
        value = "" if value == "..." else value
        if flag not in has:
            has[flag] = Option([flag], value, "")
            found.append(has[flag])
        elif has[flag].value in ("", "...") or re.fullmatch(r"[a-z]+(\|[a-z]+)+", value):
            has[flag].value = value
    return found


def read_daemon(path, name):
    lines, examples = split_examples(help_of(path))
    summary = lines[0].split(": ", 1)[1]
    _, options, _ = read_options(lines[lines.index("Options:") + 1 :])
    explained = {option.flags[0]: option for option in options}
    commands = []
    for number, line in enumerate(lines[: lines.index("Options:")]):
        match = re.match(r"  ([a-z]+) (.*)$", line)
        if match and lines[number + 1].startswith("      "):
            command = Command(match.group(1), f"{match.group(1)} {match.group(2)}", lines[number + 1].strip())
            for option in from_synopsis(match.group(2), []):
                text = explained[option.flags[0]].text
                command.options.append(Option(option.flags, option.value, text))
            commands.append(command)
    return Program(name, summary, commands, options, examples)


def read_command(path, words):
    lines, examples = split_examples(help_of(path, *words.split()))
    prefix = "usage: cofferdam "
    assert lines[0].startswith(prefix), lines[0]
    body, options, notes = read_options(lines[3:])
    synopsis = lines[0][len(prefix) :]
    return Command(words, synopsis, lines[2], body, from_synopsis(synopsis[len(words) :], options), notes, examples)


def read_people(path, name):
    lines, examples = split_examples(help_of(path))
    words = [match.group(1) for match in (re.match(r"  ([a-z]+(?: [a-z]+)?) +[A-Z]", line) for line in lines) if match]
    return Program(name, lines[0].split(": ", 1)[1], [read_command(path, each) for each in words], [], examples)


def read_program(build, name):
    path = f"{build}/{name}"
    program = read_people(path, name) if name == "cofferdam" else read_daemon(path, name)
    assert program.commands, f"{name} --help names no command"
    return program
