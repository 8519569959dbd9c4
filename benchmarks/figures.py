"""A figure of the table: median and range of what was measured, and the target."""

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
    """The extent of a measurement; smaller numbers are for trying it out.

    Attributes:
        pairs: Pairs of runs, or repetitions, for each figure.
        each: A tenth of the students in a medium class.
        many: Students in the large class.
    """

    pairs: int = 5
    each: int = 30
    many: int = 1000


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was measured.
        values: One number for each pair or repetition, in `unit`.
        unit: Unit; "" for a ratio.
        to_reach: Target for the median; None: there is none.
        above: The median must be greater than the target; otherwise at most the target.
        skipped: Why there are no values.
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
    """Divide each run by the bare run of its own pair. Raises ValueError if one has no partner."""
    return tuple(one / other for one, other in zip(ours, bare, strict=True))


def line(figure: Figure) -> str:
    """Return the figure as a row of the Markdown table under `HEAD`."""
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
    """Return versions and hardware in one line."""
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
    """Return three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
