"""`grader init` and `grader doctor`: start a homework, and find out what a machine lacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import options as option
from grader.errors import UsageError

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from grader.cli.finding import Finding
    from grader.cli.scaffold.ci import Service
    from grader.cli.scaffold.homework import Kind


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--kind", type=click.Choice(["numpy", "training", "language-model"]),
              default="training", show_default=True,
              help="Functions in numpy, a small network that is trained, or a transformer.")
@click.option("--starter", is_flag=True,
              help="Write only the starter code of the shipped homework.")
@click.option("--ci", type=click.Choice(["github", "gitlab"]),
              help="Also write workflows; only them if FOLDER already has a homework.")
def init(folder: Path, kind: Kind, starter: bool, ci: Service | None) -> int:
    """Write a small homework to FOLDER, for an instructor to change.

    It has a rubric, a reference, a starter, tests, checks and samples, and works as it is.
    With --ci it also has two workflows: one validates the homework on every push, the other, in
    the starter, checks a student's work. Nothing is overwritten.
    """
    from grader.cli.scaffold.homework import write_homework, write_starter

    written: list[Path] = []
    there = (folder / "rubric.yaml").is_file()
    if starter:
        written += write_starter(folder)
    elif not (ci and there):
        written += write_homework(folder, kind)
    if ci:
        written += _workflows(folder, ci)
    for path in written:
        click.echo(f"wrote {path}")
    if not starter and not there:
        click.echo(f"Next: cd {folder} && grader validate --sandbox process --samples submissions")
    return 0


@click.command()
@option.rubric
@option.profile
@option.out
@option.base_image
@click.option("--sandbox", "sandbox_name", type=click.Choice(["docker", "process"]),
              default="docker", show_default=True, help="Where submissions will run.")
@option.on_machines
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
@click.pass_context
def doctor(context: click.Context, /, rubric_path: Path, profile: str | None, out: Path,
           base_image: str | None, sandbox_name: str, as_json: bool, **machines: Any) -> int:
    """Report what is missing on this machine and how to fix it.

    Checks Python, torch, the Docker Engine, the worker's image, GPUs and their driver, memory,
    disk, the rubric with its data, and the results folder. Grades nothing and takes a few seconds.
    With --on it asks each machine of the cluster. Exits with 1 if there is a problem.
    """
    import dataclasses
    import json

    from grader.cli.doctor import Plans, examine

    named = context.get_parameter_source("rubric_path") is not click.core.ParameterSource.DEFAULT
    where = option.run_options(machines, base_image=base_image)
    findings = examine(Plans(rubric_path, named, profile, out, sandbox_name, base_image, where))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in findings], indent=2))
    else:
        _show(findings)
    return 1 if any(one.state == "problem" for one in findings) else 0


def _show(findings: list[Finding]) -> None:
    from rich.text import Text

    styles = {"ok": "green", "warning": "yellow", "problem": "bold red"}
    console = option.console_of()
    for one in findings:
        state = Text(f"{one.state:8}", style=styles[one.state])
        option.print_line(
            console, Text.assemble(state, (one.what, "bold"), f": {one.found}")
        )
        if one.fix:
            option.print_line(console, Text(f"        {one.fix}"))


def _workflows(folder: Path, ci: Service) -> list[Path]:
    from grader.cli.scaffold.ci import write_workflows

    path = folder / "rubric.yaml"
    if not path.is_file():
        raise UsageError(f"{path}: no such file; --ci needs the folder of a homework")
    rubric = option.rubric_of({"rubric_path": path, "profile": None})
    if rubric.starter is None:
        raise UsageError(f"{path}: the key 'starter' names no folder that students start from")
    starter = rubric.starter.relative_to(folder.resolve()) if (
        rubric.starter.is_relative_to(folder.resolve())) else rubric.starter
    return write_workflows(folder, folder / starter, (folder / "submissions").is_dir(), ci)


COMMANDS: tuple[Any, ...] = (init, doctor)
