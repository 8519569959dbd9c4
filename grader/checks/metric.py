"""Check `metric`: the host scores predictions with a function of the instructor's.

The student's function gets the training data and hidden inputs, and returns predictions. The hidden
targets stay on the host, which computes the metric: perplexity, IoU, mean squared error.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from grader import packing
from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, Work, graded, needs_marking, not_scored, without_answer
from grader.checks.custom.loader import function_in
from grader.checks.probe import probe
from grader.checks.retraining import SEEDS
from grader.errors import CheckError, DataError
from grader.packing import Tensor
from grader.records import Evidence, Question, Table, Verdict
from grader.rubric.base import rule
from grader.rubric.model import Criterion, Limits, Model


class Reached(Model):
    """The share of the points for a metric at `value` or better."""

    value: float
    share: float = Field(ge=0, le=1)


class AgainNear(Model):
    """Trains once more with other seeds where the metric misses a threshold by a little."""

    at_most: int = Field(2, ge=1, le=10, description="further trainings")
    within: float = Field(gt=0, description="distance from a threshold, in the metric's units")


class Params(Model):
    """The metric, where its predictions come from, and what it is worth."""

    metric: str = Field(min_length=1, description="name of the function in `file`")
    file: Path = Field(description=".py with metric(predictions, targets)")
    function: str = Field(
        min_length=1, description="the student's: (inputs, targets, hidden inputs) -> predictions"
    )
    direction: Literal["higher", "lower"] = Field(description="which values are better")
    tensors: bool = Field(True, description="give the function tensors; false: numpy arrays")
    thresholds: tuple[Reached, ...] = Field(min_length=1)
    again: AgainNear | None = Field(None, description="near a threshold")

    @model_validator(mode="after")
    def _from_the_best(self) -> Params:
        values = [self.sign * one.value for one in self.thresholds]
        shares = [one.share for one in self.thresholds]
        if values != sorted(set(values), reverse=True) or shares != sorted(
            set(shares), reverse=True
        ):
            raise rule("order them from the best value and share to the worst", "thresholds")
        return self

    @property
    def sign(self) -> int:
        """1 if higher values are better, -1 if lower ones are."""
        return 1 if self.direction == "higher" else -1


@dataclasses.dataclass(frozen=True)
class Scored:
    """One training and its value; None if the predictions could not be scored, with the reason.

    `broken` says how the instructor's function failed; `doubtful`, that it refused predictions of
    finite numbers, which may be its own mistake.
    """

    evidence: Evidence
    value: float | None
    why: str = ""
    broken: str = ""
    doubtful: bool = False


@probe
def predictions(student, function, hidden, tensors, seed):  # type: ignore[no-untyped-def]  # its text is sent
    return student.train_and_predict(function, hidden, tensors, seed)


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """One training and its predictions of the hidden inputs."""
    return (question(criterion, inputs, limits, _id(criterion, 0), 0),)


def question(
    criterion: Criterion, inputs: EvalInputs, limits: Limits, id: str, seed: int
) -> Question:
    """Train with a seed, and predict the hidden inputs.

    Args:
        criterion: With the check's parameters.
        inputs: The hidden inputs.
        limits: Limits of a question; the profile's seconds are added.
        id: The question's id.
        seed: For random, numpy and torch.

    Raises:
        DataError: The rubric has no data.
    """
    params = _params(criterion)
    if not len(inputs.hidden_images):
        raise DataError(
            f"the criterion '{criterion.id}' scores predictions, and the rubric has no data for "
            "that: give it 'profiles' with data and a budget"
        )
    hidden = inputs.hidden_images
    return predictions.question(
        id, inputs.profile.seconds + limits.seconds, function=params.function,
        hidden=Tensor(hidden) if params.tensors else hidden, tensors=params.tensors, seed=seed,
    )


def further(
    criterion: Criterion, work: Work, key: AnswerKey, limits: Limits
) -> tuple[Question, ...]:
    """The next training of a student who missed a threshold by a little; none is due otherwise."""
    rule, tried = _params(criterion).again, trainings(criterion, work, key)
    if rule is None or tried[0].value is None or len(tried) > rule.at_most:
        return ()
    if tried[-1].evidence.outcome.owner == "harness" and not tried[-1].evidence.outcome.answered:
        return ()
    if len(tried) > 1 and tried[-1].evidence.blobs == tried[-2].evidence.blobs:
        return ()   # the code sets its own seed
    best = _best(criterion, tried)
    near = _next(criterion, best.value)
    if near is None or abs(near.value - (best.value or 0.0)) > rule.within * (1 + 1e-9):
        return ()
    seeds = key.inputs.draw("trained again").permutation(SEEDS) + 1
    number = len(tried)
    seed = int(seeds[number - 1])
    return (question(criterion, key.inputs, limits, _id(criterion, number), seed),)


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """The share of the points that belongs to the best threshold reached.

    Near a threshold the best of several trainings counts.
    """
    params = _params(criterion)
    asked = (
        f"Your {params.function}() was given the training data and inputs that are in neither of "
        f"your data sets; the grader computed the {params.metric} of what it returned."
    )
    tried = trainings(criterion, work, key)
    if not tried[0].evidence.outcome.answered:
        return without_answer(criterion, tried[0].evidence.outcome, asked, hidden=True)
    last = tried[-1].evidence.outcome
    if last.owner == "harness" and not last.answered:
        problem = f"a further training near a threshold failed: {last.message}"
        return not_scored(criterion, problem, asked=asked)
    if tried[0].broken:
        return not_scored(criterion, tried[0].broken, asked=asked)
    if tried[0].doubtful:
        return needs_marking(criterion, tried[0].why, asked=asked)
    if tried[0].value is None:
        return graded(
            criterion, 0.0, tried[0].why, asked=asked,
            next_step="Return one prediction for each input, in the form that the homework asks.",
        )
    best = _best(criterion, tried)
    assert best.value is not None
    reached = next(
        (one for one in params.thresholds if _passes(params, best.value, one.value)), None
    )
    share = reached.share if reached else 0.0
    reason = f"{_name(params)} {best.value:.4g} on {len(key.hidden_labels):,} hidden examples."
    above = _next(criterion, best.value)
    if above is not None:
        better = "or more" if params.direction == "higher" else "or less"
        reason += f" The next threshold is {above.value:g} {better}."
    if len(tried) > 1:
        values = ", ".join("none" if one.value is None else f"{one.value:.4g}" for one in tried)
        reason += f" Near a threshold the grader trained again: {values}. The best one counts."
    seen = {"metric": params.metric, "value": best.value, "seconds": best.evidence.outcome.seconds}
    return graded(
        criterion, share, reason, asked=asked, seen=seen, tables=_table(params, tried, best)
    )


def trainings(criterion: Criterion, work: Work, key: AnswerKey) -> list[Scored]:
    """All trainings so far, in their order, each with its value."""
    found = []
    for number in range(SEEDS + 1):
        evidence = work.evidence.get(_id(criterion, number))
        if evidence is None:
            break
        found.append(score(criterion, evidence, key))
    return found


def score(criterion: Criterion, evidence: Evidence, key: AnswerKey) -> Scored:
    """Score the predictions of one training with the instructor's function."""
    params, targets = _params(criterion), key.hidden_labels
    if not evidence.outcome.answered:
        return Scored(evidence, None, evidence.outcome.message)
    found = packing.unpack(evidence.value, evidence.blobs)
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biuf":
        kind = type(found).__name__
        return Scored(evidence, None, f"{params.function}() returned a {kind}, not an array.")
    if not found.ndim or len(found) != len(targets):
        text = f"{params.function}() returned an array of shape {found.shape}; one prediction for "
        return Scored(evidence, None, f"{text}each of {len(targets):,} inputs was expected.")
    if not np.isfinite(found).all():
        return Scored(evidence, None, "The predictions have NaN or infinity in them.")
    if found.shape != targets.shape and squeezed(found) == squeezed(targets):
        found = found.reshape(targets.shape)   # (N, 1) for (N,) would be subtracted as (N, N)
    metric = function_in(params.file, params.metric)
    try:
        value = float(metric(found, targets.copy()))
    except ValueError as error:
        why = f"The predictions cannot be scored: {error}."
        return Scored(evidence, None, why, doubtful=True)
    except Exception as error:   # the instructor's code; it costs no student a mark
        broken = f"{params.metric}() of {params.file.name} raised {type(error).__name__}"
        return Scored(evidence, None, broken=broken)
    if not math.isfinite(value):
        why = f"The {params.metric} of the predictions is {value}."
        return Scored(evidence, None, why, doubtful=True)
    return Scored(evidence, value)


