"""`grader mark`: what waits for a person, marked by one, on a page or in a CSV."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.marking.mark_store import MarkBook
    from grader.marking.service import Desk

_WAY = """\
<!DOCTYPE html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Marking</title>
<p><a href="{address}">To the page</a></p>
"""


@click.command()
@option.out
@click.option("--rubric", "rubric_path", type=click.Path(path_type=Path), metavar="FILE",
              help="Options of criteria from this file. [default: rubric.yaml where there is one, "
              "else the last run's]")
@click.option("--marker", metavar="NAME", help="Who marks. [default: your login's name]")
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N",
              help="Port of the page. [default: any that is free]")
@click.option("--no-browser", is_flag=True, help="Print the address and open nothing.")
@click.option("--names", is_flag=True, help="Show whose answers these are; else nobody knows.")
@click.option("--templates", type=click.Path(path_type=Path),
              help="Templates of feedback instead of the last run's.")
@click.option("--apply", "only_apply", is_flag=True,
              help="Only write what was marked into grades and feedback.")
@click.option("--csv-out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write what waits into a CSV, to be marked in a spreadsheet.")
@click.option("--csv-in", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Read marks from that CSV: all of them, or none where one is wrong.")
def mark(out: Path, rubric_path: Path | None, marker: str | None, port: int, no_browser: bool,
         names: bool, templates: Path | None, only_apply: bool, csv_out: Path | None,
         csv_in: Path | None) -> int:
    """Mark written answers, and what a check was in doubt of, on a page in your browser.

    One part at a time for everybody, without names. Each mark is kept as soon as it is given, and
    several people may mark at once. In the end (Ctrl-C), grades and feedback are written anew.
    """
    from grader.errors import UsageError
    from grader.marking.mark_store import open_marks
    from grader.text import plain_line

    if only_apply + bool(csv_out) + bool(csv_in) > 1:
        raise UsageError("--apply, --csv-out and --csv-in are three things: ask for one of them")
    who = plain_line(marker or _login(), 60)
    if not who:
        raise UsageError("who marks? Say it with --marker NAME")
    with open_marks(out) as book:
        if not only_apply:
            desk = _desk(out, rubric_path, book)
            if csv_out:
                from grader.marking.spreadsheet import write_sheet

                rows = write_sheet(desk, csv_out, who, names=names)
                click.echo(f"{rows} answers wait; they are in {csv_out}. Fill in points and "
                           f"comment, and read it back with --csv-in {csv_out}.")
                return 0
            if csv_in:
                from grader.marking.spreadsheet import read_sheet

                click.echo(f"{read_sheet(desk, csv_in, who)} marks were kept.")
            else:
                _serve(desk, who, port, out, templates, names=names, browser=not no_browser)
    click.echo(_renewed(out, templates))
    return 0


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):   # a login without a name, as in some containers
        return ""


def _desk(out: Path, rubric_path: Path | None, book: MarkBook) -> Desk:
    from grader.checks.registry import parameter_models
    from grader.marking.service import Desk
    from grader.rubric.load import load

    usual = Path("rubric.yaml")
    path = rubric_path or (usual if usual.is_file() else None)
    rubric = load(path, parameter_models) if path is not None else None
    criteria = rubric.criteria if rubric is not None else ()
    return Desk(out, book, {one.id: one.options for one in criteria})


def _serve(desk: Desk, marker: str, port: int, out: Path, templates: Path | None, *, names: bool,
           browser: bool) -> None:
    import os
    from functools import partial

    from grader.marking.app import Page
    from grader.marking.auth import new_token
    from grader.marking.drafts import open_drafts
    from grader.marking.server import serve

    # What a command is started with every user of this machine may read. So the browser is told of
    # a file that only you may read, and that of the address with its token.
    way = out.resolve() / f"marking-{os.getpid()}.html"

    def ready(address: str) -> None:
        click.echo(f"Mark at {address}\nOnly this machine sees it. Ctrl-C ends.")
        if browser:
            way.touch(mode=0o600)
            way.write_text(_WAY.format(address=address), encoding="utf-8")
            click.launch(way.as_uri())

    with open_drafts(out) as drafts:
        page = Page(desk, drafts, marker, names, new_token(), partial(_renewed, out, templates))
        try:
            serve(page, port, ready)
        except KeyboardInterrupt:
            click.echo("")   # after ^C
        finally:
            way.unlink(missing_ok=True)


def _renewed(out: Path, templates: Path | None) -> str:
    """Writes grades and feedback, and says so; a run that is at work does it itself."""
    from grader.errors import UsageError
    from grader.run.refresh import refresh

    try:
        found = refresh(out, templates)
    except UsageError as error:
        return f"The marks are kept; grades and feedback are not written yet: {error} Then run "\
               f"`grader mark --apply --out {out}`."
    waits = f"{found.waiting} still have something to mark." if found.waiting else "Nobody waits."
    return f"Marks of {found.students} students are in {out / 'grades.csv'}, and feedback in "\
           f"{out / 'feedback'}. {waits}"


COMMANDS = (mark,)
