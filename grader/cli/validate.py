"""`grader validate`: proves that wrong work loses what it should, and right work nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from rich.console import Console

    from grader.validation.report import ValidationReport


@click.command()
@option.rubric
@option.profile
@option.running
@click.option("--samples", type=click.Path(path_type=Path),
              help="Submissions with an expected.yaml; each must get exactly those marks.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this mutant or variant.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/validation"),
              show_default=True, help="The folder for the report and the feedback.")
def validate(samples: Path | None, only: tuple[str, ...], out: Path, **options: Any) -> int:
    """Prove that the grader is right about this homework.

    The reference must earn every automatic point and the starter none. Each mutant must lose
    exactly the criteria that it names, and no variant may lose any. Exits with 0 if all of this
    holds, with 1 if it does not or could not be determined.
    """
    import threading

    from grader.cli.heartbeat import Heartbeat
    from grader.cli.progress import Progress
    from grader.cli.summary import STOPPED, finishing
    from grader.validation.calibration.warnings import warnings_now
    from grader.validation.run import PAGE
    from grader.validation.run import validate as run

    console = option.console_of()
    rubric = option.rubric_of(options)
    chosen = option.run_options(options)
    stop, progress = threading.Event(), Progress(console)
    after = "Nothing was written. --only NAME validates one case."
    with finishing(stop, progress.say, lambda: len(progress.begun), after), progress:
        report = run(rubric, samples, only, out, chosen, progress, stop)
    _show(console, report)
    if report.left:
        option.print_line(console, f"Stopped. What was validated: {out / PAGE}.")
        return STOPPED
    say = option.line_of(console)
    with Heartbeat(lambda: say("Comparing this machine with that of the calibration ...")):
        warnings = warnings_now(rubric, chosen, say)
    for line in warnings:
        option.print_line(console, f"Warning: {line}", "yellow")
    option.print_line(console, f"Full matrix: {out / PAGE}.")
    return 0 if report.outcome == "right" else 1


def _show(console: Console, report: ValidationReport) -> None:
    """Print the criteria, then everything that is wrong, then a summary."""
    from rich import box
    from rich.table import Table

    from grader.validation.report import INTERVAL

    if any(one.sensitivity.of or one.specificity.of for one in report.accuracies):
        table = Table(box=box.SIMPLE_HEAD, safe_box=True, pad_edge=False, show_edge=False,
                      caption=f"In brackets: {INTERVAL}.", caption_justify="left")
        for name in ("criterion", "wrong work that lost it", "right work that kept it"):
            table.add_column(name, justify="left" if name == "criterion" else "right")
        for one in report.accuracies:
            table.add_row(one.criterion, _rate(one.sensitivity), _rate(one.specificity))
        console.print()
        console.print(table)
        console.print()
    for line in _wrong(report):
        option.print_line(console, line, "red")
    option.print_line(console, _summary(report), "bold")


def _rate(rate: Any) -> str:
    if not rate.of:
        return "none"
    low, high = rate.interval
    return f"{rate.right}/{rate.of} ({low:.1%} to {high:.1%})"


def _wrong(report: ValidationReport) -> list[str]:
    """Return lines for each case that is wrong; they may quote a sample's code."""
    from grader.text import plain_line
    from grader.validation.report import sentences

    lines = []
    for one in report.concluded:
        if one.outcome != "right":
            case = one.case
            lines.append(f"{case.kind} {case.name}, {one.words}: {case.about}")
            lines += [f"    {plain_line(text, 1000)}" for text in sentences(one)]
    return lines + [plain_line(fault, 1000) for fault in report.faults]


def _summary(report: ValidationReport) -> str:
    told = []
    for kind in ("reference", "starter"):
        told += [f"the {kind} {one.words}" for one in report.of(kind)]
    for kind, word in (("mutant", "lost exactly the required criteria"),
                       ("variant", "lost nothing")):
        if cases := report.of(kind):
            right = sum(one.outcome == "right" for one in cases)
            told.append(f"{right} of {len(cases)} {kind}s {word}")
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}; {report.seconds:.0f} s."
