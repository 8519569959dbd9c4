"""The shapes: the same on every machine, new for every run, and no job for a table of pixels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from grader.export.student_bundle.public_rubric import public_rubric
from grader.rubric.model import DataSpec, Hidden, Profile, Rubric, Threshold
from grader.run.context import RunContext, draw_context, draw_seed
from grader.run.data import shapes
from grader.run.data.datasets import Dataset, load_dataset
from grader.run.data.sources import Images
from tests.factories import criterion, rubric

SPEC = DataSpec(source="shapes", validation=30, hidden=Hidden(held_out=40), limit_train=50)


def dataset(**fields: object) -> Dataset:
    return load_dataset(SPEC.model_copy(update=fields), Path("unused"))


def homework(spec: DataSpec) -> Rubric:
    full = Threshold(accuracy=0.5, share=1)
    profile = Profile(epochs=1, seconds=1, thresholds=(full,), data=spec)
    return rubric(criterion(), profiles={"quick": profile})


def context(seed: int, given: Dataset, spec: DataSpec = SPEC) -> RunContext:
    return draw_context(given, homework(spec), seed, 1, Path(__file__).parent / "unused")


def pixels(*images: Images) -> set[bytes]:
    return {image.tobytes() for some in images for image in some}


def test_a_seed_gives_the_same_pixels_on_every_machine() -> None:
    images, labels = shapes.draw(40, 5, 1)
    digest = hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()
    assert digest[:16] == "ddb077a260e95a6e", "shapes that students have at home must not change"


def test_there_are_ten_classes_and_every_one_is_drawn() -> None:
    images, labels = shapes.draw(200, 5, 1)
    assert images.shape == (200, 12, 12, 3) and images.dtype == np.uint8
    assert set(labels.tolist()) == set(range(10)) and len(shapes.SHAPES) == 10


def test_more_pictures_of_a_seed_begin_with_the_same_ones() -> None:
    few, many = shapes.draw(5, 3, 1), shapes.draw(9, 3, 1)
    assert np.array_equal(few[0], many[0][:5]) and np.array_equal(few[1], many[1][:5])


def test_the_rubric_says_how_many_pictures_there_are() -> None:
    data = dataset()
    counts = [len(one) for one in (data.train_labels, data.validation_labels, data.hidden_labels)]
    assert counts == [50, 30, 40]
    assert data.classes == tuple(shapes.SHAPES)
    assert len(dataset(limit_train=None).train_labels) == shapes.TRAINING


def test_hidden_pictures_are_drawn_for_the_run_and_all_others_are_public() -> None:
    data = dataset()
    first, again, other = (context(seed, data) for seed in (11, 11, 12))
    assert np.array_equal(first.inputs.hidden_images, again.inputs.hidden_images)
    assert np.array_equal(first.hidden_labels, again.hidden_labels)
    public = pixels(data.train_images, data.validation_images, data.hidden_images)
    assert len(public) == 50 + 30 + 40
    assert not pixels(first.inputs.hidden_images) & pixels(other.inputs.hidden_images)
    assert not public & pixels(first.inputs.hidden_images, other.inputs.hidden_images)


@pytest.mark.parametrize("seed", [0, 1, 7, 2**40])
def test_a_run_and_a_rubric_of_one_seed_share_no_picture(seed: int) -> None:
    data = dataset(seed=seed)
    public = pixels(data.train_images, data.validation_images, data.hidden_images)
    assert not public & pixels(context(seed, data).inputs.hidden_images)


def test_a_run_draws_a_seed_that_cannot_be_found_by_trying_all() -> None:
    # With 31 bits a program that draws one picture for each seed finds the run's in minutes.
    assert max(draw_seed() for _ in range(50)) > 2**57
    assert all(0 <= draw_seed() < 2**63 for _ in range(50))   # what --seed and SQLite take


def test_an_instructors_own_hidden_pictures_are_used_as_they_are(tmp_path: Path) -> None:
    images, labels = shapes.draw(6, 99)
    np.save(tmp_path / "x.npy", images)
    np.save(tmp_path / "y.npy", labels)
    hidden = Hidden(held_out=None, images=tmp_path / "x.npy", labels=tmp_path / "y.npy")
    spec = SPEC.model_copy(update={"hidden": hidden})
    drawn = context(11, load_dataset(spec, tmp_path), spec)
    near = np.abs(drawn.inputs.hidden_images[:, None].astype(int) - images).max((2, 3, 4)) <= 2
    assert near.sum() == 6 and np.array_equal(labels[near.argmax(1)], drawn.hidden_labels)


def test_students_draw_the_same_training_pictures_and_hidden_ones_of_their_own() -> None:
    spec = SPEC.model_copy(update={"seed": 8})
    document = public_rubric(homework(spec), seed=424242, hidden=40).document
    (given,) = (one["data"] for one in document["profiles"].values())
    at_home = load_dataset(DataSpec.model_validate(given), Path("unused"))
    assert np.array_equal(at_home.train_images, dataset(seed=8).train_images)
    assert "424242" not in str(document)


def test_pictures_of_other_classes_are_as_near_as_those_of_the_same() -> None:
    (train, classes), (images, labels) = shapes.draw(shapes.TRAINING, 0, 1), shapes.draw(300, 77)
    there, here = (some.reshape(len(some), -1) / 255 for some in (train, images))
    distances = (there**2).sum(1) - 2 * here @ there.T
    nearest = classes[np.argsort(distances, 1)[:, :5]]
    votes = np.array([np.bincount(row, minlength=10).argmax() for row in nearest])
    assert (votes == labels).mean() < 0.5
    assert (nearest[:, 0] == labels).mean() < 0.55
