"""A figure of the table: what was measured, as median and range, beside what it should reach."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

HEAD = "| figure | measured: median (range) | to reach | met |\n|---|---|---|---|"
Unit = Literal["", "s", "ms"]   # a ratio has no unit


@dataclass(frozen=True)
class Sizes:
    """How much is measured: smaller numbers are for trying it out, and stand in the table.

    `pairs` of runs or repetitions, students who hand in the same file (`each`), and the size of the
    large class (`many`).
    """

    pairs: int = 5
    each: int = 30
    many: int = 1000


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    `values` has one number per pair or repetition, in `unit`. The figure is met when their median
    is at most `to_reach`, or, with `above`, when it is more than that; without `to_reach` it is
    there to be compared. `skipped` says why there are no values.
    """

    name: str
    values: tuple[float, ...] = ()
    unit: Unit = ""
    to_reach: float | None = None
    above: bool = False
    skipped: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        assert self.to_reach is not None
        return self.median > self.to_reach if self.above else self.median <= self.to_reach


def ratios(ours: Sequence[float], bare: Sequence[float]) -> tuple[float, ...]:
    """Each run over the bare run of its own pair. Raises ValueError when one has no partner."""
    return tuple(one / other for one, other in zip(ours, bare, strict=True))


def line(figure: Figure) -> str:
    """The figure as a row of the Markdown table under `HEAD`."""
    if not figure.values:
        measured, met = f"not measured: {figure.skipped}", ""
    else:
        unit = f" {figure.unit}" if figure.unit else ""
        low, high = min(figure.values), max(figure.values)
        spread = f" ({_number(low)} to {_number(high)})" if len(figure.values) > 1 else ""
        measured = f"{_number(figure.median)}{unit}{spread}"
        met = "" if figure.to_reach is None else "yes" if figure.met else "**no**"
    return f"| {figure.name} | {measured} | {_goal(figure)} | {met} |"


def versions() -> str:
    """What the figures were measured with, in a line."""
    named = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "torchvision"))
    return (
        f"Python {platform.python_version()}, {named}, {os.cpu_count()} cores, "
        f"{platform.system()} on {platform.machine()}"
    )


def _goal(figure: Figure) -> str:
    if figure.to_reach is None:
        return ""
    unit = f" {figure.unit}" if figure.unit else ""
    return f"{'>' if figure.above else '≤'} {_number(figure.to_reach)}{unit}"


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
