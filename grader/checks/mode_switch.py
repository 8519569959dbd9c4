"""Check `mode_switch`: train mode in every training pass, eval mode in every evaluation pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import (
    Check,
    NoParams,
    Work,
    as_exception,
    graded,
    is_of_the_environment,
    needs_marking,
    without_answer,
)
from grader.checks.hidden_networks import dropout_network
from grader.checks.training_run import (
    TRAIN,
    Rows,
    evaluations_after_training,
    has_norms,
    phase_of,
    train_question,
    trainings,
)
from grader.records import Evidence, PhaseStrip, Question, Verdict
from grader.rubric.model import Criterion, Limits

EVALUATE = "mode-switch/evaluate"
IMAGES = 24
ASKED = (
    "The network must be in train mode in every training pass and in eval mode in every evaluation "
    "pass, in every epoch. In evaluation an image's output must not depend on the other images of "
    "its batch"
)
OF_NORMS = ", and running statistics must not change"   # where the network has batch norms
NOT_YET = (
    "Your script was stopped before it evaluated its network: a person reads how your code does "
    "that."
)
TOLERANCE = 1e-3   # relative; float32 rounding depends on the batch that an image is in


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """The training, and `evaluate` on a network of the grader's with two orders of batches."""
    random = inputs.draw("mode-switch")
    images = random.standard_normal((IMAGES, 3, 32, 32)).astype("<f4")
    labels = random.integers(0, 10, IMAGES).astype("<i8")
    args = {
        "network": dropout_network(random),
        "shape": list(images.shape),
        "orders": [
            {"index": list(range(IMAGES)), "batch": 12},
            {"index": [int(i) for i in random.permutation(IMAGES)], "batch": 5},
        ],
    }
    blobs = (images.tobytes(), labels.tobytes())
    evaluate = Question(EVALUATE, "evaluate", args, EVALUATE, limits.seconds, blobs)
    return evaluate, train_question(inputs, limits)


def judge(criterion: Criterion, work: Work, key: AnswerKey) -> Verdict:
    """Half of the points for train mode in training, half for eval mode in evaluation.

    Running statistics must change in training and stay the same in evaluation.
    """
    training, evaluation = work.evidence[TRAIN], work.evidence[EVALUATE]
    for evidence in (training, evaluation):
        if evidence.outcome.owner == "harness":
            hidden = evidence is evaluation
            return without_answer(criterion, evidence.outcome, f"{ASKED}.", hidden=hidden)
    if not training.outcome.answered:
        return without_answer(criterion, training.outcome, f"{ASKED}.", in_any_form=True)
    runs, norms = training.value["runs"], has_norms(training.value)
    asked = f"{ASKED}{OF_NORMS if norms else ''}."
    train_rows, evaluation_rows = trainings(runs), evaluations_after_training(runs)
    tracked = training.value["batches_tracked"]
    problems = _training_problems(runs, tracked)
    right_in_training = not problems
    lacks = is_of_the_environment(training.value["error"])
    if not evaluation_rows and lacks:
        failure = as_exception(training.outcome, training.value["error"])
        return without_answer(criterion, failure, ASKED)
    if not evaluation_rows and training.value["stopped"]:
        return needs_marking(
            criterion, " ".join([*problems, NOT_YET]), asked=asked, pictures=_strip(runs),
            seen={"right_in_training": right_in_training},
        )  # fmt: skip
    in_evaluation = _evaluation_problems(evaluation_rows, training.value)
    if training.value["form"] == "function":   # in a script, the caller may set the mode
        in_evaluation += _behaviour(evaluation, key)
    problems += in_evaluation
    return graded(
        criterion,
        0.5 * right_in_training + 0.5 * (not in_evaluation),
        " ".join(problems) or f"Correct in all {len(train_rows)} training and "
        f"{len(evaluation_rows)} evaluation phases.",
        asked=asked, hints=_hints(runs, training.value), pictures=_strip(runs),
        next_step=_next_step(right_in_training, evaluation_rows, training.value)
        if problems else "",
        seen={"batches_tracked": tracked[:1]},
    )  # fmt: skip


def _next_step(right_in_training: bool, evaluations: Rows, value: Mapping[str, Any]) -> str:
    if right_in_training and not evaluations:
        return "Evaluate the network in eval mode after each epoch."
    if right_in_training and value["deaf"]:
        return (
            "Let each batch norm keep running statistics (track_running_stats=True), and leave its "
            "mode to model.train() and model.eval()."
        )
    return (
        "Call model.train() at the start of each training epoch and model.eval() at the start of "
        "each evaluation."
    )


def _training_problems(runs: Rows, tracked: list[int]) -> list[str]:
    rows = trainings(runs)
    wrong = [row for row in rows if row["norms_evaluating"]]
    if not wrong:
        return [
            f"After {_passes(rows)} training batches the running statistics have not changed: "
            "num_batches_tracked is 0 in every batch norm, so eval mode has nothing to use."
        ] if tracked and not any(tracked) and _passes(rows) else []
    if _switched_off(runs, wrong):
        return [
            f"{_first(len(rows) - len(wrong))} in train mode, but every later one is in eval mode: "
            "an evaluation switches to eval mode, and train mode is not switched on again."
        ]
    return [
        f"The network is in eval mode while it trains{_at(wrong[0])}, in {len(wrong)} of "
        f"{len(rows)} training phases."
    ]


