"""Top-1 accuracy on images that nobody has seen, computed by the host from the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader import wire
from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, NoParams, Work, graded, without_answer
from grader.checks.early_stopping import SURE, explained, stopped_for_sure
from grader.checks.retraining import Attempt, attempts, best_of, table_of
from grader.checks.retraining import explained as explained_again
from grader.checks.scoring import accuracy_of, hidden_accuracy, logits_of
from grader.checks.training_run import (
    PREDICT,
    TRAIN,
    epochs_at,
    evaluations_after_training,
    predict_question,
    train_question,
)
from grader.records import ConfusionMatrix, Evidence, Question, Verdict
from grader.rubric.model import Criterion, Limits

ASKED = (
    "Your training was run within the budget, and the trained network predicted images that are in "
    "neither of your data sets."
)
# A report further than this from what the host computes is worth telling: it is more than the
# rounding of a percentage, and less than any step between thresholds.
DISAGREEMENT = 0.02
# Beyond this the images were prepared in another way, and not only the last steps differ.
DOUBTFUL = 0.05


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """Train, then predict in the same process."""
    return train_question(inputs, limits), predict_question(inputs, limits)


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """The share of the points of the highest threshold of the profile that is reached."""
    training, predictions = work.evidence[TRAIN], work.evidence[PREDICT]
    if not training.outcome.answered:
        return without_answer(criterion, training.outcome, ASKED)
    if predictions.outcome.kind == "exception" and not training.value["prepared"]["sure"]:
        reason = (
            "The trained network could not be run on the hidden images, and the grader could not "
            "tell for sure how the script prepares its images: a person looks at it."
        )
        return Verdict(criterion.id, "needs_marking", 0.0, reason, asked=ASKED)
    if not predictions.outcome.answered and predictions.outcome.kind != wire.BAD_ANSWER:
        return without_answer(criterion, predictions.outcome, ASKED, hidden=True)
    logits = logits_of(predictions, key)
    if isinstance(logits, str):
        return graded(
            criterion, 0.0, logits, asked=ASKED,
            next_step="Lower the learning rate, and look at the loss of the first batches."
            if "diverged" in logits
            else "Return an ordinary tensor of shape (images, classes) from forward().",
            hints=_hints(training),
        )
    tried = attempts(work.evidence, key)
    if tried[-1].lost is not None:
        return _not_had_again(criterion, tried)
    best = best_of(tried)
    training = best.training
    logits = logits_of(best.predictions, key)
    assert not isinstance(logits, str)   # the best is at least as good as the first
    hidden, validation = logits
    accuracy = accuracy_of(hidden, key.hidden_labels)
    on_validation = accuracy_of(validation, key.validation_labels)
    thresholds = key.inputs.profile.thresholds
    reached = next((step for step in thresholds if accuracy >= step.accuracy), None)
    share = reached.share if reached else 0.0
    doubt = _doubt(training, share, on_validation)
    if doubt:
        seen = {"would_earn": share, "hidden_accuracy": accuracy}
        return Verdict(criterion.id, "needs_marking", 0.0, doubt, asked=ASKED, seen=seen)
    reason = f"Top-1 accuracy {accuracy:.1%} on {len(hidden):,} hidden images"
    better = [step for step in thresholds if step.share > share]
    reason += "." if not better else f"; {better[-1].accuracy:.0%} earns more."
    reason += f" {explained_again(tried, key)}" if len(tried) > 1 else ""
    reason += _reported(training.value["reported_accuracy"], on_validation)
    stopped = {"epochs": "epochs", "seconds": "seconds"}.get(training.value["stopped"] or "")
    if stopped:
        reason += f" The training was stopped when its budget of {stopped} was used up."
    if training.value["stopped"] == SURE:
        reason += " " + explained(training, epochs_at(training.value["runs"][-1], training.value))
    return graded(
        criterion,
        share,
        reason,
        asked=ASKED,
        hints=_hints(training),
        next_step="" if share == 1 else "Look at the learning curve: does the loss still fall at "
        "the end, and does the training accuracy run ahead of the validation accuracy?",
        tables=table_of(tried),
        pictures=(_confusion(hidden, key),),
        seen={
            "hidden_accuracy": accuracy,
            "validation_accuracy": on_validation,
            "reported_accuracy": training.value["reported_accuracy"],
            "disagrees": _disagrees(training.value["reported_accuracy"], on_validation),
            "device": training.value["device"],
            "steps": training.value["steps"],
            "seconds": training.outcome.seconds,
            "prepared": training.value["prepared"],
            **_seen_of(tried),
        },
    )


def stopped_in_vain(evidence: Mapping[str, Evidence], key: AnswerKey) -> bool:
    """Whether a training was ended early and its network has not passed on all hidden images: then
    it must be trained in full. `evidence` by question id."""
    predictions = evidence.get(PREDICT)
    if predictions is None or not stopped_for_sure(evidence.get(TRAIN)):
        return False
    accuracy = hidden_accuracy(predictions, key)
    return accuracy is None or accuracy < key.inputs.profile.thresholds[0].accuracy


def _not_had_again(criterion: Criterion, tried: Sequence[Attempt]) -> Verdict:
    """The rule gives this submission another training, which might have been better."""
    lost = tried[-1].lost
    why = "" if lost is None else lost.outcome.message
    reason = (
        f"Your network reached {best_of(tried).accuracy or 0:.1%} and is near enough to a "
        "threshold to be trained again, which could not be done, through no fault of yours: "
        f"{why}"
    )
    return Verdict(criterion.id, "not_scored", 0.0, reason, asked=ASKED, seen=_seen_of(tried))


def _seen_of(tried: Sequence[Attempt]) -> dict[str, Any]:
    """For the person who defends a mark, who may know the seeds."""
    if len(tried) < 2:
        return {}
    rows = [
        {"seed": one.training.question.args.get("seed"), "hidden_accuracy": one.accuracy,
         "training": one.training.outcome.kind, "predictions": one.predictions.outcome.kind}
        for one in tried
    ]
    return {"trainings": rows}


def _doubt(training: Evidence, share: float, on_validation: float) -> str:
    """Why a person looks first: the grader may not have found how the script prepares its images.

    What was seen while the script evaluated its network is crossed with what the host computes for
    the same images. "" where they agree, and where the way of the images is known.
    """
    prepared = training.value["prepared"]
    if share == 1 or prepared["sure"]:
        return ""
    rows = [
        run for run in evaluations_after_training(training.value["runs"])
        if run["seen"] and not run["on_training_data"]
    ]
    if not rows:
        return ""
    seen = rows[-1]["correct"] / rows[-1]["seen"]
    if seen - on_validation <= DOUBTFUL:
        return ""
    return (
        f"Your script's own evaluation was seen to reach {seen:.1%}, and the grader, which could "
        f"not tell for sure how the script prepares its images, computes {on_validation:.1%}: a "
        "person looks at it."
    )


def _disagrees(reported: float | None, computed: float) -> bool:
    return reported is not None and abs(reported - computed) > DISAGREEMENT


def _reported(reported: float | None, computed: float) -> str:
    if reported is None or not _disagrees(reported, computed):
        return ""
    return (
        f" Your code reports {reported:.1%} on the validation images; the grader computes "
        f"{computed:.1%} for the network that it returned."
    )


def _hints(training: Evidence) -> tuple[str, ...]:
    hints = list(training.value["notes"])
    if training.value["error"]:
        hints.append(f"The code raised after it had trained: {training.value['error']['message']}")
    return tuple(hints)


def _confusion(logits: NDArray[np.float32], key: AnswerKey) -> ConfusionMatrix:
    classes = len(key.inputs.classes)
    predicted = logits.argmax(1)
    known = predicted < classes   # an output that stands for no class has no column
    flat = key.hidden_labels[known] * classes + predicted[known]
    counts = np.bincount(flat, minlength=classes * classes).reshape(classes, classes)
    rows = tuple(tuple(int(n) for n in row) for row in counts)
    title = "Hidden images: true class down, predicted across"
    return ConfusionMatrix(title, key.inputs.classes, rows)


CHECK = Check("accuracy", NoParams, ask, judge, thresholds=True)
