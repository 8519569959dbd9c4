"""The page of a training run: phases, curve, figures and cautions."""

from __future__ import annotations

import base64
import io
import typing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grader.checks import training_report
from grader.checks.groups.optimizer_groups import Params
from grader.checks.training_report import training_run, with_run
from grader.checks.training_run import TRAIN
from grader.records import Evidence, TrainingRun, Verdict
from grader.rubric.model import Criterion
from grader.sandbox.answer_schema import Training
from tests.checks.evidence import CRITERION, answered, run, trained, unanswered


def page(evidence: Evidence) -> TrainingRun:
    return training_run(evidence)


def test_an_epoch_is_reported_with_its_loss_accuracy_mode_and_place() -> None:
    rows = [
        run("train", place="hw2.py, line 9", ended_at=50, images=50, lr=0.1),
        run("evaluate", place="hw2.py, line 20", norms_training=3, norms_evaluating=2),
    ]
    first, second = page(trained(rows)).stretches
    assert (first.kind, first.mode, first.right, first.place) == (
        "train", "train", True, "hw2.py, line 9"
    )
    assert (first.loss, first.accuracy, first.lr) == (0.5, 0.8, 0.1)
    assert (second.kind, second.mode, second.right) == ("evaluate", "mixed", False)


def test_a_mistake_of_mode_is_a_caution_with_its_place() -> None:
    rows = [run("train"), run("evaluate", norms_training=5, norms_evaluating=0, place="x, line 7")]
    (caution,) = page(trained(rows)).cautions
    assert (caution.what, caution.where) == (
        "The network is in train mode while it is evaluated.", "x, line 7"
    )
    assert caution.why


def test_a_network_that_is_evaluated_on_training_images_only_is_reported_so() -> None:
    own = run("evaluate") | {"on_training_data": True}
    (caution,) = page(trained([run("train"), own])).cautions
    assert caution.what == "Every evaluation is of images that the network was trained on."
    assert not page(trained([run("train"), own, run("evaluate")])).cautions


@pytest.mark.parametrize(
    "early",
    [{"after_steps": 0}, {"passes": 1, "images": 2}],
    ids=["before training", "a look at two images"],
)
def test_the_mode_of_a_short_pass_is_no_mistake(early: dict[str, Any]) -> None:
    row = run("evaluate", norms_training=5, norms_evaluating=0) | early
    found = page(trained([run("train"), row]))
    assert not found.cautions
    assert all(stretch.right for stretch in found.stretches)


def test_every_kind_of_mistake_has_a_caution() -> None:
    field = Training.model_fields["mistakes"].annotation
    (mistake,) = typing.get_args(typing.get_args(field)[0] if len(
        typing.get_args(field)) > 1 else field)
    kinds = typing.get_args(mistake.model_fields["kind"].annotation)
    assert set(kinds) == set(training_report._MISTAKES)
    for kind in kinds:
        told = {"runs": [], "optimizer": None, "batches_tracked": [],
                "mistakes": [{"kind": kind, "place": "a, line 1", "detail": "12"}]}
        (caution,) = training_report.cautions(told)
        assert "{" not in caution.what and caution.why.endswith(".")


def test_a_figure_becomes_a_png_of_its_pixels() -> None:
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    told = trained(figures=[{"title": "loss", "height": 2, "width": 3}])
    evidence = answered(told.value, pixels.tobytes())
    (figure,) = page(evidence).figures
    assert (figure.title, figure.width, figure.height) == ("loss", 3, 2)
    picture = Image.open(io.BytesIO(base64.b64decode(figure.png)))
    assert np.array_equal(np.asarray(picture), pixels)


def test_a_curve_counts_epochs_by_images_and_leaves_training_data_out() -> None:
    rows = [
        run("train", ended_at=50),
        run("evaluate", ended_at=50, correct=10, on_training_data=True),
        run("evaluate", ended_at=50, correct=20),
        run("train", ended_at=75),
        run("evaluate", ended_at=75, correct=40),
    ]
    curve = page(trained(rows, images_per_epoch=50)).curve
    assert curve is not None
    training, validation = curve.accuracy
    assert training.points == ((1.0, 0.8), (1.5, 0.8))
    assert validation.points == ((1.0, 0.4), (1.5, 0.8))


def test_a_loss_that_is_not_a_number_is_left_out_of_the_curve() -> None:
    found = page(trained([run("train"), run("train", loss="nan")]))
    assert found.curve is not None
    assert found.curve.loss[0].points == ((1.0, 0.5),)
    assert found.stretches[1].loss is None


def criterion(name: str, check: str, visibility: str) -> Criterion:
    return CRITERION.model_copy(update={"id": name, "check": check, "visibility": visibility})


@pytest.mark.parametrize(
    ("visibilities", "carrier"),
    [
        (("visible", "visible"), "modes"),
        (("hidden", "visible"), "accuracy"),
        (("hidden", "after_due"), "accuracy"),
    ],
)
def test_the_most_visible_criterion_carries_the_run(
    visibilities: tuple[str, str], carrier: str
) -> None:
    criteria = [
        criterion("groups", "param_groups", "visible"),
        criterion("modes", "mode_switch", visibilities[0]),
        criterion("accuracy", "accuracy", visibilities[1]),
    ]
    verdicts = [Verdict(one.id, "passed", 1.0, "") for one in criteria]
    found = with_run(criteria, verdicts, {TRAIN: trained()})
    assert [one.criterion for one in found if one.run] == [carrier]


def test_a_criterion_on_the_function_alone_does_not_carry_the_run() -> None:
    alone = criterion("optimizer", "optimizer_groups", "visible")
    alone = alone.model_copy(update={"params": Params(of="make_optimizer")})
    criteria = [alone, criterion("accuracy", "accuracy", "hidden")]
    verdicts = [Verdict(one.id, "passed", 1.0, "") for one in criteria]
    found = with_run(criteria, verdicts, {TRAIN: trained()})
    assert [one.criterion for one in found if one.run] == ["accuracy"]


def test_a_run_that_a_known_verdict_carries_is_not_attached_again() -> None:
    criteria = [criterion("accuracy", "accuracy", "visible")]
    verdicts = [Verdict("accuracy", "passed", 1.0, "")]
    known = Verdict("modes", "passed", 1.0, "", run=page(trained()))
    assert with_run(criteria, verdicts, {TRAIN: trained()}, [known]) == verdicts
    again = trained()
    other = replace(again, outcome=replace(again.outcome, seconds=99.0))
    (found,) = with_run(criteria, verdicts, {TRAIN: other}, [known])
    assert found.run is not None, "another training than that one"


def test_without_a_training_there_is_no_run() -> None:
    criteria = [criterion("accuracy", "accuracy", "visible")]
    verdicts = [Verdict("accuracy", "failed", 0.0, "")]
    for evidence in ({}, {TRAIN: unanswered("crashed")}):
        assert with_run(criteria, verdicts, evidence) == verdicts
