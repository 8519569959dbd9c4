"""Completion in a shell: the script that switches it on, and the names that only a homework knows.

A key that is pressed must not wait: only files that are near are read, and what cannot be read has
no names.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_GRADER_COMPLETE"   # what click listens to when the program is called `grader`


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the script that completes commands, options and names in SHELL.

    It completes criteria and profiles of the rubric, and students of the folder or of the results
    that the command line names.

    \b
    bash:  grader completion bash >> ~/.bashrc
    zsh:   grader completion zsh >> ~/.zshrc
    fish:  grader completion fish > ~/.config/fish/completions/grader.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "each of the shells is one of click's"
    click.echo(kind(context.find_root().command, {}, "grader", _VARIABLE).source())
    return 0


def criteria(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    found = _document(context).get("criteria", [])
    ids = [str(one["id"]) for one in found if isinstance(one, dict) and "id" in one]
    return [name for name in ids if name.startswith(typed)]


def profiles(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    return [str(name) for name in _document(context).get("profiles", {}) if name.startswith(typed)]


def submitters(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """The students of the folder of submissions that stands before."""
    from grader.errors import GraderError
    from grader.submissions.discover import discover

    # While the value of an option is missing, click has not told the arguments apart yet.
    named = context.params.get("submissions") or next(iter(context.args), None)
    with suppress(GraderError, OSError):
        names = (one.student for one in discover(Path(named or "submissions")))
        return [name for name in names if name.startswith(typed)]
    return []


def graded(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """The students of the results folder."""
    from grader.grading.gradebook_file import students_of

    names = students_of(Path(context.params.get("out") or "results"))
    return [name for name in names if name.startswith(typed)]


def _document(context: click.Context) -> Any:
    from grader.errors import GraderError
    from grader.rubric.load import read_document

    with suppress(GraderError):
        return read_document(Path(context.params.get("rubric_path") or "rubric.yaml"))
    return {}


COMMANDS = (completion,)
