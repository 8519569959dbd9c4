"""Everything that a check of an instructor's own needs; docs/own-checks.md shows how it is used.

Nothing in the grader imports this: the files that a rubric names do.
"""

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, NoParams, Work, graded
from grader.checks.custom.answers import answer, expected
from grader.checks.probe import Probe, probe
from grader.checks.pytest_runner.student import StudentError
from grader.packing import Network, Tensor
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
from grader.rubric.model import Criterion, Limits, Model

tensor, network = Tensor, Network   # as an instructor's file reads best

__all__ = [
    "AnswerKey",
    "Check",
    "ConfusionMatrix",
    "Criterion",
    "EvalInputs",
    "Evidence",
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
