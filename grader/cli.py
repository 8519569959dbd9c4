"""The command line: the only place that prints, and that turns what happened into an exit code.

0: graded. 1: some submission could not be scored because of the harness, or a validation failed.
2: the command line, the rubric or a path is wrong.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader import __version__
from grader.errors import GraderError, UsageError

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from rich.console import Console

    from grader.class_folder import HandIn
    from grader.records import Grade
    from grader.rubric import Rubric

_rubric = click.option(
    "--rubric", "rubric_path", type=click.Path(path_type=Path), default=Path("rubric.yaml"),
    show_default=True, help="The rubric to grade by.",
)
_profile = click.option("--profile", help="Data, budget and thresholds of the rubric to use.")
_criterion = click.option("--criterion", multiple=True, metavar="ID", help="Only this criterion.")
_seed = click.option("--seed", type=int, help="Draw the hidden networks and the order from this.")
_sandbox = click.option(
    "--sandbox", "sandbox_name", type=click.Choice(["docker", "process", "auto"]),
    default="docker", show_default=True,
    help="Where submissions run; auto takes a process when no Docker Engine answers.",
)
_gpus = click.option(
    "--gpus", default="none", show_default=True, metavar="none|auto|all|0,1",
    help="GPUs that are lent to containers.",
)
_runtime = click.option(
    "--runtime", metavar="NAME",
    help="The engine's runtime for containers, such as runsc. [default: the engine's own]",
)
_jobs = click.option(
    "--jobs", type=click.IntRange(min=1), help="Submissions at a time. [default: cores and memory]"
)
_base_image = click.option(
    "--base-image", envvar="GRADER_BASE_IMAGE", metavar="IMAGE",
    help="What the worker's image is built on. [default: that of the Dockerfile]",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="grader")
def cli() -> None:
    """Grade deep-learning homework in PyTorch."""


@cli.command()
@click.argument("submissions", type=click.Path(path_type=Path))
@_rubric
@_profile
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True)
@click.option("--only", multiple=True, metavar="STUDENT", help="Only this student.")
@click.option("--templates", type=click.Path(path_type=Path), help="Templates instead of ours.")
@_criterion
@_sandbox
@_gpus
@_base_image
@_runtime
@_jobs
@_seed
def run(submissions: Path, out: Path, only: tuple[str, ...], templates: Path | None,
        **options: Any) -> int:
    """Grade a folder of SUBMISSIONS; marks and feedback go to --out."""
    from grader.class_folder import discover

    console = _console()
    rubric = _load_rubric(options)
    hand_ins = _only(discover(submissions), only, submissions)
    grades, unwritten = _grade(console, rubric, hand_ins, options, out, templates)
    return _conclude(console, grades, unwritten, out)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@_rubric
@_profile
@_criterion
@_seed
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout.")
def check(file: Path, as_json: bool, **options: Any) -> int:
    """Check your own FILE (.py, .ipynb, folder or archive) and read what is wrong and why.

    Runs on this machine, without Docker, and looks at the criteria that are not hidden.
    """
    from grader.checking import own_work
    from grader.export.grades import submission_json
    from grader.feedback.terminal import show
    from grader.opening import grades_of

    console = _console()
    rubric = _load_rubric(options)
    visible = [item.id for item in rubric.criteria if item.visibility == "visible"]
    hidden = sorted(set(options["criterion"]) - set(visible))
    if hidden:
        raise UsageError(f"'{hidden[0]}' is not a criterion that can be checked here; these can: "
                         + ", ".join(visible))
    options |= {"criterion": options["criterion"] or tuple(visible), "sandbox_name": "process",
                "gpus": "auto", "jobs": 1, "base_image": None, "runtime": None}
    with console.status("Checking your work ...") if not as_json else nullcontext():
        (grade,) = list(grades_of(rubric, [own_work(file)], options, _nowhere, _nowhere))
    if as_json:
        click.echo(submission_json(grade))
    else:
        show(grade, console)
    return 1 if grade.state == "not_scored" else 0


@cli.command()
@_rubric
@_profile
@_sandbox
@_gpus
@_base_image
@_runtime
@_jobs
@_seed
@click.option("--samples", type=click.Path(path_type=Path),
              help="Submissions with an expected.yaml: each must get exactly those marks.")
def validate(samples: Path | None, **options: Any) -> int:
    """Prove that the reference earns every automatic point, and samples what they should."""
    from grader.class_folder import discover, hand_in
    from grader.expected import differences, reference_faults

    console = _console()
    rubric = _load_rubric(options)
    options["criterion"] = ()
    hand_ins = [hand_in(rubric.reference)]
    hand_ins += discover(samples) if samples else []
    with tempfile.TemporaryDirectory(prefix="grader-validate-") as out:
        grades, unwritten = _grade(console, rubric, hand_ins, options, Path(out), None)
    by_student = {grade.student: grade for grade in grades}
    faults = reference_faults(by_student.pop(hand_ins[0].student))
    if samples:
        faults += differences(samples / "expected.yaml", list(by_student.values()))
    faults += unwritten
    for fault in faults:
        console.print(fault, style="red", markup=False, highlight=False)
    if not faults:
        samples_too = f" {len(by_student)} samples get the marks that stand beside them."
        console.print("The reference earns every automatic point."
                      + (samples_too if samples else ""), soft_wrap=True)
    return 1 if faults else 0


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def init(folder: Path) -> int:
    """Put the starter that students get into FOLDER."""
    from grader.starter import write_starter

    for path in write_starter(folder):
        click.echo(f"wrote {path}")
    return 0


@cli.command()
@_rubric
def schema(rubric_path: Path) -> int:
    """Print the JSON Schema of rubric.yaml, for editors."""
    import json

    from grader.checks.registry import parameter_models
    from grader.rubric_file import json_schema

    click.echo(json.dumps(json_schema(parameter_models()), indent=2))
    return 0


@cli.group()
def image() -> None:
    """The worker's image."""


