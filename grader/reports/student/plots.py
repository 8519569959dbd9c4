"""Draws the plots of a verdict, or turns them into tables where no plot can be shown."""

from __future__ import annotations

from grader.records import ConfusionMatrix, PhaseStrip, Picture, Table
from grader.reports.student.confusion_matrix import draw_matrix, tabulate_matrix
from grader.reports.student.learning_curves import draw_curve, tabulate_curve
from grader.reports.student.mode_strips import draw_strip
from grader.reports.student.training_run import tabulate_stretches


def draw(picture: Picture) -> tuple[str, ...]:
    """One `<svg>` per panel. Panels without a finite value are left out."""
    if isinstance(picture, PhaseStrip):
        return draw_strip(picture.phases)
    if isinstance(picture, ConfusionMatrix):
        return draw_matrix(picture)
    return draw_curve(picture)


def tabulate(picture: Picture) -> Table:
    """The numbers of a plot."""
    if isinstance(picture, PhaseStrip):
        return tabulate_stretches(picture.phases)
    if isinstance(picture, ConfusionMatrix):
        return tabulate_matrix(picture)
    return tabulate_curve(picture)
