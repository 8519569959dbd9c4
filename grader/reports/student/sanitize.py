"""Makes texts, tables, plots and training runs safe to show, and limits their size.

A student's table or list may be of any size, and any of their texts may be an attack. Every text
goes through `grader.text` here.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from grader.records import (
    Caution,
    ConfusionMatrix,
    Figure,
    LearningCurve,
    Phase,
    PhaseStrip,
    Picture,
    Series,
    Table,
    TrainingRun,
)
from grader.text import plain, plain_line, plain_tail

ROWS, COLUMNS, ITEMS, CLASSES, LINES, POINTS = 200, 16, 50, 100, 8, 2000
MOST_PHASES, CAUTIONS, FACTS, FIGURES = 600, 20, 24, 6
FIGURE_SIZE = 400_000  # characters of base64: 300 kB of PNG; an ordinary plot has 30 kB

_GAP = re.compile(r"\n\s*\n")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_LARGEST_SIDE = 4096  # pixels
_LARGEST_COUNT = 10**12


def text(words: str) -> str:
    """Clean a text; paragraphs stay apart by one blank line."""
    return _GAP.sub("\n\n", plain(words)).strip()


def tail(output: Any) -> str:
    """The last lines of an output; "" for anything but a string."""
    return plain_tail(output) if isinstance(output, str) else ""


def table(given: Table) -> Table:
    """Clean a table. Every row becomes as long as the header."""
    columns = _cells(given.columns, min(len(given.columns), COLUMNS))
    rows = [_cells(row, len(columns)) for row in given.rows[:ROWS]]
    if len(given.rows) > ROWS:
        rows.append(_cells((f"… and {len(given.rows) - ROWS} more rows",), len(columns)))
    return Table(plain_line(given.title), columns, tuple(rows))


def picture(given: Picture) -> Picture:
    if isinstance(given, PhaseStrip):
        return PhaseStrip(plain_line(given.title, 200), phases(given.phases))
    return curve(given) if isinstance(given, LearningCurve) else _matrix(given)


def phases(given: Iterable[Phase]) -> tuple[Phase, ...]:
    return tuple(map(_phase, tuple(given)[:MOST_PHASES]))


def curve(given: LearningCurve) -> LearningCurve:
    title = plain_line(given.title, 200)
    return LearningCurve(title, _lines(given.loss), _lines(given.accuracy))


def training_run(given: TrainingRun) -> TrainingRun:
    """Clean a training run and apply the limits. Its last fact says what was left out."""
    figures = tuple(map(_figure, filter(_is_png, given.figures[: 4 * FIGURES])))[:FIGURES]
    kept = (("phases", min(MOST_PHASES, len(given.stretches)), len(given.stretches)),
            ("cautions", min(CAUTIONS, len(given.cautions)), len(given.cautions)),
            ("figures", len(figures), len(given.figures)))  # fmt: skip
    facts = [(plain_line(name, 60), plain_line(words, 300)) for name, words in given.facts[:FACTS]]
    if left_out := [f"{few} of {many} {name}" for name, few, many in kept if few < many]:
        facts.append(("Shown here", ", ".join(left_out)))
    return TrainingRun(
        facts=tuple(facts),
        stretches=phases(given.stretches),
        curve=curve(given.curve) if given.curve else None,
        rates=_line(given.rates) if given.rates else None,
        groups=table(given.groups) if given.groups else None,
        cautions=tuple(map(_caution, given.cautions[:CAUTIONS])),
        figures=figures,
        output=tail(given.output),
    )


def _cells(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return tuple(plain_line(str(cell), 200) for cell in (*cells, *[""] * width)[:width])


def _matrix(given: ConfusionMatrix) -> ConfusionMatrix:
    classes = tuple(plain_line(str(name), 40) for name in given.classes[:CLASSES])
    width = len(classes)
    counts = tuple(
        tuple(max(0, count) for count in (*row, *[0] * width)[:width])
        for row in (*given.counts, *[()] * width)[:width]
    )
    return ConfusionMatrix(plain_line(given.title, 200), classes, counts)


def _lines(series: Iterable[Series]) -> tuple[Series, ...]:
    return tuple(map(_line, tuple(series)[:LINES]))


def _line(given: Series) -> Series:
    """Clean a line and thin it evenly to `POINTS` points."""
    step = -(-len(given.points) // POINTS) or 1
    return Series(plain_line(given.label, 24), given.points[::step])


def _phase(given: Phase) -> Phase:
    return replace(
        given,
        batches=min(max(0, given.batches), _LARGEST_COUNT),
        images=min(max(0, given.images), _LARGEST_COUNT),
        place=plain_line(given.place, 120),
    )


def _caution(given: Caution) -> Caution:
    return Caution(plain_line(given.what), plain_line(given.where, 200), plain_line(given.why))


def _figure(given: Figure) -> Figure:
    return replace(given, title=plain_line(given.title, 120))


def _is_png(given: Figure) -> bool:
    """True for strict base64, which cannot end an attribute, of a PNG of the stated size."""
    sides = given.width, given.height
    if len(given.png) > FIGURE_SIZE or not all(0 < side <= _LARGEST_SIDE for side in sides):
        return False
    if not _BASE64.fullmatch(given.png):
        return False
    return base64.b64decode(given.png[:32]) == _PNG + struct.pack(">II", *sides)
