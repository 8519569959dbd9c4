"""Train mode in every training pass, eval mode in every evaluation pass, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from grader.checks.answer_key import AnswerKey, EvalInputs
from grader.checks.check import Check, NoParams, Work, graded, without_answer
from grader.checks.hidden_networks import dropout_network
from grader.checks.training_run import TRAIN, evaluations_after_training, train_question, trainings
from grader.records import Evidence, Question, Table, Verdict
from grader.rubric.model import Criterion, Limits

EVALUATE = "mode-switch/evaluate"
IMAGES = 24
ASKED = (
    "Your training was watched: the network must be in train mode in every training pass and in "
    "eval mode in every evaluation pass, in every epoch. In evaluation an image's output must not "
    "depend on the batch that it is in, and running statistics must not move."
)
NOT_YET = (
    "Your script was stopped when its budget was used up, before it evaluated its network: a "
    "person reads how it does that."
)
# Rows of a batch are computed in another order when the batch is another: float32 rounding.
TOLERANCE = 1e-3


def ask(criterion: Criterion, inputs: EvalInputs, limits: Limits) -> tuple[Question, ...]:
    """The training, and `evaluate` on a network of ours with batches of two kinds."""
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
    """Half of the points for training passes, half for evaluation passes."""
    training, evaluation = work.evidence[TRAIN], work.evidence[EVALUATE]
    for evidence in (training, evaluation):
        if evidence.outcome.owner == "harness":
            hidden = evidence is evaluation
            return without_answer(criterion, evidence.outcome, ASKED, hidden=hidden)
    if not training.outcome.answered:
        return without_answer(criterion, training.outcome, ASKED)
    runs = training.value["runs"]
    train_rows, evaluation_rows = trainings(runs), evaluations_after_training(runs)
    tracked = training.value["batches_tracked"]
    problems = _training_problems(train_rows, tracked)
    right_in_training = not problems
    if not evaluation_rows and training.value["stopped"]:
        reason = " ".join([*problems, NOT_YET])
        return Verdict(criterion.id, "needs_marking", 0.0, reason, asked=ASKED,
                       tables=(_table(runs),), seen={"right_in_training": right_in_training})
    in_evaluation = _evaluation_problems(evaluation_rows, training.value)
    if training.value["form"] == "function":   # a script's own may leave the switch to its caller
        in_evaluation += _behaviour(evaluation, key)
    problems += in_evaluation
    fraction = 0.5 * right_in_training + 0.5 * (not in_evaluation)
    reason = " ".join(problems)
    if not problems:
        reason = (
            f"Right in all {len(train_rows)} stretches of training and {len(evaluation_rows)} of "
            "evaluation."
        )
    return graded(
        criterion,
        fraction,
        reason,
        asked=ASKED,
        hints=_hints(runs, training.value),
        next_step=""
        if not problems
        else "Call model.train() at the start of each training epoch and model.eval() at the start "
        "of each evaluation.",
        tables=(_table(runs),),
        seen={"batches_tracked": tracked[:1]},
    )


def _training_problems(rows: list[Mapping[str, Any]], tracked: list[int]) -> list[str]:
    wrong = [number for number, row in enumerate(rows, 1) if row["norms_evaluating"]]
    if not wrong:
        if tracked and not any(tracked) and _passes(rows):
            return [
                f"After {_passes(rows)} training batches the running statistics have not moved: "
                "num_batches_tracked is 0 in every batch norm, so eval mode has nothing to use."
            ]
        return []
    if 1 not in wrong:
        return [
            "The first epoch trains in train mode, and from the second on the network is still in "
            "eval mode: train() is called once before the epochs, and the evaluation in between "
            "switches it off."
        ]
    return [
        f"The network is in eval mode while it trains{_at(rows[wrong[0] - 1])}, in {len(wrong)} of "
        f"{len(rows)} stretches of training."
    ]


def _evaluation_problems(rows: list[Mapping[str, Any]], value: Mapping[str, Any]) -> list[str]:
    if not rows:
        return ["No evaluation pass was seen after training had begun."]
    wrong = [row for row in rows if row["norms_training"]]
    if value["deaf"]:
        return [
            f"{value['deaf'][0][:80]} says that it is in eval mode and still uses the statistics "
            "of the batch: an image's output depends on the batch that it is in."
        ]
    if not wrong:
        return ["Running statistics moved during evaluation."] if any(
            row["statistics_moved"] for row in rows
        ) else []
    if value["uncalled"]:
        return [
            f"The switch is named and not called, at {value['uncalled'][0]}: without parentheses "
            "it does nothing, so the network stays in train mode."
        ]
    if all(not row["statistics_moved"] and row["dropouts_training"] for row in wrong):
        return ["Dropout is active in evaluation."]
    return [
        f"The network is in train mode while it is evaluated{_at(wrong[0])}, in {len(wrong)} of "
        f"{len(rows)} evaluations: eval() is not called, so batch norm uses the batch's statistics "
        "and moves the running ones."
    ]


def _at(row: Mapping[str, Any]) -> str:
    return f" at {row['place']}" if row["place"] else ""


def _behaviour(evidence: Evidence, key: AnswerKey) -> list[str]:
    """What the student's `evaluate` does to a network of ours, whatever its flags say."""
    if not evidence.outcome.answered:
        return []   # there is no such function: the observed training decides alone
    if not all(evidence.value["complete"]):
        return ["evaluate(model, loader) did not run the network on every image of the loader."]
    found = []
    first, second = (_logits(blob) for blob in evidence.blobs)
    expected = _logits(key.blobs(EVALUATE)[0])
    if first.shape != expected.shape or second.shape != expected.shape:
        return ["evaluate(model, loader) gave outputs of another shape than the network's."]
    scale = float(np.abs(expected).max()) or 1.0
    if not _close(first, second, scale):
        found.append(
            "evaluate(): the same image gives another output in another batch, so the network was "
            "not in eval mode."
        )
    elif not _close(first, expected, scale):
        found.append("evaluate(): the outputs are not those of the network in eval mode.")
    if evidence.value["buffers_moved"]:
        found.append("evaluate(): the running statistics are not the same afterwards.")
    return found


