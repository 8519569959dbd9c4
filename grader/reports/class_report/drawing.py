"""The report's pictures as inline SVG, and the same in numbers for who does not see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.records import Table
from grader.reports.class_report.summarizing import Bin
from grader.reports.student import svg as canvas
from grader.reports.student.page import number
from grader.reports.student.svg import INK

_LONG = 30   # times the shortest training: then seconds are on a log scale


@dataclass(frozen=True)
class Marks:
    """Scores of a class, for a histogram."""

    bins: tuple[Bin, ...]
    mean: float
    median: float


@dataclass(frozen=True)
class Dot:
    """A training, for a scatter plot, under the number that stands for its student."""

    alias: int
    seconds: float
    accuracy: float


def draw_marks(marks: Marks) -> tuple[str, ...]:
    """Bars of students by points: those whose marks are final, and above them, pale, the others."""
    if not any(one.final + one.open for one in marks.bins):
        return ()
    axes = canvas.new_axes(560, 250, (0.075, 0.17, 0.915, 0.72))
    canvas.add_bars(
        axes, [one.low for one in marks.bins], marks.bins[0].high,
        [([one.final for one in marks.bins], 0.85), ([one.open for one in marks.bins], 0.18)],
    )  # fmt: skip
    for value, dashes in ((marks.mean, "-"), (marks.median, "--")):
        axes.axvline(value, color=INK, linestyle=dashes, linewidth=1.5)
    axes.set_xlim(0, marks.bins[-1].high)
    axes.set_ylim(0, 1.12 * max(one.final + one.open for one in marks.bins))
    canvas.whole_numbers(axes.yaxis, 5)
    canvas.plain_numbers(axes.xaxis)
    _finish(axes, "points", "students")
    title = f"Histogram of marks: mean {number(marks.mean)}, median {number(marks.median)}"
    return (canvas.svg(axes, title, {}),)


def tabulate_marks(bins: Sequence[Bin]) -> Table:
    rows = tuple(
        (f"{number(one.low)} to {number(one.high)}", str(one.final), str(one.open),
         str(one.final + one.open))
        for one in bins
    )
    return Table("Students by points", ("points", "final", "may still rise", "together"), rows)


def draw_trainings(dots: Sequence[Dot]) -> tuple[str, ...]:
    """A dot for each training: seconds to the right, accuracy upwards."""
    if not dots:
        return ()
    axes = canvas.new_axes(560, 290, (0.095, 0.15, 0.895, 0.80))
    canvas.add_points(axes, [(one.seconds, one.accuracy) for one in dots])
    seconds = [one.seconds for one in dots]
    if min(seconds) > 0 and max(seconds) / min(seconds) > _LONG:
        axes.set_xscale("log")
        axes.set_xlim(min(seconds) / 1.2, max(seconds) * 1.2)
    else:
        axes.set_xlim(0, 1.05 * max(seconds) or 1)
    axes.set_ylim(max(0.0, min(one.accuracy for one in dots) - 0.05), 1.02)
    canvas.plain_numbers(axes.xaxis)
    canvas.percentages(axes.yaxis)
    _finish(axes, "seconds of training", "accuracy on hidden images")
    labels = [
        (f"dot dot-{one.alias}", f"Student {one.alias}: {one.accuracy:.1%}, {one.seconds:.0f} s")
        for one in dots
    ]
    title = f"Accuracy against seconds of training, {len(dots)} students"
    return (canvas.svg(axes, title, {}, labels),)


def _finish(axes: canvas.Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.grid(color=INK, alpha=0.15, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    canvas.ink(axes)