def squeezed(array: np.ndarray[Any, Any]) -> tuple[int, ...]:
    """Return the shape without axes of length 1."""
    return tuple(size for size in array.shape if size != 1)


def _id(criterion: Criterion, number: int) -> str:
    return f"metric/{criterion.id}" + (f"/again-{number}" if number else "")


def _params(criterion: Criterion) -> Params:
    params = criterion.params
    if not isinstance(params, Params):
        raise CheckError(f"the criterion '{criterion.id}' has no parameters of `metric`")
    return params


def _passes(params: Params, value: float, threshold: float) -> bool:
    return params.sign * value >= params.sign * threshold


def _best(criterion: Criterion, tried: Sequence[Scored]) -> Scored:
    sign = _params(criterion).sign
    return max(tried, key=lambda one: -math.inf if one.value is None else sign * one.value)


def _next(criterion: Criterion, value: float | None) -> Reached | None:
    """The threshold that is reached next; None if all are."""
    params = _params(criterion)
    if value is None:
        return None
    return next(
        (one for one in reversed(params.thresholds) if not _passes(params, value, one.value)), None
    )


def _name(params: Params) -> str:
    words = params.metric.replace("_", " ")
    return words if words.isupper() else words[0].upper() + words[1:]


def _table(params: Params, tried: Sequence[Scored], best: Scored) -> tuple[Table, ...]:
    if len(tried) < 2:
        return ()
    rows = tuple(
        (str(number), "none" if one.value is None else f"{one.value:.4g}",
         "counts" if one is best else "")
        for number, one in enumerate(tried, 1)
    )  # fmt: skip
    return (Table("Trainings near a threshold", ("training", params.metric, ""), rows),)


CHECK = Check("metric", Params, ask, judge, further=further)