@image.command()
@_base_image
@click.option("--rebuild", is_flag=True, help="Build from scratch even if it is there.")
def build(base_image: str | None, rebuild: bool) -> int:
    """Build the image that submissions run in, and print its name."""
    from grader.sandbox.docker import Build, connect, ensure_image

    console = _console(stderr=True)
    arguments = {"BASE_IMAGE": base_image} if base_image else {}
    click.echo(ensure_image(connect(), Build(arguments), _line(console), rebuild=rebuild))
    return 0


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
    except GraderError as error:
        click.echo(f"grader: {error}", err=True)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("grader: stopped", err=True)
        code = 130
    sys.exit(code)


# What the commands share ------------------------------------------------------------------------


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _line(console: Console) -> Any:
    return lambda text: console.print(text, style="dim", markup=False, soft_wrap=True)


def _load_rubric(options: dict[str, Any]) -> Rubric:
    from grader.checks.registry import parameter_models
    from grader.rubric_file import load

    return load(options["rubric_path"], parameter_models(), options["profile"])


def _only(hand_ins: list[HandIn], only: tuple[str, ...], folder: Path) -> list[HandIn]:
    if not hand_ins:
        raise UsageError(f"{folder}: no submission in it; expected .py, .ipynb, archives, folders")
    known = {item.student for item in hand_ins}
    unknown = sorted(set(only) - known)
    if unknown:
        raise UsageError(f"no student '{unknown[0]}' in {folder}; there are "
                         + ", ".join(sorted(known)[:20]))
    return [item for item in hand_ins if not only or item.student in only]


def _grade(console: Console, rubric: Rubric, hand_ins: list[HandIn], options: dict[str, Any],
           out: Path, templates: Path | None) -> tuple[list[Grade], list[str]]:
    """Grade with a progress display, writing feedback as it comes and the marks at the end.

    Returns the grades, and a line for each student whose feedback could not be written.
    """
    from grader.live import Progress
    from grader.opening import grades_of
    from grader.results import write_feedback, write_grades

    out.mkdir(parents=True, exist_ok=True)
    grades: list[Grade] = []
    unwritten: list[str] = []
    with Progress(console, len(hand_ins)) as progress:
        try:
            for grade in grades_of(rubric, hand_ins, options, _line(console), progress.tell):
                grades.append(grade)
                try:
                    write_feedback(grade, rubric, out, templates)
                except Exception as error:   # one student's page must not stop the class
                    kind = type(error).__name__
                    unwritten.append(f"No feedback for {grade.student}: {kind}: {error}")
                progress.done(grade)
        finally:
            write_grades(grades, rubric, out)
    return grades, unwritten


def _conclude(console: Console, grades: list[Grade], unwritten: list[str], out: Path) -> int:
    """The last lines of a run, and its exit code."""
    from grader.plaintext import plain_line

    states = [grade.state for grade in grades]
    waiting, lost = states.count("needs_marking"), states.count("not_scored")
    console.print(f"{len(grades)} submissions graded; marks in {out / 'grades.csv'}, feedback in "
                  f"{out / 'feedback'}.", markup=False, soft_wrap=True)
    if waiting:
        console.print(f"{waiting} have written answers for a person to mark.")
    if lost:
        names = " ".join(f"--only {g.student}" for g in grades if g.state == "not_scored")
        console.print(f"{lost} could not be scored because of the grader or this machine. The "
                      f"reasons are in {out / 'grades.json'}; then run again with {names}",
                      style="red", markup=False, soft_wrap=True)
    for line in unwritten:
        console.print(plain_line(line), style="red", markup=False, soft_wrap=True)
    return 1 if lost or unwritten else 0


def _nowhere(*said: str) -> None:
    """For a command that tells nothing on its way."""
