"""`grader export`: the marks of a results folder in the form that another system reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import completion
from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.submissions.roster import Roster

to = click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Where to write it. [default: stdout]",
)
student = click.option(
    "--student", required=True, help="Whose grade.", shell_complete=completion.graded
)


@click.group()
def export() -> None:
    """The marks of a run for Canvas, Gradescope, GitHub and others.

    A score that is not known in full, since a part of it waits for a person or for another run, is
    left blank and never a zero.
    """


@export.command()
@option.out
@to
@click.option("--roster", type=click.Path(path_type=Path), metavar="CSV",
              help="What Canvas's gradebook exports. [default: the roster of `grader import`]")
@click.option("--assignment", metavar="NAME", help="Column, such as 'Homework 2 (12345)'. "
              "[default: the rubric's title]")
def canvas(out: Path, to: Path | None, roster: Path | None, assignment: str | None) -> int:
    """A CSV that Canvas's gradebook imports."""
    from grader.export.canvas import canvas_csv
    from grader.reports.saved_grades import read_saved

    saved = read_saved(out)
    file = canvas_csv(saved, _roster(out), roster, assignment or saved.rubric.title)
    _write(file.text, to)
    for names, what in (
        (file.blank, "left blank: part of it is not known yet"),
        (file.absent, "without a submission, left blank"),
        (file.strangers, f"not in {roster or 'the roster'}, and so not in the file"),
    ):
        if names:
            shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
            click.echo(f"{len(names)} {what}: {shown}", err=True)
    return 1 if file.strangers else 0


@export.command("csv")
@option.out
@to
def csv_(out: Path, to: Path | None) -> int:
    """A row per student, in columns that stay what they are from version to version."""
    from grader.export.tables import class_csv
    from grader.reports.saved_grades import read_saved

    _write(class_csv(read_saved(out), _roster(out)), to)
    return 0


@export.command()
@option.out
@to
@student
def gradescope(out: Path, to: Path | None, student: str) -> int:
    """Gradescope's results.json of one student."""
    from grader.export.gradescope import results_json
    from grader.reports.saved_grades import read_saved, student_of

    saved = read_saved(out)
    _write(_json(results_json(saved, student_of(saved, student))), to)
    return 0


@export.command()
@option.out
@to
@student
@click.option("--summary", is_flag=True, help="The job's summary, in Markdown, and not the result.")
def github(out: Path, to: Path | None, student: str, summary: bool) -> int:
    """GitHub Classroom's result of one student, or the summary of the job."""
    from grader.export.github import classroom_json, step_summary
    from grader.reports.saved_grades import read_saved, student_of

    saved = read_saved(out)
    grade = student_of(saved, student)
    _write(step_summary(saved, grade) if summary else _json(classroom_json(saved, grade)), to)
    return 0


@export.command()
@option.out
@to
def junit(out: Path, to: Path | None) -> int:
    """JUnit XML: a suite per student, a case per criterion."""
    from grader.export.junit import junit_xml
    from grader.reports.saved_grades import read_saved

    _write(junit_xml(read_saved(out)), to)
    return 0


@export.command()
@option.out
@to
def nbgrader(out: Path, to: Path | None) -> int:
    """The CSV that `nbgrader export` writes."""
    from grader.export.tables import nbgrader_csv
    from grader.reports.saved_grades import read_saved

    _write(nbgrader_csv(read_saved(out), _roster(out)), to)
    return 0


@export.command()
@option.out
@to
def otter(out: Path, to: Path | None) -> int:
    """The CSV that `otter grade` writes."""
    from grader.export.tables import otter_csv
    from grader.reports.saved_grades import read_saved

    _write(otter_csv(read_saved(out)), to)
    return 0


@export.command()
@option.rubric
@option.profile
@option.criterion
@click.option("--torch-index", envvar="GRADER_TORCH_INDEX", default="", metavar="URL",
              help="A pip index with wheels of torch without CUDA. [default: pip's own]")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              default=Path("autograder.zip"), show_default=True, help="Where to write it.")
def autograder(to: Path, torch_index: str, **options: Any) -> int:
    """An autograder.zip for Gradescope, which grades in its own container.

    No run and no Docker are needed: it holds this grader, the rubric and all that grading by it
    reads, hidden things included. Upload it to Gradescope and nowhere else.
    """
    from grader.export.autograder.bundle import autograder_zip

    rubric = option.rubric_of(options)
    data = autograder_zip(rubric, options["rubric_path"], options["criterion"], torch_index)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(data)
    click.echo(f"wrote {to}, {len(data) / 2**20:.1f} MiB", err=True)
    return 0


def _roster(out: Path) -> Roster:
    """Of whom the results are, as far as `grader import` knew them."""
    from grader.submissions.roster import Roster, read_roster

    return read_roster(out) or Roster()


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def _write(text: str, to: Path | None) -> None:
    if to is None:
        click.echo(text, nl=False)
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8", newline="")
    click.echo(f"wrote {to}", err=True)


COMMANDS = (export,)
