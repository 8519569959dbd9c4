"""The command line: `grader run`, the other commands, and what exit codes mean.

0: graded. 1: some submission could not be scored because of the harness, or a validation failed.
2: the command line, the rubric or a path is wrong. 130: stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader import __version__
from grader.cli import (
    calibrate,
    completion,
    explain,
    export,
    import_,
    maintenance,
    mark,
    setup,
    student,
    validate,
)
from grader.cli import options as option
from grader.errors import GraderError, UsageError

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.submissions.discover import HandIn


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="grader")
def cli() -> None:
    """Grade deep-learning homework in PyTorch."""


@cli.command()
@click.argument("submissions", type=click.Path(path_type=Path))
@option.rubric
@option.profile
@option.out
@click.option("--only", multiple=True, metavar="STUDENT", help="Only this student.",
              shell_complete=completion.submitters)
@click.option("--templates", type=click.Path(path_type=Path), help="Templates instead of ours.")
@click.option("--fresh", is_flag=True, help="Grade again what an earlier run has graded.")
@click.option("--verbose", is_flag=True,
              help="Print each event as it comes; --out/logs has them in any case.")
@option.criterion
@option.running
def run(submissions: Path, out: Path, only: tuple[str, ...], templates: Path | None,
        **options: Any) -> int:
    """Grade a folder of SUBMISSIONS; marks and feedback go to --out.

    What --out has from an earlier run is kept as long as it holds: a run that was cut short goes
    on, and one that is repeated grades what is new or changed. Ctrl-C finishes what runs; pressed
    twice it stops at once.
    """
    from grader.cli.progress import Progress
    from grader.cli.summary import conclude, finishing
    from grader.grading.gradebook_file import open_gradebook
    from grader.run.cache.file import open_cache
    from grader.run.grade_class import Class, grade_class
    from grader.run.results_folder import keep_roster
    from grader.submissions.discover import discover
    from grader.submissions.enrolment import enrol
    from grader.submissions.roster import read_roster
    from grader.text import plain_line

    console, stop = option.console_of(), threading.Event()
    rubric = option.rubric_of(options)
    everyone = [item for item in discover(submissions) if out.resolve() not in item.sources]
    enrolled = enrol(rubric, everyone, read_roster(submissions))
    chosen = _only(enrolled.hand_ins, only, submissions)
    for line in enrolled.warnings:
        console.print(plain_line(line), style="yellow", markup=False, soft_wrap=True)
    chosen_by = option.run_options(
        options, whole=not only and not options["criterion"], submissions=submissions,
        templates=templates,
    )
    homework = Class(enrolled.rubric, enrolled.hand_ins, tuple(chosen), out, templates)
    keep_roster(submissions, out)
    progress = Progress(console)
    with (
        open_gradebook(out, progress.say) as book,
        open_cache(out) as cache,
        finishing(stop, progress.say),
        progress,
    ):
        ran = grade_class(homework, chosen_by, book, cache, progress, stop)
    return conclude(console, ran, out)


COMMANDS = (
    *student.COMMANDS, *setup.COMMANDS, *maintenance.COMMANDS, *explain.COMMANDS,
    *import_.COMMANDS, *export.COMMANDS, *mark.COMMANDS, calibrate.calibrate, validate.validate,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Entry point: errors become one message and an exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except UsageError as error:
        click.echo(f"grader: {error}", err=True)
        code = 2
    except (GraderError, OSError) as error:   # a full disk, mostly; its text names the file
        click.echo(f"grader: {error}", err=True)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("grader: stopped", err=True)
        sys.stdout.flush()
        os._exit(130)   # threads may still wait for workers that are gone
    sys.exit(code)


# What the commands share ------------------------------------------------------------------------


def _only(hand_ins: Sequence[HandIn], only: tuple[str, ...], folder: Path) -> list[HandIn]:
    if not hand_ins:
        raise UsageError(f"{folder}: no submission in it; expected .py, .ipynb, archives, folders")
    known = {student for item in hand_ins for student in (item.student, *item.owners)}
    unknown = sorted(set(only) - known)
    if unknown:
        raise UsageError(f"no student '{unknown[0]}' in {folder}; there are "
                         + ", ".join(sorted(known)[:20]))
    return [item for item in hand_ins
            if not only or {item.student, *item.owners}.intersection(only)]
