"""The help of every command fits a terminal of 80 columns, and no sentence in it is cut."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from grader.cli.app import cli

Words = tuple[str, ...]


def commands(command: click.Command = cli, words: Words = ()) -> Iterator[Words]:
    """Every command and group, as the words that call it."""
    yield words
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*words, name))


@pytest.mark.parametrize("words", tuple(commands()), ids=" ".join)
def test_help_fits_80_columns_and_is_not_cut(words: Words) -> None:
    told = CliRunner().invoke(cli, [*words, "--help"], terminal_width=80)
    assert told.exit_code == 0
    assert max(map(len, told.output.splitlines())) <= 80
    assert "..." not in told.output.replace("]...", "")   # `[VARIANTS]...` are several
