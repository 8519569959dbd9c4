"""The check `mode_switch`: half for training, half for evaluation, and each diagnosis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.checks.mode_switch import EVALUATE, IMAGES, ask, judge
from grader.checks.training_run import TRAIN
from grader.records import Evidence, PhaseStrip, Verdict
from grader.rubric.model import Limits
from tests.checks.evidence import (
    CRITERION,
    answered,
    decaying,
    inputs,
    key,
    optimizer,
    run,
    structure,
    trained,
    unanswered,
    work,
)

LOGITS = np.random.default_rng(0).standard_normal((IMAGES, 10)).astype("<f4")
REFERENCE = {EVALUATE: answered({}, LOGITS.tobytes(), LOGITS.tobytes())}


def evaluated(
    first: Any = LOGITS, second: Any = LOGITS, *, complete: bool = True, moved: bool = False
) -> Evidence:
    value = {"complete": [complete, complete], "buffers_moved": moved}
    return answered(value, first.tobytes(), second.tobytes())


def verdict(training: Evidence, evaluation: Evidence | None = None) -> Verdict:
    evidence = {TRAIN: training, EVALUATE: evaluation or evaluated()}
    return judge(CRITERION, work(evidence), key(REFERENCE))


def in_train_mode(**more: Any) -> dict[str, Any]:
    """An evaluation without eval()."""
    row = {"norms_training": 5, "norms_evaluating": 0, "dropouts_training": 5,
           "statistics_moved": True}
    return run("evaluate", **row | more)


def in_eval_mode() -> dict[str, Any]:
    """A training epoch that is still in eval mode."""
    return run("train", norms_training=0, norms_evaluating=5, statistics_moved=False)


def test_it_asks_for_the_training_and_for_evaluate_in_two_orders() -> None:
    evaluate, training = ask(CRITERION, inputs(), Limits())
    assert (evaluate.id, training.id) == (EVALUATE, TRAIN)
    one, other = evaluate.args["orders"]
    assert sorted(one["index"]) == sorted(other["index"]) == list(range(IMAGES))
    assert one["batch"] != other["batch"]
    assert evaluate.blobs != ask(CRITERION, inputs(seed=1), Limits())[0].blobs


def test_right_modes_earn_everything() -> None:
    found = verdict(trained())
    assert (found.status, found.fraction, found.hints) == ("passed", 1.0, ())
    assert found.reason == "Correct in all 2 training and 2 evaluation phases."


def test_eval_forgotten_loses_the_half_of_evaluation() -> None:
    found = verdict(trained([run("train"), in_train_mode(), run("train"), in_train_mode()]))
    assert found.fraction == 0.5
    assert "in train mode while it is evaluated, in 2 of 2 evaluation phases" in found.reason


def test_train_called_once_before_the_epochs_loses_the_half_of_training() -> None:
    found = verdict(trained([run("train"), run("evaluate"), in_eval_mode(), run("evaluate")]))
    assert found.fraction == 0.5
    assert found.reason == (
        "The first training phase is in train mode, but every later one is in eval mode: an "
        "evaluation switches to eval mode, and train mode is not switched on again."
    )


@pytest.mark.parametrize(
    "rows",
    [
        # No evaluation lies before it, or it is right again later: something else sets the mode.
        [run("train"), in_eval_mode()],
        [run("train"), run("evaluate"), in_eval_mode(), run("train")],
        [run("train"), in_train_mode(), in_eval_mode()],
    ],
)
def test_a_train_mode_that_is_lost_in_another_way_is_told_as_it_was_seen(rows: Any) -> None:
    found = verdict(trained([*rows, run("evaluate")]))
    assert "The network is in eval mode while it trains, in 1 of " in found.reason
    assert "switched on again" not in found.reason


def without_norms(*rows: Any) -> Evidence:
    plain = structure(norms="other")
    return trained(rows, batches_tracked=[],
                   optimizer=optimizer(*decaying(plain), rows=plain))


@pytest.mark.parametrize(("dropouts", "told"), [(5, ": dropout is active."), (0, " phases.")])
def test_batch_norm_is_not_mentioned_where_there_is_none(dropouts: int, told: str) -> None:
    rows = [run("train"), in_train_mode(statistics_moved=False, dropouts_training=0),
            run("train"), in_train_mode(statistics_moved=False, dropouts_training=dropouts)]
    found = verdict(without_norms(*rows))
    assert found.reason.endswith(told)
    texts = (found.reason, found.asked, found.next_step)
    for text in texts:
        assert "batch norm" not in text.lower() and "running statistics" not in text


def test_what_train_mode_does_to_batch_norm_is_told_as_far_as_it_was_seen() -> None:
    still = in_train_mode(statistics_moved=False, dropouts_training=0)
    found = verdict(trained([run("train"), still]))
    assert found.reason.endswith(": batch norm uses the batch's statistics.")
    moved = verdict(trained([run("train"), in_train_mode()]))
    assert "and the running ones change" in moved.reason
    assert "running statistics must not change" in moved.asked


def test_eval_mode_in_every_epoch_has_another_message() -> None:
    found = verdict(trained([in_eval_mode(), run("evaluate")]))
    assert found.fraction == 0.5
    assert found.reason == (
        "The network is in eval mode while it trains, in 1 of 1 training phases."
    )


def test_eval_without_parentheses_is_reported_with_its_place() -> None:
    rows = [run("train"), in_train_mode()]
    found = verdict(trained(rows, uncalled=["hw2.py:12"]))
    assert found.fraction == 0.5
    assert "The parentheses of the call are missing at hw2.py:12" in found.reason


def test_a_mode_switch_that_is_not_called_elsewhere_costs_nothing() -> None:
    assert verdict(trained(uncalled=["hw2.py:12"])).fraction == 1


def test_dropout_that_is_active_in_evaluation_is_reported() -> None:
    rows = [run("train"), in_train_mode(statistics_moved=False)]
    found = verdict(trained(rows))
    assert (found.fraction, found.reason) == (0.5, "Dropout is active in evaluation.")


def test_a_batch_norm_that_ignores_eval_mode_is_named() -> None:
    found = verdict(trained(deaf=["layer1.0.bn1"]))
    assert found.fraction == 0.5
    assert "layer1.0.bn1 is in eval mode but still uses" in found.reason


def test_running_statistics_that_move_in_evaluation_are_reported() -> None:
    found = verdict(trained([run("train"), run("evaluate", statistics_moved=True)]))
    assert found.fraction == 0.5
    assert found.reason == "Running statistics changed during evaluation."


def test_no_evaluation_at_all_loses_its_half() -> None:
    found = verdict(trained([run("train")]))
    assert found.fraction == 0.5
    assert found.reason == "Your code did not evaluate the network after training had begun."


def test_a_pass_over_one_batch_before_the_training_is_no_evaluation() -> None:
    rows = [in_train_mode(after_steps=0), run("train"), run("evaluate")]
    assert verdict(trained(rows)).fraction == 1


def test_both_mistakes_earn_nothing() -> None:
    found = verdict(trained([in_eval_mode(), in_train_mode()]))
    assert (found.status, found.fraction) == ("failed", 0)


def test_a_graph_recorded_in_evaluation_is_a_hint_and_costs_nothing() -> None:
    found = verdict(trained([run("train"), run("evaluate", with_gradients=5)]))
    assert found.fraction == 1
    assert "records a gradient graph, which costs time and memory but no points" in found.hints[0]


def test_an_output_that_depends_on_the_batch_is_reported() -> None:
    found = verdict(trained(), evaluated(second=LOGITS + 0.5))
    assert found.fraction == 0.5
    assert "an image's output depends on its batch" in found.reason


def test_rounding_is_no_difference() -> None:
    assert verdict(trained(), evaluated(second=LOGITS + np.float32(1e-5))).fraction == 1


def test_outputs_unlike_those_of_eval_mode_are_reported() -> None:
    found = verdict(trained(), evaluated(LOGITS + 0.5, LOGITS + 0.5))
    assert found.fraction == 0.5
    assert "the outputs differ from those of the network in eval mode" in found.reason


def test_outputs_that_are_not_a_number_are_not_equal() -> None:
    nothing = np.full_like(LOGITS, np.nan)
    assert verdict(trained(), evaluated(nothing, nothing)).fraction == 0.5


@pytest.mark.parametrize("columns", [9, 1, 11])
def test_outputs_of_another_shape_are_reported(columns: int) -> None:
    other = np.zeros((IMAGES, columns), dtype="<f4")
    found = verdict(trained(), evaluated(other, other))
    assert found.fraction == 0.5
    assert "outputs of another shape" in found.reason


def test_a_blob_of_no_shape_at_all_is_reported() -> None:
    evaluation = answered({"complete": [True, True], "buffers_moved": False}, b"abc", b"abc")
    assert "outputs of another shape" in verdict(trained(), evaluation).reason


def test_statistics_that_evaluate_moved_are_reported() -> None:
    found = verdict(trained(), evaluated(moved=True))
    assert found.fraction == 0.5
    assert "running statistics have changed afterwards" in found.reason


def test_images_that_were_left_out_are_reported() -> None:
    found = verdict(trained(), evaluated(complete=False))
    assert found.fraction == 0.5
    assert "did not run the network on every image" in found.reason


@pytest.mark.parametrize("kind", ["not_found", "exception"])
def test_without_evaluate_the_observed_training_decides(kind: str) -> None:
    assert verdict(trained(), unanswered(kind)).fraction == 1


def test_no_training_earns_nothing_and_says_why() -> None:
    found = verdict(unanswered("time_limit", "no answer within the time limit"))
    assert (found.status, found.fraction) == ("failed", 0)
    assert found.reason == "The time limit was reached: no answer within the time limit."


@pytest.mark.parametrize("which", ["training", "evaluation"])
def test_the_harness_failing_is_not_scored(which: str) -> None:
    lost = unanswered("worker_lost")
    found = verdict(lost) if which == "training" else verdict(trained(), lost)
    assert found.status == "not_scored"


def test_the_phases_are_shown_as_observed() -> None:
    (strip,) = verdict(trained([run("train"), in_train_mode(lr=None)])).pictures
    assert isinstance(strip, PhaseStrip)
    assert [(one.kind, one.batches, one.mode, one.right, one.lr) for one in strip.phases] == [
        ("train", 5, "train", True, 0.1), ("evaluate", 5, "train", False, None),
    ]  # fmt: skip


def test_a_script_that_was_stopped_before_it_evaluated_waits_for_a_person() -> None:
    found = verdict(trained([run("train")], stopped="epochs"))
    assert (found.status, found.fraction) == ("needs_marking", 0)
    assert verdict(trained([run("train")])).fraction == 0.5
