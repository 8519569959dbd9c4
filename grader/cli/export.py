"""`grader export`: writes the marks of a results folder for other systems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import completion
from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from collections.abc import Callable, Sequence

    from grader.reports.saved_grades import SavedGrade, SavedGrades
    from grader.submissions.roster import Roster

to = click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The file to write. [default: stdout]",
)
student = click.option(
    "--student", help="The student's key. [default: the whole class]",
    shell_complete=completion.graded,
)
to_each = click.option(
    "--to", type=click.Path(path_type=Path), metavar="PATH",
    help="The file to write, or for a class the folder, with a file for each student. [default: "
    "stdout for one student]",
)


def of_share(command: option.Command) -> option.Command:
    """Add the options that narrow a class to a section or to a grader's students."""
    for kind, whose in (("grader", "this grader's students"), ("section", "this section")):
        command = click.option(f"--{kind}", metavar="NAME", help=f"Only {whose}, as in the "
                               f"roster's column {kind}.")(command)
    return command


@click.group()
def export() -> None:
    """Write marks for Canvas, Gradescope, GitHub and others.

    A score is left blank, never zero, while a person or another run has to decide part of it.
    """


@export.command()
@option.out
@to
@click.option("--roster", type=click.Path(path_type=Path), metavar="CSV",
              help="Canvas's exported gradebook. [default: the roster of `grader import`]")
@click.option("--assignment", metavar="NAME", help="The column, such as 'Homework 2 (12345)'; "
              "without a number, the one in --roster is taken. [default: the rubric's title]")
@of_share
def canvas(out: Path, to: Path | None, roster: Path | None, assignment: str | None,
           section: str | None, grader: str | None) -> int:
    """Write a CSV that Canvas's gradebook imports."""
    from grader.export.canvas import canvas_csv
    from grader.text import plain_line

    saved, share = _class(out, section, grader)
    students = None if section is None and grader is None else share.by_student
    file = canvas_csv(saved, _roster(out), roster, assignment or saved.rubric.title, students)
    _write(file.text, to)
    for names, what in (
        (file.blank, "left blank, because part of the score is not known yet"),
        (file.absent, "left blank, because nothing was submitted"),
        (file.unclear, "left blank, because others have the same name; fill in canvas_id, sid or "
                       "login in the class's roster.csv and run `grader run` again"),
        (file.strangers, f"left out, because {roster or 'the roster'} does not list them"),
    ):
        _tell(names, what)
    if not file.numbered:
        click.echo(f"Canvas will ask which assignment '{plain_line(file.assignment)}' is: its "
                   "number is not known. Name it with --assignment 'NAME (NUMBER)', as in the "
                   "header of Canvas's gradebook", err=True)
    return 1 if file.strangers or file.unclear else 0


@export.command("csv", short_help="Write one row per student, in columns that stay.")
@option.out
@to
@of_share
def csv_(out: Path, to: Path | None, section: str | None, grader: str | None) -> int:
    """Write one row per student, in columns that stay the same in later versions."""
    from grader.export.tables import class_csv

    _write(class_csv(*_class(out, section, grader)), to)
    return 0


@export.command()
@option.out
@to_each
@student
@of_share
def gradescope(out: Path, to: Path | None, student: str | None, section: str | None,
               grader: str | None) -> int:
    """Write Gradescope's results.json of one student or of a class."""
    from grader.export.gradescope import results_json

    saved, _ = _class(out, section, grader)
    _write_each(saved, to, student, ".json", lambda grade: _json(results_json(saved, grade)))
    return 0


@export.command(short_help="Write GitHub Classroom's results, or the job's summary.")
@option.out
@to_each
@student
@of_share
@click.option("--summary", is_flag=True, help="Write the job's summary, in Markdown, instead.")
def github(out: Path, to: Path | None, student: str | None, section: str | None,
           grader: str | None, summary: bool) -> int:
    """Write GitHub Classroom's result of one student or of a class, or the job's summary."""
    from grader.export.github import classroom_json, step_summary

    saved, _ = _class(out, section, grader)
    if summary:
        _write_each(saved, to, student, ".md", lambda grade: step_summary(saved, grade))
    else:
        _write_each(saved, to, student, ".json", lambda grade: _json(classroom_json(saved, grade)))
    return 0


@export.command()
@option.out
@click.option("--for", "whom", required=True,
              type=click.Choice(["canvas", "gradescope", "folder", "email"]),
              help="The system that takes the pages.")
@click.option("--to", type=click.Path(path_type=Path), required=True, metavar="PATH",
              help="For Canvas, the zip to write; for email, an .mbox file or a folder; else a "
              "folder.")
