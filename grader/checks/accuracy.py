"""Check `accuracy`: top-1 accuracy on hidden images, computed by the host from the logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader import wire
from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import (
    Check,
    NoParams,
    Work,
    as_exception,
    graded,
    is_of_the_environment,
    needs_marking,
    not_scored,
    without_answer,
)
from grader.checks.early_stopping import SURE, explained, stopped_for_sure
from grader.checks.learnt_here import doubt as not_learnt_here
from grader.checks.retraining import Attempt, attempts, best_of, table_of
from grader.checks.retraining import explained as explained_again
from grader.checks.scoring import NOT_FINITE, accuracy_of, hidden_accuracy, logits_of
from grader.checks.training_run import (
    PREDICT,
    TRAIN,
    ended_by_time,
    epochs_at,
    evaluations_after_training,
    predict_question,
    train_question,
    why_it_ended,
)
from grader.checks.unseen_training import doubt as trained_unseen
from grader.records import ConfusionMatrix, Evidence, Question, Verdict
from grader.rubric.model import Criterion, Limits

ASKED = (
    "Your training ran within the budget, and the trained network predicted images that are in "
    "neither of your data sets."
)
# The student is told of a reported accuracy that differs from the computed one by more than this:
# more than the rounding of a percentage, less than any step between thresholds.
DISAGREEMENT = 0.02
# A larger difference means that the script prepares its images in another way.
DOUBTFUL = 0.05
_UNFINISHED = "unfinished"   # in `seen` of a training that time ended


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """The training, and predictions by the trained network in the same process."""
    return train_question(inputs, limits), predict_question(inputs, limits)


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """The share of the points that belongs to the highest threshold reached.

    The thresholds are those of the profile; near one of them the best of several trainings counts.
    """
    training, predictions = work.evidence[TRAIN], work.evidence[PREDICT]
    if not training.outcome.answered:
        return without_answer(criterion, training.outcome, ASKED, in_any_form=True)
    if predictions.outcome.kind == "exception" and not training.value["prepared"]["sure"]:
        reason = (
            "The trained network could not be run on the hidden images, and the grader is not sure "
            "how the script prepares its images: a person looks at it."
        )
        return needs_marking(criterion, reason, asked=ASKED)
    if not predictions.outcome.answered and predictions.outcome.kind != wire.BAD_ANSWER:
        return without_answer(criterion, predictions.outcome, ASKED, hidden=True)
    logits = logits_of(predictions, key)
    if isinstance(logits, str):
        return graded(
            criterion, 0.0, logits, asked=ASKED,
            next_step="Lower the learning rate, and look at the loss of the first batches."
            if NOT_FINITE in logits
            else "Return an ordinary tensor of shape (images, classes) from forward().",
            hints=_hints(training),
        )
    tried = attempts(work.evidence, key)
    if tried[-1].lost is not None:
        return _training_lost(criterion, tried)
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
    if share and not doubt:
        doubt = trained_unseen(training.value, key.inputs.profile.seconds)
        doubt = doubt or not_learnt_here(training.value, accuracy, key)
    if doubt:
        seen = {
            "would_earn": share, "hidden_accuracy": accuracy,
            "learnt": training.value.get("learnt"), "unseen": training.value.get("unseen"),
            "used": training.value.get("used"),
        }
        return needs_marking(criterion, doubt, asked=ASKED, seen=seen)
    if share < 1 and is_of_the_environment(training.value["error"]):
        failure = as_exception(training.outcome, training.value["error"])
        return without_answer(criterion, failure, ASKED)
    if share < 1 and ended_by_time(training):
        return _unfinished(criterion, training, share, accuracy, key)
    reason = f"Top-1 accuracy {accuracy:.1%} on {len(hidden):,} hidden images."
    better = [step for step in thresholds if step.share > share]
    reason += f" The next threshold is {100 * better[-1].accuracy:.3g} %." if better else ""
    reason += f" {explained_again(tried, key)}" if len(tried) > 1 else ""
    reason += _reported(training.value["reported_accuracy"], on_validation)
    stopped = training.value["stopped"]
    if stopped == SURE:
        reason += " " + explained(training, epochs_at(training.value["runs"][-1], training.value))
    elif stopped:
        reason += f" The training was stopped because {why_it_ended(stopped)}."
    seen = {
        "hidden_accuracy": accuracy,
        "validation_accuracy": on_validation,
        "disagrees": _disagrees(training.value["reported_accuracy"], on_validation),
        "seconds": training.outcome.seconds,
        **{name: training.value[name]
           for name in ("reported_accuracy", "device", "steps", "prepared")},
        **_seen_of(tried),
    }
    return graded(
        criterion, share, reason, asked=ASKED, hints=_hints(training), seen=seen,
        tables=table_of(tried), pictures=(_confusion(hidden, key),),
        next_step="" if share == 1 else "Look at the learning curve: does the loss still fall at "
        "the end (train longer), or is the training accuracy far above the validation accuracy "
        "(overfitting)?",
    )  # fmt: skip


def is_unfinished(verdict: Verdict) -> bool:
    """True for the verdict on a training that was going on when its time was up."""
    return verdict.status == "needs_marking" and bool(verdict.seen.get(_UNFINISHED))


def _unfinished(
    criterion: Criterion, training: Evidence, share: float, accuracy: float, key: AnswerKey
) -> Verdict:
    """A training that was going on when its time was up, and might have got further."""
    value, profile = training.value, key.inputs.profile
    epochs = epochs_at(value["runs"][-1], value)
    far = "" if epochs is None else f", {epochs:.3g} of {profile.epochs} epochs"
    reason = (
        f"Your training was still going on when its {profile.seconds:g} seconds of processor time "
        f"were used up, after {value['steps']:,} steps{far}. By then it had a top-1 accuracy of "
        f"{accuracy:.1%} on {len(key.hidden_labels):,} hidden images. It is no failure to be slow: "
        "a person looks at it."
    )
    seen = {
        _UNFINISHED: True, "would_earn": share, "hidden_accuracy": accuracy,
        "steps": value["steps"], "epochs": epochs,
    }
    return needs_marking(criterion, reason, asked=ASKED, seen=seen, hints=_hints(training))


def stopped_in_vain(evidence: Mapping[str, Evidence], key: AnswerKey) -> bool:
    """True if a training was stopped early and its network then missed full credit.

    The training must then be repeated in full. `evidence` is by question id.
    """
    predictions = evidence.get(PREDICT)
    if predictions is None or not stopped_for_sure(evidence.get(TRAIN)):
        return False
    accuracy = hidden_accuracy(predictions, key)
    return accuracy is None or accuracy < key.inputs.profile.thresholds[0].accuracy


def _training_lost(criterion: Criterion, tried: Sequence[Attempt]) -> Verdict:
    """The grader failed a further training, which might have been better."""
    lost = tried[-1].lost
    why = "" if lost is None else lost.outcome.message
    problem = (
        f"your network reached {best_of(tried).accuracy or 0:.1%}, near enough to a threshold to "
        f"be trained again, and that training failed: {why}"
    )
    return not_scored(criterion, problem, asked=ASKED, seen=_seen_of(tried))


def _seen_of(tried: Sequence[Attempt]) -> dict[str, Any]:
    """Seeds and outcomes of all trainings, for the instructor."""
    if len(tried) < 2:
        return {}
    rows = [
        {"seed": one.training.question.args.get("seed"), "hidden_accuracy": one.accuracy,
         "training": one.training.outcome.kind, "predictions": one.predictions.outcome.kind}
        for one in tried
    ]
    return {"trainings": rows}


def _doubt(training: Evidence, share: float, on_validation: float) -> str:
    """Why a person must look: the grader may have prepared the images unlike the script does.

    Compares the accuracy that the worker saw in the script's own evaluation with the one that the
    host computes for the same images. "" if they agree, or if the preparation is known.
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
        f"Your script's own evaluation reached {seen:.1%}, but the grader computes "
        f"{on_validation:.1%}. The grader is not sure how your script prepares its images, so a "
        "person looks at it."
    )


