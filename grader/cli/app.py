"""The command line: `grader run`, the other commands, and what exit codes mean.

0: graded. 1: a submission was not scored because the harness failed, or a validation failed.
2: the command line, the rubric or a path is wrong. 130: stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

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
    override,
    regrade_requests,
    setup,
    similar,
    student,
    validate,
)
from grader.cli import options as option
from grader.errors import GraderError, UsageError


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog='Completion in your shell: eval "$(_GRADER_COMPLETE=bash_source grader)" (or zsh, fish)',
)
@click.version_option(__version__, prog_name="grader")
def cli() -> None:
    """Grade deep-learning homework in PyTorch."""


@cli.command(short_help="Grade a folder of submissions; write marks and feedback.")
@click.argument("submissions", type=click.Path(path_type=Path))
@option.rubric
@option.profile
@option.out
@click.option("--only", multiple=True, metavar="STUDENT", help="Grade only this student.",
              shell_complete=completion.submitters)
@click.option("--templates", type=click.Path(path_type=Path),
              help="Templates that replace the project's own.")
@click.option("--fresh", is_flag=True, help="Grade again what an earlier run graded.")
@click.option("--verbose", is_flag=True,
              help="Print each event; --out/logs has them too.")
@option.criterion
@option.running
@option.on_machines
def run(submissions: Path, out: Path, only: tuple[str, ...], templates: Path | None,
        **options: Any) -> int:
    """Grade a folder of SUBMISSIONS; write marks and feedback to --out.

    Verdicts in --out that still hold are kept: an interrupted run continues, and a repeated run
    grades only what is new or changed. Ctrl-C finishes what runs; a second one stops at once.
    """
    from grader.api import grade
    from grader.cli.progress import Progress
    from grader.cli.summary import conclude, finishing

    console, stop = option.console_of(), threading.Event()
    rubric, how = option.rubric_of(options), option.run_options(options, templates=templates)
    progress = Progress(console)
    after = "What was graded is kept. Run the same command again, without --fresh, to continue."
    with finishing(stop, progress.say, lambda: len(progress.begun), after), progress:
        results = grade(
            submissions, rubric, out, only=only, options=how, watcher=progress, stop=stop
        )
    return conclude(console, results, out)


COMMANDS = (
    *student.COMMANDS, *setup.COMMANDS, *maintenance.COMMANDS, *explain.COMMANDS,
    *import_.COMMANDS, *export.COMMANDS, *mark.COMMANDS, *override.COMMANDS,
    *regrade_requests.COMMANDS, *similar.COMMANDS, calibrate.calibrate, validate.validate,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)


def _complain(error: Exception) -> None:
    option.print_line(option.console_of(stderr=True), f"grader: {error}")


def main() -> None:
    """Entry point: errors become one message and an exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 2
    except UsageError as error:
        _complain(error)
        code = 2
    except (GraderError, OSError) as error:   # such as a full disk; its text names the file
        _complain(error)
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("grader: stopped", err=True)
        sys.stdout.flush()
        os._exit(130)   # threads may still wait for workers
    sys.exit(code)
