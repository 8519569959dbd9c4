"""The check `optimizer_groups`: a third of the points per group, and each diagnosis."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from grader.checks.groups.optimizer_groups import DOUBTS, MAKE, Params, ask, judge
from grader.checks.training_run import TRAIN
from grader.records import Evidence, Verdict
from grader.rubric.model import Limits
from tests.checks.evidence import (
    CRITERION,
    answered,
    decaying,
    groups_of,
    inputs,
    key,
    optimizer,
    parameter,
    run,
    structure,
    trained,
    unanswered,
    work,
)

ROWS = structure(conv_bias=True)
NORM, BIASES, REST = groups_of(ROWS)
Group = tuple[Sequence[str], float]
OF_FUNCTION = CRITERION.model_copy(update={"params": Params(of="make_optimizer")})


def verdict(training: Evidence, made: Evidence | None = None) -> Verdict:
    evidence = {TRAIN: training, MAKE: made or unanswered("not_found")}
    return judge(CRITERION, work(evidence), key())


def with_groups(*groups: Group, rows: Any = ROWS) -> Evidence:
    return trained(optimizer=optimizer(*groups, rows=rows))


def made(*groups: Group) -> Evidence:
    return answered(optimizer(*groups, rows=ROWS))


def test_it_asks_for_make_optimizer_with_biases_in_convolutions() -> None:
    make, training = ask(CRITERION, inputs(), Limits())
    assert (make.id, training.id) == (MAKE, TRAIN)
    assert make.args["network"]["conv_bias"] is True


def test_decay_on_the_third_group_alone_earns_everything() -> None:
    found = verdict(with_groups(*decaying(ROWS)))
    assert (found.status, found.fraction) == ("passed", 1.0)
    assert found.reason == "SGD applies weight decay to 508 parameters and none to 53. Correct."


def test_any_split_of_groups_with_these_decays_is_right() -> None:
    groups = ((REST[:1], 1e-2), ([*NORM, *BIASES], 0.0), (REST[1:], 5e-4))
    assert verdict(with_groups(*groups)).fraction == 1


def test_decay_on_everything_loses_the_two_groups_that_are_spared() -> None:
    found = verdict(with_groups(([*NORM, *BIASES, *REST], 5e-4)))
    assert found.fraction == pytest.approx(1 / 3)
    assert "6 of 6 tensors of (i) (batch-norm affine) get weight decay and should" in found.reason
    assert "4 of 4 tensors of (ii) (biases) get weight decay and should not." in found.reason


def test_no_decay_at_all_loses_the_rest_only() -> None:
    found = verdict(with_groups(([*NORM, *BIASES, *REST], 0.0)))
    assert found.fraction == pytest.approx(2 / 3)
    assert found.reason == "4 of 4 tensors of (iii) (all the rest) get no weight decay."


def test_sparing_the_biases_and_decaying_batch_norms_loses_only_that() -> None:
    weights = [name for name in NORM if name.endswith("weight")]
    spared = [name for name in (*NORM, *BIASES) if name not in weights]
    found = verdict(with_groups((spared, 0.0), ([*weights, *REST], 5e-4)))
    assert found.fraction == pytest.approx(2 / 3)
    assert "3 of 6 tensors of (i) (batch-norm affine) get weight decay" in found.reason


@pytest.mark.parametrize("group", [0, 1, 2])
def test_a_group_that_is_left_out_is_reported(group: int) -> None:
    groups = [pair for number, pair in enumerate(decaying(ROWS)) if number != group]
    found = verdict(with_groups(*groups))
    assert found.fraction == pytest.approx(2 / 3)
    assert "are not in the optimizer, such as" in found.reason


def test_a_parameter_that_stands_twice_is_reported() -> None:
    found = verdict(with_groups(*decaying(ROWS), (BIASES[:1], 0.0)))
    assert found.fraction == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert found.reason == "Some tensors of (ii) (biases) are in the optimizer twice."


def test_frozen_parameters_need_not_be_in_the_optimizer() -> None:
    rows = [[*row[:4], row[0] != "conv1.weight", row[5]] for row in ROWS]
    groups = ((NORM, 0.0), (BIASES, 0.0), ([name for name in REST if name != "conv1.weight"], 1e-4))
    assert verdict(with_groups(*groups, rows=rows)).fraction == 1


def test_a_network_without_batch_norms_has_nothing_to_spare_there() -> None:
    rows = [row for row in ROWS if row[0] not in NORM]
    assert verdict(with_groups(*decaying(rows), rows=rows)).fraction == 1


def test_the_optimizer_that_trained_counts_and_make_optimizer_is_a_hint() -> None:
    found = verdict(with_groups(([*NORM, *BIASES, *REST], 5e-4)), made(*decaying(ROWS)))
    assert found.fraction == pytest.approx(1 / 3)
    assert "make_optimizer() groups parameters unlike the optimizer that trained." in found.hints


def test_make_optimizer_counts_where_nothing_was_trained() -> None:
    assert verdict(unanswered("not_found"), made(*decaying(ROWS))).fraction == 1
    assert verdict(trained(optimizer=None), made(*decaying(ROWS))).fraction == 1


@pytest.mark.parametrize(
    ("training", "make", "told"),
    [
        ("not_found", "not_found", "not_found"),
        ("exception", "not_found", "exception"),
        ("not_found", "exception", "exception"),
        ("exception", "bad_answer", "bad_answer"),
    ],
)
def test_without_any_optimizer_the_failure_is_reported(training: str, make: str, told: str) -> None:
    found = verdict(unanswered(training, "no training"), unanswered(make, "no optimizer"))
    assert (found.status, found.fraction) == ("failed", 0)
    assert found.seen["outcome"] == told


def test_a_file_that_cannot_be_loaded_is_shown_with_its_error() -> None:
    message = "hw2.py, line 6: SyntaxError: expected ':'"
    found = verdict(*(unanswered("exception", message, phase="load") for _ in range(2)))
    assert "line 6: SyntaxError" in found.reason and "hidden" not in found.reason


def test_a_network_that_was_trained_by_hand_waits_for_a_person() -> None:
    found = verdict(trained(optimizer=None))
    assert (found.status, found.fraction) == ("needs_marking", 0)
    assert "without an optimizer of torch.optim" in found.reason


def test_a_time_limit_of_both_is_not_blamed_on_hidden_data() -> None:
    slow = "no training step was taken within 60 s; by then the code was at hw2.py, line 21"
    found = verdict(unanswered("time_limit", slow), unanswered("time_limit"))
    assert slow in found.reason and "hidden" not in found.reason


@pytest.mark.parametrize("which", ["training", "make"])
def test_the_harness_failing_is_not_scored(which: str) -> None:
    lost = unanswered("worker_lost")
    found = verdict(lost, made(*decaying(ROWS))) if which == "training" else verdict(
        with_groups(*decaying(ROWS)), lost
    )
    assert found.status == "not_scored"


def unused(*groups: tuple[Group, ...]) -> Evidence:
    """A training that was not seen, and the optimizers that its code builds."""
    built = [optimizer(*some, rows=ROWS) for some in groups]
    return dataclasses.replace(unanswered("not_found"), value={"built": built})


EVERYTHING: tuple[Group, ...] = (([*NORM, *BIASES, *REST], 5e-4),)


@pytest.mark.parametrize("kind", ["not_found", "exception", "time_limit"])
def test_an_optimizer_without_a_step_is_judged_where_no_training_was_seen(kind: str) -> None:
    training = dataclasses.replace(unanswered(kind), value=unused(decaying(ROWS)).value)
    found = verdict(training)
    assert (found.status, found.fraction) == ("passed", 1)
    assert "No training was seen" in found.hints[0]
    assert verdict(unused(EVERYTHING)).fraction == pytest.approx(1 / 3)


def test_several_optimizers_without_a_step_are_for_a_person_unless_they_are_alike() -> None:
    assert verdict(unused(decaying(ROWS), decaying(ROWS))).fraction == 1
    found = verdict(unused(EVERYTHING, decaying(ROWS)))
    assert (found.status, len(found.tables)) == ("needs_marking", 2)
    assert "builds 2 different optimizers" in found.reason


def test_an_optimizer_without_a_step_is_no_excuse_for_one_that_trained() -> None:
    training = with_groups(*EVERYTHING)
    training.value["built"] = [optimizer(*decaying(ROWS), rows=ROWS)]
    assert verdict(training).fraction == pytest.approx(1 / 3)
    assert verdict(unused(EVERYTHING), made(*decaying(ROWS))).fraction == 1
    assert verdict(unused()).status == "failed"


def penalised(names: Sequence[str], *groups: Group) -> Verdict:
    seen = optimizer(*groups, rows=ROWS) | {"penalised": list(names)}
    return verdict(trained(optimizer=seen))


def test_weight_decay_by_hand_is_for_a_person_who_learns_what_it_would_earn() -> None:
    nothing = ([*NORM, *BIASES, *REST], 0.0)
    found = penalised(REST, nothing)
    assert (found.status, found.seen["would_earn"]) == ("needs_marking", 1)
    assert "508 of 508 parameters of (iii): weight decay by hand" in found.reason
    everywhere = penalised([*NORM, *BIASES, *REST], nothing)
    assert (everywhere.status, everywhere.seen["would_earn"]) == ("needs_marking", 1 / 3)
    spoilt = penalised(NORM, *decaying(ROWS))
    assert (spoilt.status, spoilt.seen["would_earn"]) == ("needs_marking", 2 / 3)


def test_a_penalty_that_changes_nothing_asks_nobody() -> None:
    assert penalised(REST, *decaying(ROWS)).fraction == 1
    assert penalised([*NORM, *REST], *EVERYTHING).fraction == pytest.approx(1 / 3)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_steps_that_do_not_agree_with_the_groups_are_for_a_person(doubt: str) -> None:
    seen = optimizer(*decaying(ROWS), rows=ROWS) | {"doubt": doubt}
    found = verdict(trained(optimizer=seen))
    assert (found.status, found.seen["would_earn"]) == ("needs_marking", 1)
    assert found.reason == f"{DOUBTS[doubt]}. A person reads the code."


def test_the_learning_rate_is_reported_as_observed() -> None:
    rates = [0.1, 0.1, 0.01, None]
    found = verdict(trained([run("train", lr=rate) for rate in rates]))
    assert "Learning rate by epoch: 0.1, 0.01, ?." in found.hints


def test_the_table_has_a_row_per_group_of_the_optimizer() -> None:
    found = verdict(with_groups(*decaying(ROWS)))
    assert [row[1:] for row in found.tables[0].rows] == [
        ("0", "40", "0", "0"), ("0", "0", "13", "0"), ("0.0005", "0", "0", "508"),
    ]


def plain_network(decay: float) -> Evidence:
    """A training of a network without batch norms and biases."""
    rows = [parameter("conv.weight", 108, "convolution", 0)]
    return trained(optimizer=optimizer((["conv.weight"], decay), rows=rows))


def test_a_group_that_the_trained_network_lacks_is_judged_on_the_hidden_one() -> None:
    everything = ([row[0] for row in ROWS], 5e-4)
    assert verdict(plain_network(5e-4), made(everything)).fraction == pytest.approx(1 / 3)
    assert verdict(plain_network(5e-4), made(*decaying(ROWS))).fraction == 1


def test_a_training_with_nothing_to_spare_waits_for_a_person() -> None:
    found = verdict(plain_network(5e-4), unanswered("not_found"))
    assert found.status == "needs_marking"
    assert "neither batch norms nor biases" in found.reason


def test_output_about_the_hidden_network_is_not_passed_on() -> None:
    answer = made(*decaying(ROWS))
    answer.value["optimizer"] = "Width16"
    found = verdict(unanswered("exception"), answer)
    assert found.fraction == 1
    assert found.reason.startswith(
        "The optimizer of make_optimizer() applies weight decay to 508 parameters"
    )
    assert [row[1] for row in found.tables[0].rows] == ["no", "no", "yes"]


def of_function(made: Evidence) -> Verdict:
    """The verdict without any evidence of a training."""
    return judge(OF_FUNCTION, work({MAKE: made}), key())


def test_a_criterion_on_the_function_alone_asks_for_no_training() -> None:
    assert [question.id for question in ask(OF_FUNCTION, inputs(), Limits())] == [MAKE]


def test_the_function_alone_is_judged_by_the_same_thirds() -> None:
    right, everything = decaying(ROWS), ([*NORM, *BIASES, *REST], 5e-4)
    assert of_function(made(*right)).fraction == 1
    found = of_function(made(everything))
    assert found.fraction == pytest.approx(1 / 3)
    assert "6 of 6 tensors of (i) (batch-norm affine) get weight decay" in found.reason


def test_a_training_that_another_criterion_asked_for_does_not_count_for_the_function() -> None:
    evidence = {TRAIN: with_groups(*decaying(ROWS)), MAKE: made(([*NORM, *BIASES, *REST], 5e-4))}
    assert judge(OF_FUNCTION, work(evidence), key()).fraction == pytest.approx(1 / 3)


def test_a_missing_function_is_named_without_the_codes_own_output() -> None:
    found = of_function(unanswered("not_found", "width 16 was seen", output="conv1 has 16"))
    assert found.status == "failed"
    assert found.reason == "This was not found: a function make_optimizer(model)."
    assert "16" not in str(found.seen)


def test_an_exception_about_the_hidden_network_is_not_passed_on() -> None:
    found = of_function(unanswered("exception", "ValueError: width 16"))
    assert (found.status, found.fraction) == ("failed", 0)
    assert "16" not in found.reason


def test_the_harness_failing_at_the_function_alone_is_not_scored() -> None:
    assert of_function(unanswered("worker_lost")).status == "not_scored"
