"""Ends a training early once its network is sure to have reached full credit.

Between epochs the network predicts a part of the hidden images, and the host scores it. The network
is sure to have passed when so many right answers would be rare for a network that is just below
the threshold, by the exact one-sided binomial test. That equals the lower bound of C. J. Clopper
and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934), 404-413.

Stopping saves time and gives no marks. The labels stay on the host, the final network is scored on
all hidden images, and if it does not get full credit then, the training is repeated in full.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader.checks.answer_key import AnswerKey, Images
from grader.records import Evidence, Question, StopRule
from grader.rubric.model import Profile

SURE = "sure"   # reported as the reason of the end, in place of a budget
MAY_STOP = "look"   # key in a question's args: the session may ask for parts


def stop_rule(profile: Profile, hidden: int) -> StopRule | None:
    """The profile's rule for stopping early, for a number of hidden images.

    None if the profile has no rule, or if a part is so small that even a network without a mistake
    could not be sure.
    """
    if profile.stop_early is None:
        return None
    rule = StopRule(
        profile.thresholds[0].accuracy, profile.stop_early.parts, profile.stop_early.risk
    )
    smallest = hidden // rule.parts
    return rule if is_sure(smallest, smallest, rule.threshold, rule.risk_per_look) else None


def is_sure(correct: int, total: int, threshold: float, risk: float) -> bool:
    """True if `correct` right answers of `total` show an accuracy above `threshold`.

    A network at the threshold or below it would get as many right with a probability of at most
    `risk`. Equivalently, Clopper and Pearson's lower bound of the accuracy, at a confidence of
    1 - `risk`, is at the threshold or above.
    """
    return total > 0 and correct >= _fewest(total, threshold, risk)


@lru_cache(64)   # a training may ask thousands of times
def _fewest(total: int, threshold: float, risk: float) -> int:
    """The fewest right answers of `total` that are sure; `total + 1` if all of them are too few."""
    return bisect.bisect_left(
        range(total + 1), True, key=lambda correct: at_least(correct, total, threshold) <= risk
    )


def at_least(correct: int, total: int, accuracy: float) -> float:
    """P(X >= correct) for a binomial X of `total` draws with probability `accuracy`."""
    if correct <= 0 or accuracy >= 1:
        return 1.0
    if correct > total or accuracy <= 0:
        return 0.0
    log_right, log_wrong = math.log(accuracy), math.log1p(-accuracy)
    logs = (
        math.lgamma(total + 1) - math.lgamma(right + 1) - math.lgamma(total - right + 1)
        + right * log_right + (total - right) * log_wrong
        for right in range(correct, total + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))


def without_rule(questions: Iterable[Question]) -> tuple[Question, ...]:
    """Copies of the questions whose training may not be stopped early."""
    return tuple(
        dataclasses.replace(
            one,
            args={name: value for name, value in one.args.items() if name != MAY_STOP},
            stopping=None,
        )
        for one in questions
    )


def explained(training: Evidence, epochs: float | None) -> str:
    """Why a training was stopped early, as a sentence for the student."""
    rule = training.question.stopping
    after = "" if epochs is None else f" after {epochs:.3g} epochs"
    why = "" if rule is None else (
        f": a part of the hidden images showed an accuracy of {rule.threshold:.0%} or more (the "
        f"risk of a wrong stop is at most {rule.risk:.2g})"
    )
    return f"The training was stopped early{after}, because full credit was certain{why}."


class HiddenParts:
    """Hands out parts of the hidden images during trainings, and scores the predictions.

    The parts divide the hidden images in their shuffled order. A submission gets each part once at
    most, even if its training is repeated.
    """

    def __init__(self, key: AnswerKey) -> None:
        self._key = key
        self._given: Counter[tuple[str, str]] = Counter()

    def part(self, student: str, question: Question, correct: int, seen: int) -> Images | None:
        """Images for a network to predict, uint8 (N, H, W, 3); None if it gets no part now.

        A part is given only to a network that would pass with the accuracy that the script's own
        evaluation reached, `correct` of `seen`: each part can be used once.
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
        """True if the logits (N, C) for the last part show that the network has passed."""
        rule, number = question.stopping, self._given[student, question.id] - 1
        if rule is None or number < 0 or not np.isfinite(logits).all():
            return False
        labels = self._key.hidden_labels[self._where(rule, number)]
        correct = int((logits.argmax(1) == labels).sum())
        return is_sure(correct, len(labels), rule.threshold, rule.risk_per_look)

    def _where(self, rule: StopRule, number: int) -> NDArray[np.intp]:
        return np.array_split(np.arange(len(self._key.hidden_labels)), rule.parts)[number]


def stopped_for_sure(training: Evidence | None) -> bool:
    """True if the host stopped this training early."""
    return (
        training is not None and training.outcome.answered and training.value["stopped"] == SURE
    )
