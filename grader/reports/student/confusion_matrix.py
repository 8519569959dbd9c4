"""Draws a confusion matrix, and lists its most frequent mistakes in a table."""

from __future__ import annotations

import math

from grader.records import ConfusionMatrix, Table
from grader.reports.student import svg
from grader.reports.student.svg import INK, PLOT_A, PLOT_B

_NAME = 14  # characters of a class name beside the matrix


def draw_matrix(picture: ConfusionMatrix) -> tuple[str, ...]:
    """One `<svg>`; none for a matrix without classes."""
    size = len(picture.classes)
    if not size:
        return ()
    labels = [name if len(name) <= _NAME else name[: _NAME - 1] + "…" for name in picture.classes]
    written = size <= 20  # more labels would overlap
    side = max(160, min(440, 30 * size))
    margin = 22 + (6.2 * max(map(len, labels)) if written else 0)
    whole = side + margin + 10
    scale = side / whole
    axes = svg.new_axes(whole, whole, (1 - scale - 0.01, 1 - scale - 0.01, scale, scale))
    axes.set(xlim=(0, size), ylim=(size, 0))
    cells = [
        (i, j, count, 0.10 + 0.42 * math.sqrt(count / sum(row)))
        for i, row in enumerate(picture.counts)
        for j, count in enumerate(row)
        if count > 0
    ]
    svg.add_cells(
        axes,
        [(i, j) for i, j, _, _ in cells],
        [(PLOT_A if i == j else PLOT_B, shade) for i, j, _, shade in cells],
    )
    for i, j, count, _ in cells if written else ():
        axes.text(j + 0.5, i + 0.5, str(count), ha="center", va="center", color=INK)
    axes.set_xlabel("predicted class", color=INK)
    axes.set_ylabel("true class", color=INK)
    centres = [index + 0.5 for index in range(size)] if written else []
    axes.set_xticks(centres, ["n" for _ in centres], rotation=90, rotation_mode="anchor")
    axes.set_yticks(centres, ["n" for _ in centres])
    names = {}
    for axis, texts in (("x", axes.get_xticklabels()), ("y", axes.get_yticklabels())):
        for index, text in enumerate(texts):
            text.set(gid=f"name-{axis}{index}", ha="right", va="center")
            names[f"name-{axis}{index}"] = labels[index]
    axes.xaxis.labelpad = axes.yaxis.labelpad = max(4, margin - 34)
    svg.ink(axes)
    axes.tick_params(length=0)
    title = f"{picture.title}: rows are true classes, columns are predicted classes"
    return (svg.to_svg(axes, title, names),)


def tabulate_matrix(picture: ConfusionMatrix) -> Table:
    """A row per class: its images, the correct predictions and the most frequent mistake."""
    rows = []
    for index, (name, counts) in enumerate(zip(picture.classes, picture.counts, strict=True)):
        wrong = [(count, j) for j, count in enumerate(counts) if j != index and count > 0]
        count, mistaken_for = max(wrong, key=lambda pair: pair[0], default=(0, index))
        mistake = f"{picture.classes[mistaken_for]} ({count})" if count else ""
        rows.append((name, str(sum(counts)), str(counts[index]), mistake))
    columns = ("class", "images", "correct", "most often mistaken for")
    return Table(picture.title, columns, tuple(rows))
