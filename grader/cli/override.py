"""`grader override`: one student's points for one criterion, given by a person with a reason."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli import completion
from grader.cli import options as option


@click.command()
@click.argument("student", shell_complete=completion.graded)
@click.argument("criterion", shell_complete=completion.criteria)
@click.argument("points", type=float)
@click.option("--reason", required=True, metavar="TEXT", help="Why. The student reads it.")
@option.out
@click.option("--marker", metavar="NAME", help="Your name. [default: your login]")
@click.option("--templates", type=click.Path(path_type=Path),
              help="Feedback templates, instead of the last run's.")
def override(student: str, criterion: str, points: float, reason: str, out: Path,
             marker: str | None, templates: Path | None) -> int:
    """Give STUDENT POINTS for CRITERION, whatever the check found.

    The mark is stored as one of `grader mark`: the reason is in the student's feedback, `grader
    explain` shows who gave it and when, and it stays until the student hands in other work. Grades
    and feedback are written at once.
    """
    from grader.cli.mark import marker_name, written
    from grader.errors import UsageError
    from grader.marking.counting_answer import counting_answer
    from grader.marking.mark_store import open_marks
    from grader.marking.new_marks import NewMark
    from grader.marking.service import MarkingService
    from grader.text import plain

    if not reason.strip():
        raise UsageError("the reason is empty: say why, for the student to read")
    who = marker_name(marker)
    with open_marks(out) as store:
        service = MarkingService(out, store)
        answer = counting_answer(service, student, criterion)
        before = answer.place.mark.points if answer.place.mark else answer.row.points
        new = NewMark(points, comment=plain(reason), note="grader override")
        service.mark(answer, who, new, answer.place.version)
    most = f"{points:g} of {answer.criterion.points:g} points"
    instead = "no points yet" if before is None else f"{before:g}"
    group = [one for one in answer.submission.owners if one != student]
    also = f" Also for {', '.join(group)}, of the same group." if group else ""
    click.echo(f"{student}, {criterion}: {most} in place of {instead}.{also}")
    click.echo(written(out, templates))
    return 0


COMMANDS = (override,)