@click.option("--from", "sender", default="", metavar="ADDRESS", help="For email, the sender.")
@click.option("--unfinished", is_flag=True, help="Write pages also while part of a score waits.")
@of_share
def feedback(out: Path, whom: str, to: Path, sender: str, unfinished: bool, section: str | None,
             grader: str | None) -> int:
    """Write students' pages in the form in which they are given back. Sends nothing.

    For Canvas, upload the zip with "Upload Submissions". Email is one message for each student.
    """
    from grader.errors import UsageError
    from grader.export import feedback as back
    from grader.text import counted

    if sender and whom != "email":
        raise UsageError(f"--from is for --for email; leave it out for {whom}")
    saved, roster = _class(out, section, grader)
    found = back.pages(out, saved, roster)
    wait = [] if unfinished else [one.student for one in found if one.grade.final is None]
    ready = [one for one in found if one.student not in wait]
    if whom == "canvas":
        without = back.to_canvas(ready, to)
    elif whom == "gradescope":
        without = back.to_gradescope(ready, to, saved)
    elif whom == "folder":
        without = back.to_folder(ready, to)
    else:
        without = back.to_mail(ready, to, saved.rubric.title, sender)
    why = ("the roster has no valid address of their own for them" if whom == "email" else
           "Canvas takes a page only beside a file that was uploaded, and the roster knows of "
           "none; give theirs back by email")
    _tell(wait, "left out, because part of the score is not known yet; --unfinished writes the "
                "page all the same")
    _tell(without, f"left out, because {why}")
    click.echo(f"wrote feedback for {counted(len(ready) - len(without), 'student')} to {to}",
               err=True)
    return 1 if without else 0


@export.command()
@option.out
@to
@of_share
def junit(out: Path, to: Path | None, section: str | None, grader: str | None) -> int:
    """Write JUnit XML: a suite per student, a case per criterion."""
    from grader.export.junit import junit_xml

    _write(junit_xml(_class(out, section, grader)[0]), to)
    return 0


@export.command()
@option.out
@to
@of_share
def nbgrader(out: Path, to: Path | None, section: str | None, grader: str | None) -> int:
    """Write the CSV that `nbgrader export` writes."""
    from grader.export.tables import nbgrader_csv

    _write(nbgrader_csv(*_class(out, section, grader)), to)
    return 0


@export.command()
@option.out
@to
@of_share
def otter(out: Path, to: Path | None, section: str | None, grader: str | None) -> int:
    """Write the CSV that `otter grade` writes."""
    from grader.export.tables import otter_csv

    _write(otter_csv(_class(out, section, grader)[0]), to)
    return 0


@export.command(short_help="Write autograder.zip, which grades on Gradescope.")
@option.rubric
@option.profile
@option.criterion
@click.option("--torch-index", envvar="GRADER_TORCH_INDEX", default="", metavar="URL",
              help="A pip index with wheels of torch without CUDA. [default: pip's own]")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              default=Path("autograder.zip"), show_default=True, help="The file to write.")
def autograder(to: Path, torch_index: str, **options: Any) -> int:
    """Write autograder.zip for Gradescope, which grades in its own container.

    Needs no run and no Docker. The file holds this grader, the rubric and everything that grading
    reads, hidden files included: upload it to Gradescope and nowhere else.
    """
    from grader.export.autograder.bundle import autograder_zip

    rubric = option.rubric_of(options)
    data = autograder_zip(rubric, options["rubric_path"], options["criterion"], torch_index)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(data)
    click.echo(f"wrote {to}, {len(data) / 2**20:.1f} MiB", err=True)
    return 0


def _roster(out: Path) -> Roster:
    """Return the roster that `grader import` left in the results folder, or an empty one."""
    from grader.submissions.roster import Roster, read_roster

    return read_roster(out) or Roster()


def _class(out: Path, section: str | None, grader: str | None) -> tuple[SavedGrades, Roster]:
    """Return the marks and the roster of a class, or of a section's or a grader's part of it."""
    from grader.reports.saved_grades import read_saved

    saved, roster = read_saved(out), _roster(out)
    if section is None and grader is None:
        return saved, roster
    share = roster.share(section, grader)
    kept = tuple(one for one in saved.submissions if one.student in share.by_student)
    return saved.model_copy(update={"submissions": kept}), share


def _write_each(saved: SavedGrades, to: Path | None, student: str | None, suffix: str,
                text: Callable[[SavedGrade], str]) -> None:
    """Write one student's text to the file `to`, or all students' into the folder `to`."""
    from grader.errors import UsageError
    from grader.export.places import file_name, must_be_new
    from grader.reports.saved_grades import student_of
    from grader.text import counted, write_text

    if student is not None:
        _write(text(student_of(saved, student)), to)
        return
    if to is None:
        raise UsageError("a class needs a folder: name it with --to FOLDER, or one student with "
                         "--student")
    must_be_new(to)
    ready = [one for one in saved.submissions if one.final is not None]
    files = {file_name(one.student) + suffix: text(one) for one in ready}
    for name, content in files.items():
        write_text(to / name, [content])
    _tell([one.student for one in saved.submissions if one.final is None],
          "left out, because part of the score is not known yet; --student NAME writes one all the "
          "same")
    click.echo(f"wrote {counted(len(files), 'file')} to {to}", err=True)


def _tell(names: Sequence[str], what: str) -> None:
    """Name the students of whom `what` is true, if there are any."""
    from grader.text import counted, plain_line

    if names:
        between = "; " if any("," in name for name in names) else ", "   # as in "Curie, Marie"
        click.echo(f"{counted(len(names), 'student')} {what}: "
                   f"{between.join(map(plain_line, names))}", err=True)


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
