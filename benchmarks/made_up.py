"""A made-up class with plausible names, marks and mistakes, for pictures and for timing."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.timing import ROOT
from grader.checks.registry import parameter_models
from grader.grading.points import grade
from grader.records import Caution, Grade, Submission, TrainingRun, Verdict
from grader.rubric.load import load
from grader.rubric.model import Criterion, Rubric
from grader.submissions.student_names import student_key

FIRST = (
    "Aisha", "Alejandro", "Amara", "Anna", "Arjun", "Beatriz", "Chen", "Chiara", "Daniel", "Elif",
    "Emma", "Fatima", "Felix", "Gabriel", "Hana", "Ingrid", "Ivan", "Jin", "João", "Kofi", "Lara",
    "Leila", "Luca", "Mei", "Mateus", "Nadia", "Noah", "Olga", "Priya", "Rahul", "Sofía", "Søren",
    "Tomás", "Yuki", "Zeynep", "Zuzanna",
)  # fmt: skip
LAST = (
    "Adeyemi", "Andersson", "Bianchi", "Costa", "Demir", "Dubois", "Fernández", "Fischer",
    "Haddad", "Horvat", "Ibrahim", "Ivanova", "Johansen", "Kaya", "Kim", "Kowalska", "Kumar",
    "Lindqvist", "Mensah", "Moreau", "Nakamura", "Nguyen", "Novák", "Okafor", "Petrov", "Rossi",
    "Schneider", "Sharma", "Silva", "Tanaka", "Wang", "Zhang",
)  # fmt: skip
# Mistakes by criterion, each with the share of the points that it keeps; the likeliest come first.
MISTAKES: dict[str, Sequence[tuple[float, str]]] = {
    "layer-counts": (
        (0, "This was not found: a function layer_parameter_counts(model), or a dictionary from "
            "layer to number of parameters."),
        (0, "The counts are right for ResNet-18, but for another network of the same family the "
            "answer does not follow the network: the counts seem to be typed in."),
        (0.4, "ResNet-18 has 11,689,512 parameters in all; your counts add up to {n}."),
    ),
    "parameter-groups": (
        (0.6, "The batch norms of the shortcuts are missing from (i), 1,792 elements: downsample.1 "
              "is a batch norm, and 'bn' is not in its name."),
        (0.5, "The biases of the batch norms are among the biases (ii); they are affine parameters "
              "of batch norm and belong to (i)."),
        (0, "Tensors are counted instead of elements: {n} / 1 / 21 instead of 9,600 / 1,000 / "
            "11,678,912. Use parameter.numel()."),
        (0.8, "Group (i) is a generator that was used up by the time it was read: make a list of "
              "it."),
    ),
    "mode-switch": (
        (0.5, "The network is in train mode while it is evaluated at {who}_hw2.py, line {n}, in 10 "
              "of 10 evaluations: eval() is not called, so batch norm uses the batch's "
              "statistics."),
        (0.5, "The first epoch trains in train mode, and from the second on the network is still "
              "in eval mode: train() is called once before the epochs."),
    ),
    "optimizer-groups": (
        (0.5, "{n} of {n} parameters of (i) (batch-norm affine) are decayed and should not be. 1 "
              "of 1 parameters of (ii) (biases) are decayed and should not be."),
        (0, "No parameter is decayed: weight_decay is 0 in every group."),
    ),
}  # fmt: skip
CAUTIONS = (
    "The network is in train mode while it is evaluated.",
    "The training images come in the same order in every epoch.",
    "Gradients are not put to zero between steps.",
)


def rubric() -> Rubric:
    """Load the rubric of the shipped homework."""
    return load(ROOT / "rubric.yaml", parameter_models)


def made_up_class(count: int, seed: int = 0) -> list[Grade]:
    """Make `count` grades by the shipped rubric; the same seed gives the same class."""
    draw, homework = random.Random(seed), rubric()
    names = draw.sample([f"{one} {two}" for one in FIRST for two in LAST], count)
    return [_student(draw, homework, student_key(name)) for name in names]


def _student(draw: random.Random, homework: Rubric, key: str) -> Grade:
    skill = draw.betavariate(3, 1.3)
    seconds = round(math.exp(draw.gauss(3.1, 0.5)), 1)
    lost = draw.random()
    if lost < 0.03:   # the file does not load
        why = f"The code raised an exception while your file was being loaded: SyntaxError: " \
              f"expected ':' ({key.lower()}_hw2.py, line {draw.randint(3, 90)})."
        failed = [_verdict(one, 0, why, {"outcome": "exception"}) for one in homework.criteria]
        return grade(homework, _submission(key), failed, 0.7)
    verdicts = [_judged(draw, one, key, skill, seconds) for one in homework.criteria]
    if lost > 0.985:
        why = "This could not be graded, through no fault of yours: the container vanished."
        verdicts[-1] = Verdict(homework.criteria[-1].id, "not_scored", 0, why)
    remarks = (f"{key.lower()}_hw2.py:{draw.randint(5, 80)} reaches for C or the kernel",)
    submission = _submission(key, remarks if 0.03 < lost < 0.045 else ())
    return grade(homework, submission, verdicts, round(seconds * draw.uniform(1.2, 2), 1))


def _judged(
    draw: random.Random, criterion: Criterion, key: str, skill: float, seconds: float
) -> Verdict:
    if criterion.check == "written":
        return _written(draw, criterion, skill)
    if criterion.check == "accuracy":
        return _trained(draw, criterion, skill, seconds)
    mistakes = MISTAKES.get(criterion.id, ())
    if not mistakes or draw.random() < 0.25 + 0.7 * skill:
        return _verdict(criterion, 1, "All is right.")
    share, reason = mistakes[min(int(draw.expovariate(1.2)), len(mistakes) - 1)]
    text = reason.format(n=draw.randint(12, 62), who=key.lower())
    cautioned = criterion.check == "mode_switch" and draw.random() < 0.8
    run = TrainingRun((), (), cautions=(Caution(CAUTIONS[0], "", ""),)) if cautioned else None
    return _verdict(criterion, share, text, run=run)


def _written(draw: random.Random, criterion: Criterion, skill: float) -> Verdict:
    part = criterion.part.removeprefix("1")
    if draw.random() < 0.12:
        why = f"Not attempted: part {part} is blank. No answer was found in a text, Word, LaTeX " \
              "or Markdown file, in a notebook, or in comments and docstrings."
        return Verdict(criterion.id, "failed", 0, why, attempted=False)
    if draw.random() < 0.25:
        reason = f"{draw.randint(12, 120)} words, waiting to be marked by a person."
        return Verdict(criterion.id, "needs_marking", 0, reason)
    share = min(1.0, round(2 * skill + draw.uniform(0, 0.8)) / 2)
    return _verdict(criterion, share, "The point about the running statistics is missing.")


def _trained(
    draw: random.Random, criterion: Criterion, skill: float, seconds: float
) -> Verdict:
    if draw.random() < 0.04:
        return _verdict(criterion, 0, "The time limit was reached: no training step was taken "
                        "within 60 s.", {"outcome": "time_limit", "seconds": 60.1})
    accuracy = min(0.997, max(0.1, 0.72 + 0.27 * skill + draw.gauss(0, 0.03)))
    share = 1.0 if accuracy >= 0.9 else 0.7 if accuracy >= 0.8 else 0.4 if accuracy > 0.6 else 0
    reported = accuracy < 0.94 and draw.random() < 0.1
    reason = f"Top-1 accuracy {accuracy:.1%} on 300 hidden images."
    if share < 1:
        reason += f" The next threshold is {90 if share > 0.5 else 80} %."
    cautioned = draw.random() < 0.12
    run = TrainingRun((), (), cautions=(Caution(draw.choice(CAUTIONS[1:]), "", ""),))
    seen = {"hidden_accuracy": accuracy, "seconds": seconds, "disagrees": reported,
            "reported_accuracy": accuracy + 0.05, "validation_accuracy": accuracy - 0.01}
    return _verdict(criterion, share, reason, seen, run if cautioned else None)


def _verdict(
    criterion: Criterion, share: float, reason: str, seen: dict[str, Any] | None = None,
    run: TrainingRun | None = None,
) -> Verdict:
    status: Any = "passed" if share == 1 else "partial" if share else "failed"
    return Verdict(criterion.id, status, share, reason, seen=seen or {}, run=run)


def _submission(key: str, remarks: tuple[str, ...] = ()) -> Submission:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return Submission(key, Path(f"{key}.py"), Path(key), (f"{key}.py",), "0" * 64,
                      submitted_at=at, remarks=remarks)
