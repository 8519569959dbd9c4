"""Writes cli.md from the help of the commands: `python docs/commands.py`.

A test fails if the page and `--help` differ.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from grader.cli import app as cli

PAGE = Path(__file__).parent / "cli.md"
_HEAD = """\
# The command line

Written by `python docs/commands.py` from the help of the commands, which `-h` prints in a terminal.

| exit code | meaning |
|---|---|
"""


def page() -> str:
    """Returns the whole page, in Markdown."""
    codes = (cli.__doc__ or "").partition("\n\n")[2]
    rows = [f"| {code} | {what.strip()} |" for code, what in _exit_codes(codes)]
    sections = [_section(path, command) for path, command in commands(cli.cli, "grader")]
    return _HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yields each command with the words that call it; groups of commands are left out."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _exit_codes(text: str) -> Iterator[tuple[str, str]]:
    words = " ".join(text.split())
    for sentence in words.removesuffix(".").split(". "):
        code, _, what = sentence.partition(": ")
        yield code, what


def _section(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    records = [found for item in command.params if (found := item.get_help_record(context))]
    rows = "".join(f"| `{_cell(name)}` | {_cell(text)} |\n" for name, text in records if text)
    table = f"\n| option | |\n|---|---|\n{rows}" if rows else ""
    help_text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return f"## {path}\n\n```text\n{usage}\n```\n\n{help_text}\n{table}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
