"""Everything that a check of an instructor's own needs; docs/own-checks.md shows how it is used.

Nothing in the grader imports this: the files that a rubric names do.
"""

from grader.answer_key import AnswerKey, Exam
from grader.checks.base import Check, NoParams, Work, graded
from grader.checks.own_answers import answer, expected
from grader.packing import Network, Tensor
from grader.probe import Probe, probe
from grader.records import (
    ConfusionMatrix,
    Evidence,
    LearningCurve,
    Outcome,
    Question,
    Series,
    Table,
    Verdict,
)
from grader.rubric import Criterion, Limits, Model
from grader.testing.student import StudentError

tensor, network = Tensor, Network   # as an instructor's file reads best

__all__ = [
    "AnswerKey",
    "Check",
    "ConfusionMatrix",
    "Criterion",
    "Evidence",
    "Exam",
    "LearningCurve",
    "Limits",
    "Model",
    "NoParams",
    "Outcome",
    "Probe",
    "Question",
    "Series",
    "StudentError",
    "Table",
    "Verdict",
    "Work",
    "answer",
    "expected",
    "graded",
    "network",
    "probe",
    "tensor",
]
