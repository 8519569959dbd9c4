"""`grader import`: bulk downloads of other systems, made into a class's folder with a roster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.submissions.import_download import Imported

source = click.argument("source", type=click.Path(path_type=Path))
to = click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), default=Path("submissions"),
    show_default=True, metavar="FOLDER", help="The class's folder, which is made or added to.",
)


@click.group(name="import")
def import_() -> None:
    """Submissions from Gradescope or Canvas, with who handed them in and when.

    The folder that comes of it is what `grader run` grades. Importing a later download into it adds
    attempts, and changes none that is there.
    """


@import_.command()
@source
@to
def gradescope(source: Path, to: Path) -> int:
    """What Gradescope's "Export Submissions" downloads: a zip, or the folder that it unpacks to."""
    from grader.submissions.import_download import import_gradescope

    _tell(import_gradescope(source, to), to)
    return 0


@import_.command()
@source
@to
@click.option("--gradebook", type=click.Path(path_type=Path), metavar="CSV",
              help="What Canvas's gradebook exports: names, logins and who handed in nothing.")
def canvas(source: Path, to: Path, gradebook: Path | None) -> int:
    """What Canvas's "Download Submissions" downloads: a zip, or the folder that it unpacks to.

    Canvas says that a submission was late, and not when it came: write the time into the roster's
    column `submitted_at` where a late policy is to count it.
    """
    from grader.submissions.import_download import import_canvas

    found = import_canvas(source, to, gradebook)
    _tell(found, to)
    late = sorted({one.student for one in found.roster.entries
                   if one.late and one.submitted_at is None})
    if late:
        _complain("late by Canvas's word, at a time that nobody knows (submitted_at in the "
                  "roster)", late)
    return 0


def _tell(found: Imported, to: Path) -> None:
    from grader.submissions.roster import NAME

    handed_in = {one.student for one in found.roster.entries}
    click.echo(f"{found.new} new, {found.known} known already: {len(handed_in)} of "
               f"{len(found.roster.people)} students have submissions in {to}; see {to / NAME}.")
    if found.no_files:
        click.echo(f"{found.no_files} more are named in the download, and their files are not in "
                   "it: Gradescope exports the files of the attempt that counts.", err=True)
    if found.left_out:
        _complain("left out (links, devices, or not by this system's names)", found.left_out)


def _complain(what: str, names: list[str] | tuple[str, ...]) -> None:
    from grader.text import plain_line

    shown = ", ".join(map(plain_line, names[:10])) + (", ..." if len(names) > 10 else "")
    click.echo(f"{len(names)} {what}: {shown}", err=True)


COMMANDS = (import_,)
