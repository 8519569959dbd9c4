"""`grader explain` and `grader diff`: why a student has these marks, and whose marks changed.

Both show an instructor what students may not see.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import completion
from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.grading.past_grades import PastRun

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
_RUN = re.compile(r"(?:(?P<folder>.+)@)?(?P<number>\d+)")


@click.command()
@click.argument("student", shell_complete=completion.graded)
@click.argument("criterion", required=False, shell_complete=completion.criteria)
@option.out
@as_json
def explain(student: str, criterion: str | None, out: Path, as_json: bool) -> int:
    """Explain STUDENT's marks, for one CRITERION or all.

    Shows the question, the evidence (observed and self-reported), the rule, the points, the
    reference's answer, versions, digests, and the command that repeats the grading. Hidden
    networks are shown, so this is for the instructor; hidden labels are not. Runs nothing.
    """
    from grader.cli.explain_view import show_explanation
    from grader.grading.history import open_history
    from grader.reports.grades_file import json_safe
    from grader.run.explain.explain import explain as explanation

    with open_history(out) as history:
        told = explanation(history, student, criterion)
    if as_json:
        _echo(json_safe(told))
    else:
        show_explanation(told, option.console_of())
    return 0


@click.command()
@click.argument("run1")
@click.argument("run2")
@option.out
@as_json
def diff(run1: str, run2: str, out: Path, as_json: bool) -> int:
    """Show whose marks changed from RUN1 to RUN2, and why.

    Name a run by its number in --out, by a results folder (its last run), or as FOLDER@NUMBER.
    """
    from grader.cli.explain_view import show_differences
    from grader.reports.grades_file import json_safe
    from grader.run.explain.compare import compare

    with ExitStack() as opened:
        told = compare(_moment(run1, out, opened), _moment(run2, out, opened))
    if as_json:
        _echo(json_safe(told))
    else:
        show_differences(told, option.console_of())
    return 0


def _moment(text: str, out: Path, opened: ExitStack) -> PastRun:
    from grader.grading.history import open_history
    from grader.grading.past_grades import past_run

    named = None if Path(text).is_dir() else _RUN.fullmatch(text)
    folder = (Path(named["folder"]) if named["folder"] else out) if named else Path(text)
    history = opened.enter_context(open_history(folder))
    return past_run(history, int(named["number"]) if named else None)


def _echo(told: object) -> None:
    import json

    click.echo(json.dumps(told, indent=2, allow_nan=False))


COMMANDS = (explain, diff)
