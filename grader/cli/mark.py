"""`grader mark`: manual grading, on a page in the browser or in a CSV."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.marking.mark_store import MarkStore
    from grader.marking.service import MarkingService

_REDIRECT = """\
<!DOCTYPE html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Marking</title>
<p><a href="{address}">Open the marking page</a></p>
"""


@click.command(short_help="Mark written answers and doubtful verdicts.")
@option.out
@click.option("--rubric", "rubric_path", type=click.Path(path_type=Path), metavar="FILE",
              help="Take options, questions and model answers from this file. "
              "[default: rubric.yaml if there is one, else the last run's]")
@click.option("--marker", metavar="NAME", help="Your name. [default: your login]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
              help="Port of the page. [default: a free one]")
@click.option("--no-browser", is_flag=True, help="Print the address without opening it.")
@click.option("--names", is_flag=True,
              help="Show students' names; answers are anonymous without it.")
@click.option("--templates", type=click.Path(path_type=Path),
              help="Feedback templates, instead of the last run's.")
@click.option("--apply", "only_apply", is_flag=True,
              help="Only write marks to grades and feedback.")
@click.option("--csv-out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write what needs marking to a CSV for a spreadsheet.")
@click.option("--csv-in", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Read marks from that CSV: all of them, or none if one is wrong.")
def mark(out: Path, rubric_path: Path | None, marker: str | None, port: int, no_browser: bool,
         names: bool, templates: Path | None, only_apply: bool, csv_out: Path | None,
         csv_in: Path | None) -> int:
    """Mark written answers and doubtful verdicts, on a page in your browser.

    Shows one part at a time for all students, without names. Each mark is saved at once, and
    several people may mark together. At the end (Ctrl-C), grades and feedback are written.
    """
    from grader.errors import UsageError
    from grader.marking.mark_store import open_marks
    from grader.text import counted

    if only_apply + bool(csv_out) + bool(csv_in) > 1:
        raise UsageError("--apply, --csv-out and --csv-in exclude each other: give one of them")
    who = marker_name(marker)
    with open_marks(out) as store:
        if not only_apply:
            service = _service(out, rubric_path, store)
            if csv_out:
                from grader.marking.spreadsheet import write_csv

                rows = write_csv(service, csv_out, who, names=names)
                click.echo(f"Wrote {counted(rows, 'answer')} to {csv_out}. Fill in points and "
                           f"comment, then read it back with --csv-in {csv_out}.")
                return 0
            if csv_in:
                from grader.marking.spreadsheet import read_csv

                click.echo(f"Saved {counted(read_csv(service, csv_in, who), 'mark')}.")
            else:
                _serve(service, who, port, out, templates, names=names, browser=not no_browser)
    click.echo(written(out, templates))
    return 0


def marker_name(given: str | None) -> str:
    """The name to store with a mark: the one given, or the login. UsageError if there is none."""
    from grader.errors import UsageError
    from grader.text import plain_line

    try:
        who = plain_line(given or getpass.getuser(), 60)
    except (KeyError, OSError):   # a login without a name, as in some containers
        who = ""
    if not who:
        raise UsageError("no login name on this machine: give yours with --marker NAME")
    return who


def _service(out: Path, rubric_path: Path | None, store: MarkStore) -> MarkingService:
    from grader.checks.registry import parameter_models
    from grader.marking.service import MarkingService
    from grader.rubric.load import load

    usual = Path("rubric.yaml")
    path = rubric_path or (usual if usual.is_file() else None)
    rubric = load(path, parameter_models) if path is not None else None
    return MarkingService(out, store, rubric)


def _serve(service: MarkingService, marker: str, port: int, out: Path, templates: Path | None, *,
           names: bool, browser: bool) -> None:
    import os
    from functools import partial

    from grader.marking.app import MarkingApp
    from grader.marking.auth import new_token
    from grader.marking.drafts import open_drafts
    from grader.marking.server import serve

    # Every user of this machine can read a command's arguments. The browser therefore gets the
    # path of a private file, and that file has the address with its token.
    redirect = out.resolve() / f"marking-{os.getpid()}.html"

    def ready(address: str) -> None:
        click.echo(f"Mark at {address}\nOnly this machine can open it. Press Ctrl-C to finish.")
        if browser:
            redirect.touch(mode=0o600)
            redirect.write_text(_REDIRECT.format(address=address), encoding="utf-8")
            click.launch(redirect.as_uri())

    with open_drafts(out) as drafts:
        refresh = partial(written, out, templates)
        app = MarkingApp(service, drafts, marker, names, new_token(), refresh)
        try:
            serve(app, port, ready)
        except KeyboardInterrupt:
            click.echo("")   # after ^C
        finally:
            redirect.unlink(missing_ok=True)


def written(out: Path, templates: Path | None) -> str:
    """Write grades and feedback; return a line that says so, or what to do later."""
    from grader.errors import UsageError
    from grader.reports.progress import progress
    from grader.run.refresh import refresh
    from grader.text import counted

    try:
        found = refresh(out, templates)
    except UsageError as error:
        return f"The marks are saved; grades and feedback are not written yet: {error} Then run "\
               f"`grader mark --apply --out {out}`."
    shares = "".join(f"\n{line}" for line in progress(out))
    needs = "needs" if found.waiting == 1 else "need"
    left = f"{counted(found.waiting, 'student')} still {needs} manual grading." if (
        found.waiting) else "All answers are marked."
    return f"Wrote marks of {counted(found.students, 'student')} to {out / 'grades.csv'} and "\
           f"feedback to {out / 'feedback'}. {left}{shares}"


COMMANDS = (mark,)
