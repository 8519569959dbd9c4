"""Repeats the training of a network that is just below a threshold; the best training counts.

Two trainings of the same code differ by chance, in the first weights and in the order of the
images. The profile's rule `again` says how near to a threshold a network must be and how often it
is trained again. All students of a run get the same further seeds, drawn from the run's seed, so
nobody can choose one. They are small numbers, which say little about the run's seed.

A further training can only raise a mark. One that fails because of the student's code is ignored.
One that the grader failed leaves the criterion `not_scored`, since it might have been better.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.early_stopping import without_rule
from grader.checks.scoring import hidden_accuracy, logits_of
from grader.checks.training_run import (
    PREDICT,
    TRAIN,
    ended_by_time,
    predict_question,
    train_question,
)
from grader.records import Evidence, Question, Table
from grader.rubric.model import Again, Limits, Threshold

SEEDS = 255
_ROUNDING = 1e-9   # 0.95 - 0.93 is a little more than 0.02


@dataclass(frozen=True)
class Attempt:
    """A training, its predictions, and its accuracy on the hidden images (None without one)."""

    training: Evidence
    predictions: Evidence
    accuracy: float | None

    @property
    def lost(self) -> Evidence | None:
        """The question that the harness failed to ask; None if there is none."""
        asked = (self.training, self.predictions)
        return next((one for one in asked if one.outcome.owner == "harness"
                     and not one.outcome.answered), None)


def again_questions(inputs: EvalInputs, limits: Limits, number: int) -> tuple[Question, Question]:
    """Another training and its predictions, in a session of their own with another seed.

    `number` counts from 1. A further training is never stopped early.
    """
    training, predict = without_rule(
        (train_question(inputs, limits), predict_question(inputs, limits))
    )
    session = f"{TRAIN}/again-{number}"
    seeds = inputs.draw("trained again").permutation(SEEDS) + 1
    args = {**training.args, "seed": int(seeds[number - 1])}
    return (
        dataclasses.replace(training, id=session, session=session, args=args),
        dataclasses.replace(predict, id=f"{session}/predict", session=session),
    )


def attempts(evidence: Mapping[str, Evidence], key: AnswerKey) -> list[Attempt]:
    """All trainings so far, in their order."""
    found = []
    names = [(TRAIN, PREDICT)]
    names += [(f"{TRAIN}/again-{n}", f"{TRAIN}/again-{n}/predict") for n in range(1, SEEDS + 1)]
    for training, predict in names:
        if training not in evidence or predict not in evidence:
            break
        pair = evidence[training], evidence[predict]
        found.append(Attempt(*pair, hidden_accuracy(pair[1], key)))
    return found


def another(evidence: Mapping[str, Evidence], key: AnswerKey) -> int | None:
    """The number of the further training to ask for now; None if none is due."""
    rule, tried = key.inputs.profile.again, attempts(evidence, key)
    if rule is None or not tried or tried[0].accuracy is None or len(tried) > rule.at_most:
        return None
    if ended_by_time(tried[0].training):
        return None   # it is not chance that it missed the threshold
    if tried[-1].lost is not None or came_out_the_same(tried, key):
        return None
    reached = max(one.accuracy for one in tried if one.accuracy is not None)
    return len(tried) if _is_near(reached, key.inputs.profile.thresholds, rule) else None


def best_of(tried: Sequence[Attempt]) -> Attempt:
    """The training that counts: the most accurate one, and the first of equals."""
    return max(tried, key=lambda one: -1.0 if one.accuracy is None else one.accuracy)


def came_out_the_same(tried: Sequence[Attempt], key: AnswerKey) -> bool:
    """True if the last two trainings predict alike: the code sets its own seed.

    Another training would give the same network again.
    """
    last = [logits_of(one.predictions, key) for one in tried[-2:] if one.accuracy is not None]
    if len(last) < 2:
        return False
    first, second = last
    assert not isinstance(first, str) and not isinstance(second, str)   # it has an accuracy
    return all(np.array_equal(a.argmax(1), b.argmax(1)) for a, b in zip(first, second, strict=True))


def explained(tried: Sequence[Attempt], key: AnswerKey) -> str:
    """Explains the further trainings to the student; "" if there were none."""
    rule = key.inputs.profile.again
    if len(tried) < 2 or rule is None:
        return ""
    near = next_above(tried[0].accuracy or 0.0, key.inputs.profile.thresholds)
    points = f"{100 * rule.within:.3g} percentage points"
    below = f"at most {points} below {near.accuracy:.1%}" if near else "near a threshold"
    text = f"The first training was {below}, which can be chance, so the grader trained again"
    if len({one.accuracy for one in tried}) == 1 and came_out_the_same(tried, key):
        return (
            f"{text} with another seed. The network came out the same, because your code sets its "
            "own seed."
        )
    reached = ", ".join(
        "none" if one.accuracy is None else f"{one.accuracy:.1%}" for one in tried
    )
    return f"{text} with other seeds: {reached}. The best one counts."


def table_of(tried: Sequence[Attempt]) -> tuple[Table, ...]:
    """A table with a row for each training; empty if there was only one."""
    if len(tried) < 2:
        return ()
    best = best_of(tried)
    rows = []
    for number, one in enumerate(tried, 1):
        ended = next(
            (it.outcome.kind for it in (one.training, one.predictions) if not it.outcome.answered),
            "its outputs cannot be used",
        )
        reached = ended.replace("_", " ") if one.accuracy is None else f"{one.accuracy:.1%}"
        rows.append((str(number), reached, "counts" if one is best else ""))
    return (Table("Trainings near a threshold", ("training", "accuracy on hidden images", ""),
                  tuple(rows)),)


def next_above(accuracy: float, thresholds: Sequence[Threshold]) -> Threshold | None:
    """The lowest threshold above an accuracy; None if all are reached."""
    return next((one for one in reversed(thresholds) if one.accuracy > accuracy), None)


def _is_near(accuracy: float, thresholds: Sequence[Threshold], rule: Again) -> bool:
    near = next_above(accuracy, thresholds)
    return near is not None and near.accuracy - accuracy <= rule.within + _ROUNDING
