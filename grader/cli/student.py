"""`grader check` for students, and `grader release`, which makes their bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from grader.cli import options as option
from grader.errors import UsageError


@click.command(short_help="Check your own work: what is wrong, and why.")
@click.argument("file", type=click.Path(path_type=Path))
@option.rubric
@option.profile
@option.criterion
@option.seed
@click.option("--watch", is_flag=True, help="Check again after every save, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True,
              help="Print JSON; with --watch one line per check.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Also write the result there, for `grader export`.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a criterion is not passed.")
def check(file: Path, watch: bool, as_json: bool, out: Path | None, strict: bool,
          **options: Any) -> int:
    """Check your own FILE (.py, .ipynb, folder or archive): what is wrong, and why.

    Runs on this machine, without Docker, by the criteria that are not hidden. With --watch, a
    verdict takes about a second after a save; trainings come last, and the next save ends them.
    """
    rubric, criteria = option.rubric_of(options), options["criterion"]
    if watch and (strict or out is not None):
        raise UsageError("--watch runs until Ctrl-C; use --out and --strict without it")
    if watch:
        from grader.api import visible
        from grader.cli.watch import watch as keep_watching

        how = option.run_options(options, criteria=visible(rubric, criteria))
        write = click.echo if as_json else None
        return keep_watching(rubric, file, how, option.console_of(), write)
    from grader import api
    from grader.cli.checking import Checking
    from grader.cli.student_view import show
    from grader.cli.summary import stopping
    from grader.reports.grades_file import GradesWriter, submission_json
    from grader.run.differences import differences

    console = option.console_of()
    checking = Checking(option.console_of(stderr=True))
    with checking, stopping(checking.note):
        results = api.check(
            file, rubric, criteria=criteria, seed=options["seed"], watcher=checking
        )
    (grade,) = results.students
    if as_json:
        click.echo(submission_json(grade))
    else:
        for line in differences(rubric):
            console.print(line, style="yellow")
        show(grade, console)
    if out is not None:
        marks = GradesWriter(rubric)
        marks.add(grade)
        marks.write(out)
    short = any(one.verdict.status in ("partial", "failed") for one in grade.criteria)
    return 1 if grade.state == "not_scored" or (strict and short) else 0


@click.command(short_help="Make the students' bundle, with nothing hidden in it.")
@option.rubric
@option.profile
@click.option("--to", type=click.Path(path_type=Path), default=Path("bundle"), show_default=True,
              metavar="PATH", help="A new folder or .zip file.")
@click.option("--torch-index", envvar="GRADER_TORCH_INDEX", metavar="URL",
              help="A pip index with torch without CUDA.")
@click.option("--trial/--no-trial", envvar="GRADER_RELEASE_TRIAL", default=True, show_default=True,
              help="Check starter and reference in it, in a fresh environment.")
@option.seed
@option.base_image
@click.option("--sandbox", "sandbox_name", type=click.Choice(["docker", "process"]),
              default="process", show_default=True, help="Where the reference runs.")
def release(to: Path, torch_index: str | None, trial: bool, **options: Any) -> int:
    """Make the students' bundle: everything to check work with, and nothing hidden.

    It holds the starter, the handouts, the visible criteria, the reference's answers to public
    questions, and this grader, pinned. It leaves out the reference, hidden criteria, tests, checks,
    images and seeds, and the calibration. Students run `python check.py FILE`.
    """
    from grader.export.student_bundle.release import release as write

    console = option.console_of()
    rubric = option.rubric_of(options)
    done = write(rubric, to, option.run_options(options), option.line_of(console), torch_index,
                 trial)
    click.echo(f"{done.path}: {done.criteria} of {len(rubric.criteria)} criteria, "
               f"{done.answers} answers of the reference, {done.bytes / 2**20:.1f} MiB.")
    if done.files:
        click.echo(f"Files of tests and checks in it: {', '.join(done.files)}.")
    if done.left_out:
        click.echo("Students cannot check these at home, because they need secret files: "
                   f"{', '.join(done.left_out)}.")
    if rubric.starter is None:
        click.echo("It has no starter: the rubric has no key 'starter'.")
    return 0


COMMANDS = (check, release)