def _switched_off(runs: Rows, wrong: Rows) -> bool:
    """True if all trainings are wrong from one on, and an evaluation in eval mode is before it."""
    rows = trainings(runs)
    if wrong[0] is rows[0] or list(wrong) != list(rows[-len(wrong):]):
        return False
    before = [run for run in runs[: list(runs).index(wrong[0])] if run["kind"] == "evaluate"]
    return bool(before) and before[-1]["norms_evaluating"] > 0


def _first(number: int) -> str:
    return "The first training phase is" if number == 1 else f"The first {number} phases are"


def _evaluation_problems(rows: Rows, value: Mapping[str, Any]) -> list[str]:
    if not rows:
        return ["Your code did not evaluate the network after training had begun."]
    wrong = [row for row in rows if row["norms_training"]]
    if value["deaf"]:
        return [
            f"{value['deaf'][0][:80]} is in eval mode but still uses the statistics of the batch: "
            "an image's output depends on the other images of its batch."
        ]
    if not wrong:
        return ["Running statistics changed during evaluation."] if any(
            row["statistics_moved"] for row in rows
        ) else []
    if value["uncalled"]:
        return [
            f"The parentheses of the call are missing at {value['uncalled'][0]}: without them the "
            "mode does not change, so the network stays in train mode."
        ]
    if all(not row["statistics_moved"] and row["dropouts_training"] for row in wrong):
        return ["Dropout is active in evaluation."]
    return [
        f"The network is in train mode while it is evaluated{_at(wrong[0])}, in {len(wrong)} of "
        f"{len(rows)} evaluation phases{_consequence(wrong, value)}."
    ]


def _consequence(wrong: Rows, value: Mapping[str, Any]) -> str:
    """Say in a clause how train mode changes this network's evaluation, as far as was seen."""
    found = []
    if has_norms(value):
        found.append("batch norm uses the batch's statistics")
    if any(row["statistics_moved"] for row in wrong):
        found.append("the running ones change")
    if any(row["dropouts_training"] for row in wrong):
        found.append("dropout is active")
    return f": {' and '.join(found)}" if found else ""


def _at(row: Mapping[str, Any]) -> str:
    return f" at {row['place']}" if row["place"] else ""


def _behaviour(evidence: Evidence, key: AnswerKey) -> list[str]:
    """Problems of the student's `evaluate` on a network of the grader's, by what it computes."""
    if not evidence.outcome.answered:
        return []   # no such function: the training decides alone
    if not all(evidence.value["complete"]):
        return ["evaluate(model, loader) did not run the network on every image of the loader."]
    found = []
    first, second = (_logits(blob) for blob in evidence.blobs)
    expected = _logits(key.blobs(EVALUATE)[0])
    if first.shape != expected.shape or second.shape != expected.shape:
        return ["evaluate(model, loader) returned outputs of another shape than the network's."]
    scale = float(np.abs(expected).max()) or 1.0
    if not _close(first, second, scale):
        found.append(
            "evaluate(): an image's output depends on its batch, so the network was not in eval "
            "mode."
        )
    elif not _close(first, expected, scale):
        found.append("evaluate(): the outputs differ from those of the network in eval mode.")
    if evidence.value["buffers_moved"]:
        found.append("evaluate(): the running statistics have changed afterwards.")
    return found


def _logits(blob: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    if len(blob) % (4 * IMAGES):
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(blob, dtype="<f4").reshape(IMAGES, -1)


def _close(one: Any, other: Any, scale: float) -> bool:
    difference = np.abs(one - other)
    return bool(np.isfinite(difference).all() and difference.max() <= TOLERANCE * scale)


def _passes(rows: Rows) -> int:
    return sum(row["passes"] for row in rows)


def _hints(runs: Rows, value: Mapping[str, Any]) -> tuple[str, ...]:
    hints = _miscounted(runs, value["batches_tracked"])
    if any(row["with_gradients"] for row in evaluations_after_training(runs)):
        hints.insert(
            0, "The evaluation records a gradient graph, which costs time and memory but no "
            "points: use torch.no_grad().",
        )
    return tuple(hints)


def _miscounted(runs: Rows, tracked: list[int]) -> list[str]:
    """A hint if batch norm counted more batches than the training had, for no known reason."""
    batches = _passes(trainings(runs))
    explained = any(row["norms_training"] for row in runs if row["kind"] == "evaluate")
    if explained or not any(tracked) or batches in tracked or tracked[0] < batches:
        return []   # fewer, since a checkpoint was loaded
    return [
        f"The batch norms have counted {tracked[0]:,} batches (num_batches_tracked), but the "
        f"training had {batches:,} batches."
    ]


def _strip(runs: Rows) -> tuple[PhaseStrip, ...]:
    return (PhaseStrip("Phases of your training, in order", tuple(map(phase_of, runs))),)


CHECK = Check("mode_switch", NoParams, ask, judge, needs_reference=True, self_reported=True)
