"""The interface for an instructor's own checks: all that such a file needs to import.

    from grader.checks.custom.api import Check, Model, answer, graded, probe

A check asks with `@probe` functions, which run in the container beside the student's code, and
judges on the host with `answer`, `expected` and `graded`. docs/own-checks.md has worked examples.
Only the files that a rubric names import this module.
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

tensor, network = Tensor, Network   # lower case, since instructors call them like functions

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