def _disagrees(reported: float | None, computed: float) -> bool:
    return reported is not None and abs(reported - computed) > DISAGREEMENT


def _reported(reported: float | None, computed: float) -> str:
    return "" if not _disagrees(reported, computed) else (
        f" Your code reports {reported:.1%} on the validation images; the grader computes "
        f"{computed:.1%} for the network that it returned."
    )


def _hints(training: Evidence) -> tuple[str, ...]:
    hints, error = training.value["notes"], training.value["error"]
    if not error:
        return tuple(hints)
    return (*hints, f"The code raised an exception after the training: {error['message']}")


def _confusion(logits: NDArray[np.float32], key: AnswerKey) -> ConfusionMatrix:
    classes = len(key.inputs.classes)
    predicted = logits.argmax(1)
    known = predicted < classes   # extra outputs stand for no class
    flat = key.hidden_labels[known] * classes + predicted[known]
    counts = np.bincount(flat, minlength=classes * classes).reshape(classes, classes)
    rows = tuple(tuple(int(n) for n in row) for row in counts)
    title = "Hidden images: true class down, predicted across"
    return ConfusionMatrix(title, key.inputs.classes, rows)


# The host computes the accuracy. Where it was learnt, and with how many epochs, the worker tells.
CHECK = Check("accuracy", NoParams, ask, judge, thresholds=True, known_to_worker=True)
