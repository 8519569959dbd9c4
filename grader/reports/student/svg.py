"""What pictures are drawn on: matplotlib's figures, and their way into a page as inline SVG.

The only module that knows matplotlib, which is imported when the first picture is drawn: it is
slow, and most commands draw none. It never sees a name that comes from the data: it sets a
placeholder, which is replaced in the finished tree, so nothing is read as mathematics and no glyph
can be missing. Colours are placeholders too: `currentColor` and two CSS variables, so that a
picture follows the page into dark mode.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.axis import Axis

INK, PLOT_A, PLOT_B = "#010101", "#020202", "#030303"
CSS = {
    INK: "currentColor",
    PLOT_A: "var(--plot-a, #1d4ed8)",
    PLOT_B: "var(--plot-b, #b45309)",
}
_POINTS = "points"  # the id of the group of dots
_PIXELS = 72  # per inch, so that one point of matplotlib is one unit of the SVG


def new_axes(width: float, height: float, box: tuple[float, float, float, float]) -> Axes:
    """Axes in a figure of their own; `box` is left, bottom, width and height as fractions of it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / _PIXELS, height / _PIXELS), dpi=_PIXELS, frameon=False)
    return figure.add_axes(box)


def ink(axes: Axes) -> None:
    axes.patch.set_visible(False)
    axes.tick_params(which="both", color=INK, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(color=INK, alpha=0.5)


def whole_numbers(axis: Axis, most: int) -> None:
    """Ticks at no more than `most` whole numbers, written out: 39,000."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def percentages(axis: Axis) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def plain_numbers(axis: Axis) -> None:
    """0.001 and 1e-05 instead of powers and offsets, which are set as mathematics."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def add_cells(
    axes: Axes, places: Sequence[tuple[int, int]], colours: Sequence[tuple[str, float]]
) -> None:
    """A square at each (row, column), in a colour with an opacity."""
    from matplotlib.collections import PolyCollection

    squares = [[(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1)] for i, j in places]
    axes.add_collection(PolyCollection(squares, facecolors=list(colours), linewidths=0))


def add_points(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """A dot at each place; `svg` labels them in this order."""
    axes.scatter(
        [x for x, _ in points], [y for _, y in points], s=36, color=PLOT_A, alpha=0.6, linewidths=0,
        gid=_POINTS,
    )


def add_bars(
    axes: Axes, lefts: Sequence[float], width: float, layers: Sequence[tuple[Sequence[int], float]]
) -> None:
    """Bars from `lefts` on, one layer on the other, each of (heights, opacity)."""
    bottom = [0] * len(lefts)
    for heights, opacity in layers:
        axes.bar(
            lefts, heights, 0.92 * width, bottom, align="edge", color=(PLOT_A, opacity),
            edgecolor=PLOT_A, linewidth=1,
        )
        bottom = [one + more for one, more in zip(bottom, heights, strict=True)]


def svg(
    axes: Axes, title: str, names: dict[str, str], labels: Sequence[tuple[str, str]] = ()
) -> str:
    """Write the figure down; the same figure gives the same text. What is written in a group whose
    id is in `names` is replaced. The dots of `add_points` get `labels`: a class, and what a browser
    shows when one points at them."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = axes.figure
    assert isinstance(figure, Figure)  # `new_axes` makes no figures within figures
    written = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):
        FigureCanvasSVG(figure)  # becomes the figure's canvas
        figure.savefig(written, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(written.getvalue())
    _rename(root, names)
    _label(root, labels)
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


def _label(root: ElementTree.Element, labels: Sequence[tuple[str, str]]) -> None:
    for points in [group for group in root.iter() if group.get("id") == _POINTS]:
        dots = [one for one in points.iter() if one.tag.endswith("}use")]
        for dot, (kind, text) in zip(dots, labels, strict=True):
            dot.set("class", kind)
            ElementTree.SubElement(dot, "title").text = text


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
    return name, "inherit" if name == "font-family" else CSS.get(value, value)
