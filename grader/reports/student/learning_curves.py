"""Draws and tabulates loss and accuracy per epoch and the learning rate per step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

from grader.records import LearningCurve, Series, Table
from grader.reports.student import svg
from grader.reports.student.svg import INK, PLOT_A, PLOT_B

if TYPE_CHECKING:
    from grader.reports.student.svg import Axes

T = TypeVar("T")
Lines = tuple[Series, ...]

_LINES = ((PLOT_A, "-", "o"), (PLOT_B, "--", "s"), (INK, "-.", "^"), (INK, ":", "v"))
_LARGEST = 1e12  # larger values count as infinite: they would only flatten the rest
_TABLE_ROWS = 12
_SPAN = 1e4  # of a log scale of learning rates, since a cosine schedule ends near zero


def draw_curve(picture: LearningCurve) -> tuple[str, ...]:
    """One `<svg>` for the loss and one for the accuracy, each only if it has a finite value."""
    loss, accuracy = _finite(picture.loss), _finite(picture.accuracy)
    drawn = []
    if _values(loss):
        drawn.append(_loss_panel(f"{picture.title}: loss per epoch", loss))
    if _values(accuracy):
        drawn.append(_accuracy_panel(f"{picture.title}: accuracy per epoch", accuracy))
    return tuple(drawn)


def tabulate_curve(picture: LearningCurve) -> Table:
    """A row per epoch. With many epochs only some are shown, the last one always."""
    lines = {f"loss, {line.label}": dict(line.points) for line in picture.loss}
    lines |= {f"accuracy, {line.label}": dict(line.points) for line in picture.accuracy}
    epochs = sorted({x for line in lines.values() for x in line if math.isfinite(x)})
    rows = (
        (f"{x:g}", *(f"{line[x]:.4g}" if x in line else "" for line in lines.values()))
        for x in some(epochs)
    )
    return Table(picture.title, ("epoch", *lines), tuple(rows))


def draw_rates(rates: Series) -> tuple[str, ...]:
    """One `<svg>` of the learning rate by step; none without a finite value."""
    lines = _finite([rates])
    return (_rate_panel("Learning rate by step", lines),) if _values(lines) else ()


def tabulate_rates(rates: Series) -> Table:
    """The first and the last step, and some of those at which the rate changed."""
    points = [(x, y) for x, y in rates.points if math.isfinite(x)]
    ends = (0, len(points) - 1)
    turns = [
        point
        for index, point in enumerate(points)
        if index in ends or point[1] != points[index - 1][1]
    ]
    rows = tuple((f"{x:.12g}", f"{y:.4g}") for x, y in some(turns))
    return Table("Learning rate by step", ("step", "learning rate"), rows)


def some(items: Sequence[T], most: int = _TABLE_ROWS) -> list[T]:
    """At most `most` items, evenly spaced; the last one is always among them."""
    step = -(-len(items) // most) or 1
    return list(items[::-1][::step])[::-1]


def _finite(series: Iterable[Series]) -> Lines:
    return tuple(
        Series(
            line.label,
            tuple((x, y) for x, y in line.points if abs(x) <= _LARGEST and abs(y) <= _LARGEST),
        )
        for line in series
    )


def _values(lines: Lines) -> list[float]:
    return [y for line in lines for _, y in line.points]


def _loss_panel(title: str, lines: Lines) -> str:
    axes = _axes("loss", "epoch", most_ticks=8)
    _plot(axes, lines)
    values = _values(lines)
    if min(values) > 0 and max(values) / min(values) > 1000:
        axes.set_yscale("log")
        svg.plain_numbers(axes.yaxis)
    return _finished(axes, title, _legend(axes, lines, "upper right"))


def _accuracy_panel(title: str, lines: Lines) -> str:
    axes = _axes("accuracy", "epoch", most_ticks=8)
    _plot(axes, lines)
    axes.set_ylim(0, 1.02)
    svg.percentages(axes.yaxis)
    return _finished(axes, title, _legend(axes, lines, "lower right"))


def _rate_panel(title: str, lines: Lines) -> str:
    """A linear scale from zero, or a log scale where rates differ by more than a factor of ten."""
    axes = _axes("learning rate", "step", most_ticks=5)
    _plot(axes, lines, drawstyle="steps-post")
    lowest, highest = min(_values(lines)), max(_values(lines))
    if lowest > 0 and highest / lowest > 10:
        axes.set_yscale("log")
        axes.set_ylim(max(lowest, highest / _SPAN) / 1.5, highest * 1.5)
    elif lowest >= 0:
        axes.set_ylim(0, 1.1 * highest or 1)
    svg.plain_numbers(axes.yaxis)
    return _finished(axes, title, {})


def _axes(quantity: str, x: str, most_ticks: int) -> Axes:
    axes = svg.new_axes(330, 210, (0.15, 0.19, 0.79, 0.70))
    svg.whole_numbers(axes.xaxis, most_ticks)
    axes.set_xlabel(x, color=INK)
    axes.set_title(quantity, loc="left", color=INK, fontsize=11)
    axes.grid(color=INK, alpha=0.15, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _plot(axes: Axes, lines: Lines, drawstyle: str = "default") -> None:
    for index, line in enumerate(lines):
        colour, dashes, marker = _LINES[index % len(_LINES)]
        axes.plot(
            [x for x, _ in line.points],
            [y for _, y in line.points],
            color=colour,
            linestyle=dashes,
            linewidth=1.8,
            marker=marker if len(line.points) <= 30 else "",
            markersize=3.5,
            drawstyle=drawstyle,
        )


def _legend(
    axes: Axes, lines: Lines, place: Literal["upper right", "lower right"]
) -> dict[str, str]:
    """Draw placeholders as long as the labels; return the labels by the placeholders' ids."""
    legend = axes.legend(
        axes.lines,
        ["n" * len(line.label) for line in lines],
        loc=place,
        frameon=False,
        labelcolor=INK,
    )
    names = {f"name-{index}": line.label for index, line in enumerate(lines)}
    for text, gid in zip(legend.get_texts(), names, strict=True):
        text.set_gid(gid)
    return names


def _finished(axes: Axes, title: str, names: dict[str, str]) -> str:
    svg.ink(axes)
    return svg.to_svg(axes, title, names)