def _logits(blob: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    if len(blob) % (4 * IMAGES):
        return np.zeros((0, 0), dtype=np.float32)
    return np.frombuffer(blob, dtype="<f4").reshape(IMAGES, -1)


def _close(one: Any, other: Any, scale: float) -> bool:
    difference = np.abs(one - other)
    return bool(np.isfinite(difference).all() and difference.max() <= TOLERANCE * scale)


def _passes(rows: list[Mapping[str, Any]]) -> int:
    return sum(row["passes"] for row in rows)


def _hints(runs: list[Mapping[str, Any]], value: Mapping[str, Any]) -> tuple[str, ...]:
    hints = []
    rows = evaluations_after_training(runs)
    if any(row["with_gradients"] for row in rows):
        hints.append(
            "The evaluation records a gradient graph: slow and hungry for memory, not wrong. "
            "Use torch.no_grad()."
        )
    return (*hints, *_miscounted(runs, value["batches_tracked"]))


def _miscounted(runs: list[Mapping[str, Any]], tracked: list[int]) -> list[str]:
    """Another number of batches than was trained on, where no evaluation explains it."""
    batches = _passes(trainings(runs))
    explained = any(row["norms_training"] for row in runs if row["kind"] == "evaluate")
    if explained or not any(tracked) or batches in tracked or tracked[0] < batches:
        return []   # fewer: a checkpoint was loaded
    return [
        f"The batch norms have counted {tracked[0]:,} batches (num_batches_tracked), and "
        f"{batches:,} training batches were seen."
    ]


def _table(runs: list[Mapping[str, Any]]) -> Table:
    rows = []
    for run in runs[:12]:
        in_train, in_eval = run["norms_training"], run["norms_evaluating"]
        mode = "both" if in_train and in_eval else "train" if in_train else "eval"
        lr = f"{run['lr']:.4g}" if isinstance(run["lr"], float) else ""
        rows.append((run["kind"], str(run["passes"]), mode, lr,
                     "moved" if run["statistics_moved"] else ""))
    columns = ("what", "batches", "mode", "learning rate", "running statistics")
    return Table("As observed, the first stretches", columns, tuple(rows))


CHECK = Check("mode_switch", NoParams, ask, judge, needs_reference=True, self_reported=True)
