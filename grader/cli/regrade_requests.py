"""`grader requests`: takes students' regrade requests, and their answers."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from grader.cli import options as option


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="CSV")
@option.out
@click.option("--marker", metavar="NAME", help="Your name. [default: your login]")
@click.option("--templates", type=click.Path(path_type=Path),
              help="Feedback templates, instead of the last run's.")
def requests(file: Path, out: Path, marker: str | None, templates: Path | None) -> int:
    """Take regrade requests from a CSV, and their answers.

    Columns: student, criterion, request. Each new request flags the answer for `grader mark` and
    changes no points. To answer in the file, fill in the column answer, and points if they change,
    and run the command again: students read request and answer in their feedback.
    """
    from grader.cli.mark import marker_name, written
    from grader.marking.mark_store import open_marks
    from grader.marking.regrade_requests import (
        points_now,
        read_requests,
        store_requests,
        unanswered,
    )
    from grader.marking.service import MarkingService
    from grader.submissions.roster import Roster, read_roster
    from grader.text import counted

    who = marker_name(marker)
    with open_marks(out) as store:
        service = MarkingService(out, store)
        found = read_requests(service, file, read_roster(out) or Roster())
        waiting, answered = store_requests(service, found, who)
        still = len(unanswered(service, found))
    for one in waiting:
        now, most = points_now(one.answer), one.answer.criterion.points
        points = "no points yet" if now is None else f"{now:g} of {most:g} points"
        command = shlex.join(["grader", "explain", one.student, one.answer.criterion.id,
                              "--out", str(out)])
        click.echo(f"{one.student}, {one.answer.criterion.id}: {points}. See `{command}`.")
    left = f" Still unanswered: {still}." if still else ""
    click.echo(f"{counted(len(waiting), 'new request')} flagged, {len(answered)} answered.{left}")
    if answered:
        click.echo(written(out, templates))
    return 0


COMMANDS = (requests,)
