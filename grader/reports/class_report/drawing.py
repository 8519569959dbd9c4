"""Draws the plots of the class report as inline SVG, with tables of the same numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader.records import Table
from grader.reports.class_report.summarizing import Bin
from grader.reports.student import svg
from grader.reports.student.page import number
from grader.reports.student.svg import INK
from grader.text import counted

_LOG_SCALE_FROM = 30   # longest training over the shortest: then seconds are on a log scale


@dataclass(frozen=True)
class Histogram:
    """The distribution of a class's scores."""

    bins: tuple[Bin, ...]
    mean: float
    median: float


@dataclass(frozen=True)
class Dot:
    """One training in the scatter plot. `alias` is the number that stands for the student."""

    alias: int
    seconds: float
    accuracy: float


@dataclass(frozen=True)
class Line:
    """A threshold in the scatter plot, with its share of the points in words."""

    accuracy: float
    label: str


@dataclass(frozen=True)
class Scatter:
    """The trainings of a class, and the thresholds that they were to reach."""

    dots: tuple[Dot, ...]
    thresholds: tuple[Line, ...] = ()


def draw_histogram(histogram: Histogram) -> tuple[str, ...]:
    """Bars of students by points: final scores solid, scores that may still rise pale on top."""
    if not any(one.final + one.open for one in histogram.bins):
        return ()
    axes = svg.new_axes(560, 250, (0.075, 0.17, 0.915, 0.72))
    svg.add_bars(
        axes, [one.low for one in histogram.bins], histogram.bins[0].high,
        [([one.final for one in histogram.bins], 0.85),
         ([one.open for one in histogram.bins], 0.18)],
    )  # fmt: skip
    for value, dashes in ((histogram.mean, "-"), (histogram.median, "--")):
        axes.axvline(value, color=INK, linestyle=dashes, linewidth=1.5)
    axes.set_xlim(0, histogram.bins[-1].high)
    axes.set_ylim(0, 1.12 * max(one.final + one.open for one in histogram.bins))
    svg.whole_numbers(axes.yaxis, 5)
    svg.plain_numbers(axes.xaxis)
    _finish(axes, "points", "students")
    title = (f"Histogram of scores: mean {number(histogram.mean)}, "
             f"median {number(histogram.median)}")
    return (svg.to_svg(axes, title, {}),)


def tabulate_histogram(bins: Sequence[Bin]) -> Table:
    rows = tuple(
        (f"{number(one.low)} to {number(one.high)}", str(one.final), str(one.open),
         str(one.final + one.open))
        for one in bins
    )
    return Table("Students by points", ("points", "final", "may still rise", "total"), rows)


def draw_trainings(scatter: Scatter) -> tuple[str, ...]:
    """A scatter plot of accuracy over seconds of training, with the thresholds as lines."""
    dots = scatter.dots
    if not dots:
        return ()
    axes = svg.new_axes(560, 290, (0.095, 0.15, 0.895, 0.80))
    svg.add_points(axes, [(one.seconds, one.accuracy) for one in dots])
    seconds = [one.seconds for one in dots]
    if min(seconds) > 0 and max(seconds) / min(seconds) > _LOG_SCALE_FROM:
        axes.set_xscale("log")
        axes.set_xlim(min(seconds) / 1.2, max(seconds) * 1.2)
    else:
        axes.set_xlim(0, 1.05 * max(seconds) or 1)
    lowest = min([one.accuracy for one in dots] + [line.accuracy for line in scatter.thresholds])
    axes.set_ylim(max(0.0, math.floor(10 * lowest - 0.2) / 10), 1.02)   # from a multiple of 10 %
    for line in scatter.thresholds:
        axes.axhline(line.accuracy, color=INK, linestyle="--", linewidth=1, alpha=0.7)
        axes.text(
            0.995, line.accuracy, line.label, transform=axes.get_yaxis_transform(), color=INK,
            ha="right", va="bottom", fontsize=9,
        )  # fmt: skip
    svg.plain_numbers(axes.xaxis)
    svg.percentages(axes.yaxis)
    _finish(axes, "seconds of training", "accuracy on hidden images")
    labels = [
        (f"dot dot-{one.alias}", f"Student {one.alias}: {one.accuracy:.1%}, {one.seconds:.0f} s")
        for one in dots
    ]
    title = f"Accuracy over seconds of training, {counted(len(dots), 'student')}"
    return (svg.to_svg(axes, title, {}, labels),)


def _finish(axes: svg.Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.grid(color=INK, alpha=0.15, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    svg.ink(axes)
