"""Options that commands share, and the terminal that they print to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from grader.cli import completion
from grader.run.options import RunOptions

Command = TypeVar("Command", bound=Callable[..., Any])

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from rich.console import Console
    from rich.text import Text

    from grader.rubric.model import Rubric

rubric = click.option(
    "--rubric", "rubric_path", type=click.Path(path_type=Path), default=Path("rubric.yaml"),
    show_default=True, help="The rubric to grade by.",
)
out = click.option(
    "--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
    help="The results folder.",
)
profile = click.option(
    "--profile", help="The rubric's profile: data, budget and thresholds.",
    shell_complete=completion.profiles,
)
criterion = click.option(
    "--criterion", multiple=True, metavar="ID", help="Only this criterion.",
    shell_complete=completion.criteria,
)
seed = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N",
    help="Seed of the hidden networks, inputs and order.",
)
sandbox = click.option(
    "--sandbox", "sandbox_name", type=click.Choice(["docker", "process", "auto"]),
    default="docker", show_default=True,
    help="Where submissions run; auto uses a process if no Docker Engine answers.",
)
gpus = click.option(
    "--gpus", default="none", show_default=True, metavar="none|auto|all|0,1",
    help="GPUs to use.",
)
slots_per_gpu = click.option(
    "--slots-per-gpu", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="Trainings that share a GPU and its memory.",
)
runtime = click.option(
    "--runtime", metavar="NAME",
    help="The engine's container runtime, such as runsc. [default: the engine's]",
)
jobs = click.option(
    "--jobs", type=click.IntRange(min=1),
    help="Submissions graded at a time. [default: by cores and memory]",
)
on = click.option(
    "--on", metavar="local|ray|ray://HEAD:PORT|slurm",
    help="The machines to use: docs/cluster.md. [default: the rubric's, or local]",
)
gpu_type = click.option(
    "--gpu-type", metavar="MODEL", help="On a cluster, use only GPUs of this model.",
)
mixed_gpus = click.option(
    "--mixed-gpus", is_flag=True, default=None,
    help="On a cluster, let GPUs of different models grade one class.",
)
engine_args = click.option(
    "--engine-args", metavar="WORDS",
    help="For Ray: labels of the nodes to use, NAME=VALUE. For Slurm: options of srun.",
)
base_image = click.option(
    "--base-image", envvar="GRADER_BASE_IMAGE", metavar="IMAGE",
    help="Base of the worker's image. [default: the Dockerfile's]",
)


def running(command: Command) -> Command:
    """Add the options that say where submissions run and how many at a time."""
    for option in (seed, jobs, runtime, base_image, slots_per_gpu, gpus, sandbox):
        command = option(command)
    return command


def on_machines(command: Command) -> Command:
    """Add the options that say on which machines submissions run."""
    for option in (engine_args, mixed_gpus, gpu_type, on):
        command = option(command)
    return command


def run_options(options: Mapping[str, Any], **more: Any) -> RunOptions:
    """Build `RunOptions` from click's parameters; `more` replaces or adds to them."""
    renamed = {"sandbox_name": "sandbox", "criterion": "criteria"}
    given = {renamed.get(name, name): value for name, value in options.items()} | more
    known = {one.name for one in fields(RunOptions)}
    return RunOptions(**{name: value for name, value in given.items() if name in known})


def rubric_of(options: Mapping[str, Any]) -> Rubric:
    """Load the rubric that --rubric and --profile name. Raises RubricError and CheckError."""
    from grader.checks.registry import parameter_models
    from grader.rubric.load import load

    return load(options["rubric_path"], parameter_models, options["profile"])


def console_of(stderr: bool = False) -> Console:
    """Return a rich console for stdout, or for stderr."""
    from rich.console import Console

    if isinstance(sys.stdout, TextIOWrapper):
        # A name that this terminal cannot encode must not stop the class.
        sys.stdout.reconfigure(errors="replace")
    return Console(stderr=stderr, highlight=False, emoji=False)   # `:x:` in a name is a name


def print_line(console: Console, text: str | Text, style: str = "") -> None:
    """Print a line: wrapped between words in a terminal, and whole in a pipe."""
    console.print(
        text, style=style, markup=False, highlight=False, soft_wrap=not console.is_terminal
    )


def line_of(console: Console) -> Callable[[str], None]:
    """Return a function that prints a line of progress."""
    return lambda text: print_line(console, text, "dim")
