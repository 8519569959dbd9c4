"""Draws the plots of a verdict, or turns them into tables where no plot can be shown."""

from __future__ import annotations

from grader.records import ConfusionMatrix, LearningCurve, Table
from grader.reports.student.confusion_matrix import draw_matrix, tabulate_matrix
from grader.reports.student.learning_curves import draw_curve, tabulate_curve


def draw(picture: LearningCurve | ConfusionMatrix) -> tuple[str, ...]:
    """One `<svg>` per panel. Panels without a finite value are left out."""
    if isinstance(picture, ConfusionMatrix):
        return draw_matrix(picture)
    return draw_curve(picture)


def tabulate(picture: LearningCurve | ConfusionMatrix) -> Table:
    """The numbers of a plot."""
    if isinstance(picture, ConfusionMatrix):
        return tabulate_matrix(picture)
    return tabulate_curve(picture)
