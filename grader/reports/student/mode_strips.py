"""Draws the modes of a training as a strip: a cell per phase, in order, in one of two rows.

Colour and pattern show the mode; a frame and a cross mark a wrong one. The strip is only
rectangles, so it needs no matplotlib. Its colours are those of the page, as in `svg`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from grader.records import Phase
from grader.reports.student.svg import CSS, INK, PLOT_A, PLOT_B
from grader.reports.student.training_run import PHASES

Mode = Literal["train", "eval", "mixed"]

_PER_PANEL = 25
_LEFT, _CELL, _WIDE, _HEIGHT = 54, 11, 22, 16  # units, of which a panel is 338 wide
_FEW = 12  # phases that get wide cells
_ROWS = {"train": 12, "evaluate": 32}  # the top of each row
_CROSSES = {"train": 2, "evaluate": 51}
_NUMBERS = 70
_A, _B, _INK = CSS[PLOT_A], CSS[PLOT_B], CSS[INK]


def draw_strip(phases: Sequence[Phase]) -> tuple[str, ...]:
    """One `<svg>` for every 25 phases."""
    return tuple(
        _panel(phases[start : start + _PER_PANEL], start + 1)
        for start in range(0, len(phases), _PER_PANEL)
    )


def draw_legend() -> tuple[tuple[str, str], ...]:
    """Pairs of a small `<svg>` of a cell and its meaning."""
    entries: tuple[tuple[Mode, bool, str], ...] = (
        ("train", True, "in train mode"),
        ("eval", True, "in eval mode"),
        ("mixed", True, "mixed: some layers in train mode, others in eval mode"),
        ("train", False, "frame and cross: wrong mode"),
    )
    drawn = []
    for mode, right, words in entries:
        root = Element("svg", {"viewBox": "0 0 24 28", "aria-hidden": "true"})
        _add_cell(root, 1, 11, _WIDE, mode)
        if not right:
            _add_mark(root, 1, 11, _WIDE, cross=1)
        drawn.append((ElementTree.tostring(root, encoding="unicode"), words))
    return tuple(drawn)


def _panel(phases: Sequence[Phase], first: int) -> str:
    width = _WIDE if first == 1 and len(phases) <= _FEW else _CELL
    last = first + len(phases) - 1
    label = f"Modes of phases {first} to {last}: {_label(phases, first)}"
    root = Element("svg", {"viewBox": "0 0 338 74", "role": "img", "aria-label": label})
    for kind, top in _ROWS.items():
        _add_text(root, 0, top + 11, PHASES[kind], "start")
        _add(root, "rect", x=_LEFT, y=top, width=width * len(phases), height=_HEIGHT,
             fill=_INK, fill_opacity=0.07)  # fmt: skip
    for number, phase in enumerate(phases, first):
        left, top = _LEFT + (number - first) * width, _ROWS[phase.kind]
        _add_cell(root, left, top, width, phase.mode)
        if not phase.right:
            _add_mark(root, left, top, width, _CROSSES[phase.kind])
        if number == first or number % 5 == 0:
            _add_text(root, left + width / 2, _NUMBERS, str(number), "middle")
    return ElementTree.tostring(root, encoding="unicode")


def _label(phases: Sequence[Phase], first: int) -> str:
    wrong = [
        f"phase {number} ({PHASES[one.kind]} in {one.mode} mode)"
        for number, one in enumerate(phases, first)
        if not one.right
    ]
    return f"wrong in {'; '.join(wrong)}" if wrong else "all correct"


def _add_cell(root: Element, left: float, top: float, width: float, mode: Mode) -> None:
    """Train mode is filled, eval mode is hatched, and mixed modes are half of each."""
    x, y, w, h = left + 0.75, top, width - 1.5, _HEIGHT
    if mode == "train":
        _add(root, "rect", x=x, y=y, width=w, height=h, fill=_A, fill_opacity=0.85)
        return
    _add(root, "rect", x=x, y=y, width=w, height=h, fill=_B, fill_opacity=0.22)
    _add(root, "path", d=_hatching(x, y, w, h), fill="none", stroke=_B, stroke_width=1.3)
    if mode == "mixed":
        half = f"M{x:g} {y:g}V{y + h:g}H{x + w:g}Z"
        _add(root, "path", d=half, fill=_A, fill_opacity=0.85)


def _hatching(x: float, y: float, w: float, h: float) -> str:
    """Lines from the lower left to the upper right, cut off at the sides."""
    lines = []
    for reach in range(3, int(w + h), 4):
        low, high = min(reach, h), min(reach, w)
        lines.append(f"M{x + reach - low:g} {y + low:g}L{x + high:g} {y + reach - high:g}")
    return "".join(lines)


def _add_mark(root: Element, left: float, top: float, width: float, cross: float) -> None:
    """Add a frame around the cell and a cross outside its row; the cross begins at y = `cross`."""
    x, w, h = left + 0.75, width - 1.5, _HEIGHT
    frame = f"M{x:g} {top:g}h{w:g}v{h:g}h{-w:g}Z"
    corner = left + width / 2 - 3
    strokes = f"M{corner:g} {cross:g}l6 6M{corner:g} {cross + 6:g}l6 -6"
    _add(root, "path", d=frame + strokes, fill="none", stroke=_INK, stroke_width=1.7)


def _add_text(root: Element, x: float, y: float, words: str, anchor: str) -> None:
    _add(root, "text", x=x, y=y, fill=_INK, font_size=9, text_anchor=anchor).text = words


def _add(root: Element, tag: str, **attributes: str | float) -> Element:
    written = {
        name.replace("_", "-"): value if isinstance(value, str) else f"{value:g}"
        for name, value in attributes.items()
    }
    return SubElement(root, tag, written)
