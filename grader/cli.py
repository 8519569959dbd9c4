"""The command line: the only place that prints, and that turns what happened into an exit code.

0: graded. 1: some submission could not be scored because of the harness, or a validation failed.
2: the command line, the rubric or a path is wrong. 130: stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from contextlib import nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader import __version__
from grader.errors import GraderError, UsageError

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from rich.console import Console

    from grader.class_folder import HandIn
    from grader.rubric import Rubric

_rubric = click.option(
    "--rubric", "rubric_path", type=click.Path(path_type=Path), default=Path("rubric.yaml"),
    show_default=True, help="The rubric to grade by.",
)
_profile = click.option("--profile", help="Data, budget and thresholds of the rubric to use.")
_criterion = click.option("--criterion", multiple=True, metavar="ID", help="Only this criterion.")
_seed = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N",
    help="Draw the hidden networks and the order from this.",
)
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
@click.option("--fresh", is_flag=True, help="Grade again what an earlier run has graded.")
@_criterion
@_sandbox
@_gpus
@_base_image
@_runtime
@_jobs
@_seed
def run(submissions: Path, out: Path, only: tuple[str, ...], templates: Path | None,
        **options: Any) -> int:
    """Grade a folder of SUBMISSIONS; marks and feedback go to --out.

    What --out has from an earlier run is kept as long as it holds: a run that was cut short goes
    on, and one that is repeated grades what is new or changed. Ctrl-C finishes what runs; pressed
    twice it stops at once.
    """
    from grader.class_folder import discover
    from grader.class_run import Class, conclude, finishing, grade_class, said
    from grader.gradebook_file import open_gradebook

    console, stop = _console(), threading.Event()
    rubric = _load_rubric(options)
    everyone = [item for item in discover(submissions) if out.resolve() not in item.sources]
    chosen = _only(everyone, only, submissions)
    options["whole"] = not only and not options["criterion"]
    homework = Class(rubric, tuple(everyone), tuple(chosen), out, templates)
    with open_gradebook(out, said(console)) as book, finishing(stop, said(console)):
        ran = grade_class(console, homework, options, book, stop)
    return conclude(console, ran, out)


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
    from grader.gradebook_file import in_memory
    from grader.opening import grades_of

    console = _console()
    rubric = _load_rubric(options)
    visible = [item.id for item in rubric.criteria if item.visibility == "visible"]
    hidden = sorted(set(options["criterion"]) - set(visible))
    if hidden:
        raise UsageError(f"'{hidden[0]}' is not a criterion that can be checked here; these can: "
                         + ", ".join(visible))
    options |= {"criterion": options["criterion"] or tuple(visible), "sandbox_name": "process",
                "gpus": "auto", "jobs": 1, "base_image": None, "runtime": None, "fresh": False,
                "whole": True}
    waiting = nullcontext() if as_json else console.status("Checking your work ...")
    with waiting, in_memory() as book:
        (grade,) = list(grades_of(rubric, [own_work(file)], options, _nowhere, _nowhere, book,
                                  threading.Event()))
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
    from grader.class_run import Class, grade_class
    from grader.expected import differences, reference_faults
    from grader.gradebook_file import in_memory
    from grader.plaintext import plain_line

    console = _console()
    rubric = _load_rubric(options)
    options |= {"criterion": (), "fresh": False, "whole": True}
    hand_ins = (hand_in(rubric.reference), *(discover(samples) if samples else ()))
    with tempfile.TemporaryDirectory(prefix="grader-validate-") as out, in_memory() as book:
        homework = Class(rubric, hand_ins, hand_ins, Path(out))
        ran = grade_class(console, homework, options, book, threading.Event())
    by_student = {grade.student: grade for grade in ran.grades}
    faults = reference_faults(by_student.pop(hand_ins[0].student))
    if samples:
        faults += differences(samples / "expected.yaml", list(by_student.values()))
    faults += ran.faults
    for fault in faults:   # it may quote what a sample's code raised
        console.print(plain_line(fault, 1000), style="red", markup=False, highlight=False)
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
    except (GraderError, OSError) as error:   # a full disk, mostly; its text names the file
        click.echo(f"grader: {error}", err=True)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("grader: stopped", err=True)
        sys.stdout.flush()
        os._exit(130)   # threads may still wait for workers that are gone
    sys.exit(code)


# What the commands share ------------------------------------------------------------------------


def _console(stderr: bool = False) -> Console:
    from rich.console import Console

    if isinstance(sys.stdout, TextIOWrapper):
        # A name that this terminal or this pipe cannot spell must not stop the class.
        sys.stdout.reconfigure(errors="replace")
    return Console(stderr=stderr, highlight=False, emoji=False)   # `:x:` in a name is a name


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


def _nowhere(*said: str) -> None:
    """For a command that tells nothing on its way."""
