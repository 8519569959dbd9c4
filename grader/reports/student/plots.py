"""Pictures of a verdict as inline SVG, and the same as tables for where no picture can be."""

from __future__ import annotations

from grader.records import ConfusionMatrix, LearningCurve, Table
from grader.reports.student.confusion_matrix import draw_matrix, tabulate_matrix
from grader.reports.student.learning_curves import draw_curve, tabulate_curve


def draw(picture: LearningCurve | ConfusionMatrix) -> tuple[str, ...]:
    """One `<svg>` per panel; a panel without a finite value is left out."""
    if isinstance(picture, ConfusionMatrix):
        return draw_matrix(picture)
    return draw_curve(picture)


def tabulate(picture: LearningCurve | ConfusionMatrix) -> Table:
    """The same in numbers."""
    if isinstance(picture, ConfusionMatrix):
        return tabulate_matrix(picture)
    return tabulate_curve(picture)
