"""Draws with matplotlib and converts figures to inline SVG. No other module imports matplotlib.

The import happens with the first plot, since it is slow and most commands draw none. Names from the
data never reach matplotlib: it sets a placeholder, which is replaced in the finished tree. So no
name is read as mathematics, and no glyph can be missing. Colours are placeholders too. They become
`currentColor` and two CSS variables, so plots follow the page into dark mode.
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
_PIXELS = 72  # per inch: one point of matplotlib is one unit of the SVG


def new_axes(width: float, height: float, box: tuple[float, float, float, float]) -> Axes:
    """Axes in a new figure, in points. `box`: left, bottom, width and height as fractions of it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / _PIXELS, height / _PIXELS), dpi=_PIXELS, frameon=False)
    return figure.add_axes(box)


def ink(axes: Axes) -> None:
    """Draw ticks, labels and spines in the colour of the page's text."""
    axes.patch.set_visible(False)
    axes.tick_params(which="both", color=INK, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(color=INK, alpha=0.5)


def whole_numbers(axis: Axis, most: int) -> None:
    """Set ticks at no more than `most` whole numbers, written as 39,000."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def percentages(axis: Axis) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1, decimals=0))


def plain_numbers(axis: Axis) -> None:
    """Write ticks as 0.001 and 1e-05. Powers and offsets would be set as mathematics."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def add_cells(
    axes: Axes, places: Sequence[tuple[int, int]], colours: Sequence[tuple[str, float]]
) -> None:
    """Add a square at each (row, column); each colour comes with an opacity."""
    from matplotlib.collections import PolyCollection

    squares = [[(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1)] for i, j in places]
    axes.add_collection(PolyCollection(squares, facecolors=list(colours), linewidths=0))


def add_points(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Add a dot at each point; `to_svg` labels them in this order."""
    axes.scatter(
        [x for x, _ in points], [y for _, y in points], s=36, color=PLOT_A, alpha=0.6, linewidths=0,
        gid=_POINTS,
    )


def add_bars(
    axes: Axes, lefts: Sequence[float], width: float, layers: Sequence[tuple[Sequence[int], float]]
) -> None:
    """Add stacked bars that begin at `lefts`. Each layer is a pair of heights and opacity."""
    bottom = [0] * len(lefts)
    for heights, opacity in layers:
        edges = [1 if height else 0 for height in heights]   # no line where a bar is empty
        axes.bar(
            lefts, heights, 0.92 * width, bottom, align="edge", color=(PLOT_A, opacity),
            edgecolor=PLOT_A, linewidth=edges,
        )
        bottom = [one + more for one, more in zip(bottom, heights, strict=True)]


def to_svg(
    axes: Axes, title: str, names: dict[str, str], labels: Sequence[tuple[str, str]] = ()
) -> str:
    """Convert the figure to an `<svg>`. The same figure always gives the same text.

    Args:
        title: the label that screen readers read.
        names: texts by the ids of the groups whose placeholders they replace.
        labels: for each dot of `add_points` its CSS class and its tooltip.
    """
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
    """Remove namespaces and the ids of groups, and turn styles into attributes.

    The page's policy forbids styles in elements. The other ids are hashes, which `use` refers to.
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
    """Split a CSS property into name and value, with the page's colours and font."""
    name, _, value = style.partition(": ")
    if name == "font":  # matplotlib's value: the size, then its own fonts
        return "font-size", value.split()[0]
    return name, "inherit" if name == "font-family" else CSS.get(value, value)
