"""Pictures of a verdict as inline SVG, and the same as tables for where no picture can be.

matplotlib is imported when the first picture is drawn: it is slow, and most commands draw none.
It never sees a name that comes from the data: it sets a placeholder, which is replaced in the
finished tree, so nothing is read as mathematics and no glyph can be missing. Colours are
placeholders too: `currentColor` and two CSS variables, so that a picture follows the page into
dark mode.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from grader.records import ConfusionMatrix, LearningCurve, Series, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _RIGHT, _WRONG = "#010101", "#020202", "#030303"
_CSS = {
    _INK: "currentColor",
    _RIGHT: "var(--plot-a, #1d4ed8)",
    _WRONG: "var(--plot-b, #b45309)",
}
_LINES = ((_RIGHT, "-", "o"), (_WRONG, "--", "s"), (_INK, "-.", "^"), (_INK, ":", "v"))
_PIXELS = 72  # per inch, so that one point of matplotlib is one unit of the SVG
_LARGEST = 1e12  # beyond it a value is as good as infinite, and would only flatten the rest
_NAME = 14  # characters of a class name beside the matrix
_TABLE_ROWS = 12


def draw(picture: LearningCurve | ConfusionMatrix) -> tuple[str, ...]:
    """One `<svg>` per panel; a panel without a finite value is left out."""
    if isinstance(picture, ConfusionMatrix):
        return (_matrix(picture),) if picture.classes else ()
    panels = (("loss", _finite(picture.loss)), ("accuracy", _finite(picture.accuracy)))
    return tuple(
        _curve(f"{picture.title}: {quantity} per epoch", quantity, lines)
        for quantity, lines in panels
        if any(line.points for line in lines)
    )


def tabulate(picture: LearningCurve | ConfusionMatrix) -> Table:
    """The same in numbers."""
    if isinstance(picture, ConfusionMatrix):
        return _mistakes(picture)
    lines = {f"loss, {line.label}": dict(line.points) for line in picture.loss}
    lines |= {f"accuracy, {line.label}": dict(line.points) for line in picture.accuracy}
    epochs = sorted({x for line in lines.values() for x in line if math.isfinite(x)})
    step = -(-len(epochs) // _TABLE_ROWS) or 1
    rows = (
        (f"{x:g}", *(f"{line[x]:.4g}" if x in line else "" for line in lines.values()))
        for x in reversed(epochs[::-1][::step])  # the last epoch is always among them
    )
    return Table(picture.title, ("epoch", *lines), tuple(rows))


def _mistakes(picture: ConfusionMatrix) -> Table:
    rows = []
    for index, (name, counts) in enumerate(zip(picture.classes, picture.counts, strict=True)):
        wrong = [(count, j) for j, count in enumerate(counts) if j != index and count > 0]
        count, taken_for = max(wrong, key=lambda pair: pair[0], default=(0, index))
        mistake = f"{picture.classes[taken_for]} ({count})" if count else ""
        rows.append((name, str(sum(counts)), str(counts[index]), mistake))
    return Table(picture.title, ("class", "images", "right", "most often taken for"), tuple(rows))


def _finite(series: Iterable[Series]) -> tuple[Series, ...]:
    return tuple(
        Series(
            line.label,
            tuple((x, y) for x, y in line.points if abs(x) <= _LARGEST and abs(y) <= _LARGEST),
        )
        for line in series
    )


def _curve(title: str, quantity: str, lines: tuple[Series, ...]) -> str:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

    figure = _figure(330, 210)
    axes = figure.add_axes((0.15, 0.19, 0.82, 0.70))
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
        )
    values = [y for line in lines for _, y in line.points]
    if quantity == "accuracy":
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    elif min(values) > 0 and max(values) / min(values) > 1000:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.set_xlabel("epoch", color=_INK)
    axes.set_title(quantity, loc="left", color=_INK, fontsize=11)
    axes.grid(color=_INK, alpha=0.15, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    _ink(axes)
    legend = axes.legend(
        axes.lines,
        ["n" * len(line.label) for line in lines],
        loc="lower right" if quantity == "accuracy" else "upper right",
        frameon=False,
        labelcolor=_INK,
    )
    names = {f"name-{index}": line.label for index, line in enumerate(lines)}
    for text, gid in zip(legend.get_texts(), names, strict=True):
        text.set_gid(gid)
    return _svg(figure, title, names)


def _matrix(picture: ConfusionMatrix) -> str:
    from matplotlib.collections import PolyCollection

    size = len(picture.classes)
    labels = [name if len(name) <= _NAME else name[: _NAME - 1] + "…" for name in picture.classes]
    written = size <= 20  # more of them would lie on each other
    side = max(160, min(440, 30 * size))
    margin = 22 + (6.2 * max(map(len, labels)) if written else 0)
    figure = _figure(side + margin + 10, side + margin + 10)
    scale = side / (side + margin + 10)
    axes = figure.add_axes((1 - scale - 0.01, 1 - scale - 0.01, scale, scale))
    axes.set(xlim=(0, size), ylim=(size, 0))
    cells = [
        (i, j, count, 0.10 + 0.42 * math.sqrt(count / sum(row)))
        for i, row in enumerate(picture.counts)
        for j, count in enumerate(row)
        if count > 0
    ]
    axes.add_collection(
        PolyCollection(
            [[(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1)] for i, j, _, _ in cells],
            facecolors=[(_RIGHT if i == j else _WRONG, shade) for i, j, _, shade in cells],
            linewidths=0,
        )
    )
    for i, j, count, _ in cells if written else ():
        axes.text(j + 0.5, i + 0.5, str(count), ha="center", va="center", color=_INK)
    axes.set_xlabel("called", color=_INK)
    axes.set_ylabel("true class", color=_INK)
    centres = [index + 0.5 for index in range(size)] if written else []
    axes.set_xticks(centres, ["n" for _ in centres], rotation=90, rotation_mode="anchor")
    axes.set_yticks(centres, ["n" for _ in centres])
    names = {}
    for axis, texts in (("x", axes.get_xticklabels()), ("y", axes.get_yticklabels())):
        for index, text in enumerate(texts):
            text.set(gid=f"name-{axis}{index}", ha="right", va="center")
            names[f"name-{axis}{index}"] = labels[index]
    axes.xaxis.labelpad = axes.yaxis.labelpad = max(4, margin - 34)
    _ink(axes)
    axes.tick_params(length=0)
    return _svg(figure, f"{picture.title}: rows are what it is, columns what it was called", names)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width / _PIXELS, height / _PIXELS), dpi=_PIXELS, frameon=False)


def _ink(axes: Axes) -> None:
    axes.patch.set_visible(False)
    axes.tick_params(which="both", color=_INK, labelcolor=_INK)
    for spine in axes.spines.values():
        spine.set(color=_INK, alpha=0.5)


def _svg(figure: Figure, title: str, names: dict[str, str]) -> str:
    """Write the figure down; the same figure gives the same text."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    written = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        FigureCanvasSVG(figure)  # becomes the figure's canvas
        figure.savefig(written, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(written.getvalue())
    _rename(root, names)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    for element in root.iter():
        _make_inline(element)
    for size in ("width", "height"):
        del root.attrib[size]
    root.attrib |= {"role": "img", "aria-label": title}
    return ElementTree.tostring(root, encoding="unicode")


def _rename(root: ElementTree.Element, names: dict[str, str]) -> None:
    for group in root.iter():
        if (name := names.get(group.get("id", ""))) is not None:
            for text in group.iter():
                if text.tag.endswith("}text"):
                    text.text = name


def _make_inline(element: ElementTree.Element) -> None:
    """HTML needs no namespaces, and of all ids only those that are hashes of what they name.

    Each property of a style becomes an attribute: the page's policy forbids styles in its elements.
    """
    element.tag = element.tag.rpartition("}")[2]
    attributes: dict[str, str] = {}
    for name, value in element.attrib.items():
        key = name.rpartition("}")[2]
        if key == "style":
            attributes |= dict(map(_property, value.split("; ")))
        elif key != "id" or element.tag != "g":
            attributes[key] = value
    element.attrib.clear()
    element.attrib |= attributes


def _property(style: str) -> tuple[str, str]:
    """A property and its value, with the page's own colours and font."""
    name, _, value = style.partition(": ")
    if name == "font":  # its size, and the fonts that matplotlib would like
        return "font-size", value.split()[0]
    return name, "inherit" if name == "font-family" else _CSS.get(value, value)
