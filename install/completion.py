#!/usr/bin/env python3
"""Writes completions for bash and zsh from --help. usage: completion.py BUILD OUT"""
import pathlib
import re
import sys

import commands

BASH = """# Completion of @NAME@ for bash; made from its --help.
@FUNCTION@_words() { # words of the command so far: what may follow
    case "$1" in
@WORDS@
    esac
}
@FUNCTION@_options() { # COMMAND: its options
    case "$1" in
@OPTIONS@
    esac
}
@FUNCTION@_value() { # COMMAND OPTION: what the option's value is
    case "$1 $2" in
@VALUES@
    esac
}
@FUNCTION@() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= kind=file index=1 next
    while [ $index -lt "$COMP_CWORD" ]; do # the longest command that stands there
        next=${COMP_WORDS[index]}
        case " $(@FUNCTION@_words "$command") " in *" $next "*) command="${command:+$command }$next" ;; *) break ;; esac
        index=$((index + 1))
    done
    COMPREPLY=()
    if [ -n "$(@FUNCTION@_words "$command")" ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(@FUNCTION@_words "$command") --help" -- "$current")
        return
    fi
    if [ $index -lt "$COMP_CWORD" ]; then
        next=$(@FUNCTION@_value "$command" "$before")
        kind=${next:-file}
    fi
    case "$kind" in
    none) return ;;
    words:*) mapfile -t COMPREPLY < <(compgen -W "${kind#words:}" -- "$current"); return ;;
    esac
    if [ -z "${next:-}" ] || [ $index -eq "$COMP_CWORD" ]; then
        case "$current" in -*)
            mapfile -t COMPREPLY < <(compgen -W "$(@FUNCTION@_options "$command") --help" -- "$current")
            return ;;
        esac
    fi
    compopt -o filenames 2>/dev/null
    case "$kind" in
    directory) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    esac
}
complete -F @FUNCTION@ @NAME@
"""

ZSH = """#compdef @NAME@
# Completion of @NAME@ for zsh; made from its --help.
local -a words_before=("${(@)words[2,CURRENT-1]}") commands options
case "${(j: :)words_before}" in
@WORDS@
esac
case "${words[2]} ${words[3]}" in
@OPTIONS@
esac
"""


def kind_of(value):
    """What an option's value is: "" for none at all, a file, a directory, one of these words, or free text."""
    if not value:
        return ""
    if re.fullmatch(r"[a-z]+(\|[a-z]+)+", value):
        return "words:" + value.replace("|", " ")
    if value == "DIR":
        return "directory"
    if re.search(r"FILE|DIR|\.[a-z]|ROSTER$|^OUT$|^NEXT$|^PLAN", value):
        return "file"
    return "none"


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def following(program):
    """Words so far -> those that may follow, each with what it says of itself."""
    after = {}
    for command in program.commands:
        words = command.words.split()
        for count in range(len(words)):
            summary = command.summary if count == len(words) - 1 else ""
            after.setdefault(" ".join(words[:count]), {}).setdefault(words[count], summary)
    return after


def bash(program):
    words, options, values = [], [], []
    for before, next_words in following(program).items():
        more = " --version" if not before else ""
        words.append(f"    {quoted(before)}) echo {quoted(' '.join(next_words) + more)} ;;")
    for command in program.commands:
        flags = [flag for option in command.options for flag in option.flags]
        options.append(f"    {quoted(command.words)}) echo {quoted(' '.join(flags))} ;;")
        for option in command.options:
            if kind_of(option.value):
                names = " | ".join(quoted(f"{command.words} {flag}") for flag in option.flags)
                values.append(f"    {names}) echo {quoted(kind_of(option.value))} ;;")
    return fill(BASH, program, words, options, values)


def zsh_option(option):
    text = re.sub(r"[\[\]:'\\]", " ", option.text)
    kind = kind_of(option.value)
    action = {"": "", "none": ":value: ", "directory": ":directory:_files -/", "file": ":file:_files"}.get(kind)
    if action is None:
        action = f":word:({kind.removeprefix('words:')})"
    return [quoted(f"*{flag}[{text}]{action}") for flag in option.flags]


def zsh(program):
    words, options = [], []
    for before, next_words in following(program).items():
        entries = " ".join(quoted(f"{word}:{text}" if text else word) for word, text in next_words.items())
        words.append(f"{quoted(before)}) commands=({entries} --help); _describe command commands; return ;;")
    for command in program.commands:
        specs = " ".join(spec for option in command.options for spec in zsh_option(option))
        two = " " in command.words
        pattern = quoted(command.words) if two else quoted(command.words + " ") + "*"
        shift = f"shift {1 + two} words; (( CURRENT -= {1 + two} ));"
        options.append(f"{pattern}) {shift} _arguments -s {specs} '--help' '*:file:_files' ;;")
    return fill(ZSH, program, words, options, [])


def fill(text, program, words, options, values):
    for name, lines in (("WORDS", words), ("OPTIONS", options), ("VALUES", values or ["    *) ;;"])):
        text = text.replace(f"@{name}@", "\n".join(lines))
    return text.replace("@FUNCTION@", "_" + program.name.replace("-", "_")).replace("@NAME@", program.name)


def main():
    build, out = sys.argv[1:]
    for shell in ("bash", "zsh"):
        pathlib.Path(out, shell).mkdir(parents=True, exist_ok=True)
    for name in commands.PROGRAMS:
        program = commands.read_program(build, name)
        pathlib.Path(out, "bash", name).write_text(bash(program), encoding="utf-8")
        pathlib.Path(out, "zsh", "_" + name).write_text(zsh(program), encoding="utf-8")


if __name__ == "__main__":
    main()
