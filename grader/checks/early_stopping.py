"""When a training may be ended early: as soon as its network is sure to have passed.

Between epochs a network predicts a part of the hidden images, and the host scores it. It is sure
when as many right answers would be that rare for a network that is just below the threshold: the
exact one-sided binomial test, whose turned-round form is the lower bound of C. J. Clopper and E. S.
Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
Biometrika 26 (1934), 404-413.

The labels stay here. A stop is a promise of the host's that saves time, and no mark: the network is
scored on all hidden images as ever, and where that is not full credit its training is asked again
in full.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from grader.checks.answer_key import AnswerKey, Images
from grader.records import Evidence, Question, StopRule
from grader.rubric.model import Profile

SURE = "sure"   # in place of the budget that ended a training
LOOK = "look"   # in a question's args: the session may ask for parts


def stop_rule(profile: Profile, hidden: int) -> StopRule | None:
    """The profile's rule for so many hidden images; None where it has none, or where a part is so
    small that not even a network that errs nowhere would be sure: looking would only cost time."""
    if profile.stop_early is None:
        return None
    rule = StopRule(
        profile.thresholds[0].accuracy, profile.stop_early.parts, profile.stop_early.risk
    )
    smallest = hidden // rule.parts
    return rule if is_sure(smallest, smallest, rule.threshold, rule.risk_per_look) else None


def is_sure(correct: int, total: int, threshold: float, risk: float) -> bool:
    """Whether a network with an accuracy of `threshold`, or below, gives `correct` right answers
    of `total` or more with a chance of at most `risk`.

    The same as that Clopper and Pearson's lower bound of the accuracy, at a confidence of
    1 - `risk`, is at the threshold or above it.
    """
    return total > 0 and at_least(correct, total, threshold) <= risk


def at_least(correct: int, total: int, accuracy: float) -> float:
    """P(X >= correct) for a binomial X of `total` draws with a chance of `accuracy` each."""
    if correct <= 0 or accuracy >= 1:
        return 1.0
    if correct > total or accuracy <= 0:
        return 0.0
    of_one, of_none = math.log(accuracy), math.log1p(-accuracy)
    logs = (
        math.lgamma(total + 1) - math.lgamma(right + 1) - math.lgamma(total - right + 1)
        + right * of_one + (total - right) * of_none
        for right in range(correct, total + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))


def without_rule(questions: Iterable[Question]) -> tuple[Question, ...]:
    """The same questions, to be answered in full."""
    return tuple(
        dataclasses.replace(
            one,
            args={name: value for name, value in one.args.items() if name != LOOK},
            stopping=None,
        )
        for one in questions
    )


def explained(training: Evidence, epochs: float | None) -> str:
    """Why a training was ended, as a sentence for the student."""
    rule = training.question.stopping
    after = "" if epochs is None else f" after {epochs:.3g} epochs"
    by = "" if rule is None else (
        f": by a part of the hidden images it was at {rule.threshold:.0%} or above, and a network "
        f"below that is stopped so with a chance of at most {rule.risk:.2g}"
    )
    return f"The training was stopped{after}, when your network was sure of full credit{by}."


class HiddenParts:
    """The examiner of one run: hands out parts of the hidden images, and scores what comes back.

    The parts are pieces of the order in which the run asks the hidden images, which its seed has
    shuffled. No submission gets one twice, however often its training has to be asked.
    """

    def __init__(self, key: AnswerKey) -> None:
        self._key = key
        self._given: Counter[tuple[str, str]] = Counter()

    def part(self, student: str, question: Question, correct: int, seen: int) -> Images | None:
        """Images to predict, uint8 (N, H, W, 3); None: not now, or never again.

        `correct` of `seen` is the accuracy that the script's own evaluation was seen to reach. A
        part is precious: it is given to a network that would pass with as much.
        """
        rule, number = question.stopping, self._given[student, question.id]
        if rule is None or number >= rule.parts or not 0 <= correct <= seen or not seen:
            return None
        where = self._where(rule, number)
        likely = math.floor(len(where) * correct / seen)
        if not is_sure(likely, len(where), rule.threshold, rule.risk_per_look):
            return None
        self._given[student, question.id] += 1
        return self._key.inputs.hidden_images[where]

    def is_sure(self, student: str, question: Question, logits: NDArray[np.float32]) -> bool:
        """Whether the network has passed, by its logits (N, C) for the part that it got last."""
        rule, number = question.stopping, self._given[student, question.id] - 1
        if rule is None or number < 0 or not np.isfinite(logits).all():
            return False
        labels = self._key.hidden_labels[self._where(rule, number)]
        correct = int((logits.argmax(1) == labels).sum())
        return is_sure(correct, len(labels), rule.threshold, rule.risk_per_look)

    def _where(self, rule: StopRule, number: int) -> NDArray[np.intp]:
        return np.array_split(np.arange(len(self._key.hidden_labels)), rule.parts)[number]


def stopped_for_sure(training: Evidence | None) -> bool:
    """Whether the host ended this training."""
    return (
        training is not None and training.outcome.answered and training.value["stopped"] == SURE
    )
