"""`grader import`: turns bulk downloads of other systems into a class folder with a roster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.submissions.import_download import Imported

source = click.argument("source", type=click.Path(path_type=Path))
to = click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), default=Path("submissions"),
    show_default=True, metavar="FOLDER", help="The class folder to create or add to.",
)


@click.group(name="import", short_help="Import submissions from Gradescope or Canvas.")
def import_() -> None:
    """Import submissions from Gradescope or Canvas, with names and times.

    `grader run` grades the folder that this writes. Importing a later download adds attempts and
    changes no earlier one.
    """


@import_.command(short_help="Import Gradescope's \"Export Submissions\".")
@source
@to
def gradescope(source: Path, to: Path) -> int:
    """Import Gradescope's "Export Submissions": the zip, or its unpacked folder."""
    from grader.submissions.import_download import import_gradescope

    _tell(import_gradescope(source, to), to)
    return 0


@import_.command(short_help="Import Canvas's \"Download Submissions\".")
@source
@to
@click.option("--gradebook", type=click.Path(path_type=Path), metavar="CSV",
              help="Canvas's exported gradebook: names, logins, students without a submission.")
def canvas(source: Path, to: Path, gradebook: Path | None) -> int:
    """Import Canvas's "Download Submissions": the zip, or its unpacked folder.

    Canvas says that a submission is late, but not when it came. If the late policy needs the time,
    write it into the roster's column `submitted_at`.
    """
    from grader.submissions.import_download import import_canvas
    from grader.text import counted

    found = import_canvas(source, to, gradebook)
    _tell(found, to)
    late = sorted({one.student for one in found.roster.entries
                   if one.late and one.submitted_at is None})
    if late:
        click.echo(f"Canvas marks {counted(len(late), 'submission')} as late but gives no "
                   f"submission time; add it to the roster's column submitted_at: {_all(late)}",
                   err=True)
    return 0


def _tell(found: Imported, to: Path) -> None:
    from grader.submissions.roster import NAME

    handed_in = {one.student for one in found.roster.entries}
    click.echo(f"{found.new} new, {found.known} already there: {len(handed_in)} of "
               f"{len(found.roster.people)} students have submissions in {to}; see {to / NAME}.")
    if found.no_files:
        click.echo(f"{found.no_files} earlier attempts named in the download without files: "
                   "Gradescope exports only the files of the attempt that counts.", err=True)
    if found.unread:
        click.echo(f"{len(found.unread)} to be read by a person (a text or a link typed into "
                   f"Canvas, or a submission without files): {_all(found.unread)}", err=True)
    if found.left_out:
        click.echo(f"{len(found.left_out)} left out (links, devices, or names that this system "
                   f"does not give): {_all(found.left_out)}", err=True)


def _all(names: Sequence[str]) -> str:
    """Return all names: whoever is not named here is named nowhere."""
    from grader.text import plain_line

    return ", ".join(map(plain_line, names))


COMMANDS = (import_,)
