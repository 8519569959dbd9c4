"""`grader schema`, `grader image` and `grader cache`: maintenance around grading."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli import options as option


@click.command(short_help="Print the JSON Schema of rubric.yaml, for editors.")
@option.rubric
def schema(rubric_path: Path) -> int:
    """Print the JSON Schema of rubric.yaml, for editors, with custom checks."""
    import json

    from grader.checks.registry import parameter_models
    from grader.rubric.load import json_schema, own_files

    files = own_files(rubric_path) if rubric_path.is_file() else ()
    click.echo(json.dumps(json_schema(parameter_models(files)), indent=2))
    return 0


@click.group()
def image() -> None:
    """Manage the worker's image."""


@image.command()
@option.rubric
@option.base_image
@click.option("--rebuild", is_flag=True, help="Build from scratch even if it exists.")
def build(rubric_path: Path, base_image: str | None, rebuild: bool) -> int:
    """Build the image that submissions run in, and print its name.

    It has the packages that the rubric names, if there is a rubric.
    """
    from grader.checks.registry import parameter_models
    from grader.rubric.load import load
    from grader.sandbox.docker import Build, connect, ensure_image

    console = option.console_of(stderr=True)
    packages = load(rubric_path, parameter_models).packages if rubric_path.is_file() else ()
    wanted = Build.of(base_image, packages)
    click.echo(ensure_image(connect(), wanted, option.line_of(console), rebuild=rebuild))
    return 0


@click.group()
def cache() -> None:
    """Manage the stored answers of workers."""


@cache.command()
@option.out
def show(out: Path) -> int:
    """Print the size of the cache in --out."""
    from grader.run.cache.file import NAME, summary
    from grader.text import counted

    found = summary(out)
    click.echo(f"{out / NAME}: {counted(found.answers, 'answer')} of "
               f"{counted(found.students, 'submission')}, "
               f"{found.bytes / 2**20:.1f} MiB")
    return 0


@cache.command()
@option.out
def clear(out: Path) -> int:
    """Delete the cache in --out; marks and feedback stay.

    After a change of the rubric, workers are then asked again.
    """
    from grader.grading.gradebook_file import alone_in
    from grader.run.cache import file as cache_file

    with alone_in(out):
        cache_file.clear(out)
    click.echo(f"Deleted {out / cache_file.NAME}.")
    return 0


COMMANDS = (schema, image, cache)
