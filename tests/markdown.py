#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a Markdown document or a man page's POD names, for tests/docs.

markdown.py names FILE...: a line each, fields separated by tabs:
    link     FILE:LINE TARGET
    span     FILE:LINE TEXT        between backquotes, outside blocks
    row      FILE:LINE CELL...     of a table
    heading  FILE:LINE TEXT
    command  FILE:LINE WORD...     of a shell block, or of a span that begins
                                   with a program; quotes resolved
markdown.py blocks INFO FILE: the blocks fenced with that info string, each
    with a form feed behind.

A fence without an info string, or one that begins with "sh", is shell; any
other is output or a drawing. In POD, verbatim paragraphs are shell.
"""
import itertools
import re
import shlex
import sys

PROGRAM = re.compile(r"(\./\S+|tests/bench/bench|make|nbdkit|pathctl|nbd-client|nbdinfo|"
                     r"nbdcopy|nbdfuse|fio|gdb|perf|qemu-\S+)\s+\S")


def blocks(lines):
    """Yields (line number, info or None for text, lines)."""
    text, first, fence, info = [], 1, None, None
    for number, line in enumerate(lines, 1):
        mark = re.match(r"( *)(```+)(.*)$", line)
        if mark and fence is None:
            yield first, None, text
            text, first = [], number + 1
            fence, info, indent = mark.group(2), mark.group(3).strip(), len(mark.group(1))
        elif mark and mark.group(2) == fence:
            yield first, info, text
            text, first, fence = [], number + 1, None
        else:
            text.append(line[indent:] if fence and not line[:indent].strip() else line)
    if fence:
        sys.exit("a fence is not closed")
    yield first, None, text


def pod_blocks(lines):
    """Yields (line number, lines) of verbatim paragraphs."""
    numbered = enumerate(lines, 1)
    for is_verbatim, run in itertools.groupby(numbered, lambda n: n[1].startswith(" ")):
        if is_verbatim:
            run = list(run)
            yield run[0][0], [line.strip() for _, line in run]


def simple_commands(text):
    """The simple commands of a line of shell, as lists of words."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    try:
        for word in lexer:
            if set(word) <= set("();<>|&"):
                if words:
                    yield words
                words = []
            else:
                words.append(word)
    except ValueError:
        pass                            # a quote of prose, or a block of two lines
    if words:
        yield words


def joined(first, lines):
    """Continued lines as one, with the number of the first."""
    text, start = "", first
    for number, line in enumerate(lines, first):
        if not text:
            start = number
        text += line
        if text.endswith("\\"):
            text = text[:-1]
        elif not text.rstrip().endswith("|"):
            yield start, text
            text = ""
    if text:
        yield start, text


def emit(kind, name, number, *fields):
    print(kind, f"{name}:{number}", *fields, sep="\t")


def name_shell(name, first, lines):
    for number, line in joined(first, lines):
        for words in simple_commands(line):
            emit("command", name, number, *words)


def name_text(name, first, lines):
    for number, line in enumerate(lines, first):
        if line.startswith("#"):
            emit("heading", name, number, line.lstrip("# "))
        if line.startswith("|") and not set(line) <= set("|- :"):
            emit("row", name, number, *(cell.strip() for cell in line.strip("|").split("|")))
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            emit("link", name, number, target)
    # A span may go over a line's end.
    text = "\n".join(lines)
    for span in re.finditer(r"`([^`]+)`", text):
        number = first + text.count("\n", 0, span.start())
        inside = " ".join(span.group(1).split())
        emit("span", name, number, inside)
        if PROGRAM.match(inside):
            name_shell(name, number, [inside])


def names(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if path.endswith(".pod"):
        for first, block in pod_blocks(lines):
            name_shell(path, first, block)
        return
    for first, info, block in blocks(lines):
        if info is None:
            name_text(path, first, block)
        elif info == "" or info.split()[0] == "sh":
            name_shell(path, first, block)


def main():
    if sys.argv[1] == "names":
        for path in sys.argv[2:]:
            names(path)
        return
    with open(sys.argv[3], encoding="utf-8") as file:
        for _, info, block in blocks(file.read().splitlines()):
            if info == sys.argv[2]:
                print("\n".join(block), end="\n\f")


main()
