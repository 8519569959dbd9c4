"""`grader calibrate`: measures how often thresholds fail a right solution by chance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grader.cli import options as option

if TYPE_CHECKING:   # nothing heavy is imported before a command needs it
    from rich.table import Table

    from grader.rubric.model import Profile, Rubric
    from grader.validation.calibration.propose import Proposal
    from grader.validation.calibration.runs import Figures, Solution


@click.command(short_help="Measure how often thresholds fail right solutions.")
@click.argument("variants", nargs=-1, type=click.Path(path_type=Path))
@option.rubric
@option.profile
@option.jobs
@option.runtime
@option.base_image
@option.slots_per_gpu
@option.gpus
@option.sandbox
@click.option("--seeds", type=click.IntRange(min=3), default=30, show_default=True, metavar="N",
              help="Trainings of each solution.")
@click.option("--risk", type=click.FloatRange(0, 0.5, min_open=True, max_open=True), default=0.001,
              show_default=True, help="Accepted chance that a right solution fails.")
@click.option("--confidence", type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
              default=0.95, show_default=True, help="Confidence in that bound.")
@click.option("--factor", type=click.FloatRange(min=1), default=10.0, show_default=True,
              help="Budget in seconds over the slowest run.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/calibration"),
              show_default=True, help="The folder of the answers; a second run continues there.")
@click.option("--write", type=click.Choice(["evidence", "thresholds"]),
              help="Write the evidence into the rubric, or the proposed thresholds and budget too.")
def calibrate(variants: tuple[Path, ...], write: str | None, seeds: int, risk: float,
              confidence: float, factor: float, out: Path, **options: Any) -> int:
    """Measure how often the thresholds fail a right solution by chance, and propose others.

    Trains the reference and all VARIANTS (right submissions in other styles) once per seed, like
    students' work. Without --write, the rubric stays unchanged.
    """
    import threading

    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from grader.checks.registry import checks_with, parameter_models
    from grader.cli.heartbeat import Heartbeat
    from grader.cli.summary import STOPPED, finishing
    from grader.errors import UsageError
    from grader.rubric.edit import write_calibration
    from grader.run.cache.file import open_cache
    from grader.text import counted
    from grader.validation.calibration.propose import evidence, propose
    from grader.validation.calibration.runs import figures_of

    console, path = option.console_of(), options["rubric_path"]
    rubric = option.rubric_of(options)
    checks = checks_with(rubric.own_files)
    if not any(checks[one.check].thresholds for one in rubric.criteria):
        by_threshold = sorted(name for name, one in checks.items() if one.thresholds)
        raise UsageError(
            f"{path}: nothing to calibrate: no criterion is marked by the thresholds of a profile. "
            f"`grader calibrate` needs one with `check: {' or '.join(by_threshold)}`"
        )
    solutions = _solutions(rubric, variants, path.resolve().parent)
    out.mkdir(parents=True, exist_ok=True)
    say, stop, total = option.line_of(console), threading.Event(), seeds * len(solutions)
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("left:"), TimeRemainingColumn())
    after = "Trainings that were finished are kept. Run the same command again to continue."
    progress = Progress(*columns, console=console, transient=True)
    bar = progress.add_task("training", total=total)

    def done() -> int:
        return int(progress.tasks[0].completed)

    def speak() -> None:
        if not console.is_terminal:   # where the bar is not seen
            say(f"Training: {done()} of {total} done ({progress.tasks[0].elapsed or 0:.0f} s)")

    with (
        finishing(stop, say, lambda: "what runs", after), open_cache(out) as cache,
        progress, Heartbeat(speak),
    ):
        figures = figures_of(
            rubric, solutions, range(1, seeds + 1), option.run_options(options), cache, say,
            lambda run: progress.advance(bar), stop,
        )
    if len(figures.runs) < total:
        left = f"{total - len(figures.runs)} of {counted(total, 'training')}"
        option.print_line(console, f"Stopped: {left} not begun. {after}")
        return STOPPED
    profile = rubric.active
    proposal = propose(figures, profile, risk, confidence, factor)
    console.print(_table(proposal, profile))
    for line in _lines(proposal, figures, profile, risk, confidence):
        console.print(line, markup=False)
    if write is None:
        console.print("\nThe rubric is unchanged. --write evidence adds this to its thresholds; "
                      "--write thresholds also takes the proposed ones.")
        return 0
    if write == "thresholds":
        if not proposal.usable:
            raise UsageError("the runs differ too much for thresholds to be proposed: take more "
                             "--seeds, or --write evidence")
        profile = profile.model_copy(
            update={"thresholds": proposal.thresholds, "seconds": proposal.seconds}
        )
    found = evidence(figures, solutions, proposal, profile, risk, confidence)
    new = profile.model_copy(update={"calibration": found})
    write_calibration(path, parameter_models, rubric.profile, new)
    what = "evidence" if write == "evidence" else "evidence, thresholds and budget"
    console.print(f"\nWrote {what} into {path}, profile '{rubric.profile}'.", markup=False)
    return 0


def _solutions(rubric: Rubric, variants: tuple[Path, ...], root: Path) -> list[Solution]:
    """Return the solutions to train. Raises UsageError for a missing or repeated path."""
    from grader.errors import UsageError
    from grader.submissions.discover import hand_in
    from grader.validation.calibration.runs import Solution
    from grader.validation.calibration.warnings import solution_digest

    found = {"reference": rubric.reference}
    for path in variants:
        item, place = hand_in(path), path.resolve()
        inside = place.is_relative_to(root)
        name = place.relative_to(root).as_posix() if inside else item.sources[0].name
        if name in found:
            raise UsageError(f"{path}: '{name}' is named twice")
        found[name] = path
    return [Solution(name, solution_digest(path), hand_in(path)) for name, path in found.items()]


def _table(proposal: Proposal, profile: Profile) -> Table:
    """Return the table of solutions, which fits 80 columns."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from grader.text import plain_line
    from grader.validation.calibration.propose import often

    full = profile.thresholds[0].accuracy
    grid = Table(box=box.SIMPLE_HEAD, safe_box=True, pad_edge=False, show_edge=False)
    grid.add_column("Solution", overflow="fold")
    for name in ("Mean", "Lowest", f"Below {full:.1%}, at most", "Allows", "Slowest"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in proposal.rows:
        correct = [run.correct / row.fit.images for run in row.runs]
        grid.add_row(
            Text(plain_line(row.solution)),
            f"{sum(correct) / len(correct):.1%}",
            f"{min(correct):.1%}",
            often(row.below.upper).replace("less than 1 in a million", "< 1 in a million"),
            f"{row.allows:.1%}",
            f"{max(run.seconds for run in row.runs):.1f} s",
        )
    return grid


def _lines(proposal: Proposal, figures: Figures, profile: Profile, risk: float,
           confidence: float) -> list[str]:
    from grader.text import plain_line
    from grader.validation.calibration import statistics
    from grader.validation.calibration.propose import in_words, often

    said = in_words(proposal, figures.images, profile, confidence)
    full, worst = profile.thresholds[0].accuracy, proposal.worst
    below = sum(run.correct < full * figures.images - 1e-9 for run in worst.runs)
    most = statistics.observed(below, len(worst.runs), confidence)
    lines = [
        "",
        f"{said[0].upper()}{said[1:]}.",
        f"Each bound holds with {confidence:.0%}. Without a distribution: {below} of "
        f"{len(worst.runs)} runs were below, so at most {often(most)} runs are.",
        "",
    ]
    lines += [f"{plain_line(row.solution)}: the distribution does not fit (p = {row.fits:.2g}); "
              "don't believe its chances before you have looked at its runs: "
              + ", ".join(str(run.correct) for run in row.runs)
              for row in proposal.rows if not row.credible]
    lines += [f"{plain_line(name)}: left out, because every seed gave the same network."
              for name in proposal.fixed]
    cut = sum(run.cut for run in figures.runs)
    if cut:
        lines.append(f"The budget of {profile.seconds:g} s ended {cut} runs, so their final "
                     "accuracy is unknown.")
    proposed = proposal.thresholds[0].accuracy
    lines.append(f"Proposed for {often(risk)}: full credit from {proposed:.1%}"
                 + "".join(f", {one.share:.0%} from {one.accuracy:.1%}"
                           for one in proposal.thresholds[1:])
                 + f"; {proposal.seconds:g} s.")
    lines.append(_compared(full, proposed))
    lines.append(f"The spread between seeds suggests `again: {{at_most: 2, within: "
                 f"{proposal.within:g}}}`: two standard deviations at {full:.1%}.")
    return lines


def _compared(full: float, proposed: float) -> str:
    if proposed == full:
        return "That is the threshold for full credit that the rubric has."
    if proposed > full:
        return (f"The rubric's {full:.1%} is below that and fails fewer; a higher one asks more "
                "than students may have been promised.")
    return (f"The rubric's {full:.1%} is above that: it fails a right solution more often. If "
            "the homework promises it, keep it and set `again`, so that a network just below it is "
            "trained again.")
