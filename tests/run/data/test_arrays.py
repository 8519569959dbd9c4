"""Arrays of an instructor's own: .npz, .npy, and a function that loads them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from grader.checks.registry import parameter_models
from grader.errors import DataError
from grader.export.student_bundle.bundle import leaks
from grader.rubric.load import load
from grader.rubric.model import DataSpec
from grader.run.data.arrays import of_arrays
from grader.run.data.datasets import Dataset, hidden_of_run, load_dataset, write_view
from grader.worker.dataset_view import open_view

EXAMPLE = Path(__file__).parents[3] / "examples" / "batchnorm"
RANDOM = np.random.default_rng(0)
GREY: NDArray[Any] = RANDOM.integers(0, 256, (50, 6, 5), dtype=np.uint8)
LABELS: NDArray[Any] = np.arange(50) % 3
POINTS = RANDOM.normal(size=(50, 2))


def spec(path: Path, source: str = "arrays", **fields: Any) -> DataSpec:
    wanted = {"validation": 10, "hidden": {"held_out": 15}, **fields}
    return DataSpec.model_validate({"source": source, "path": path, **wanted})


def loaded(path: Path, source: str = "arrays", **fields: Any) -> Dataset:
    return load_dataset(spec(path, source, **fields), path.parent)


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def test_an_npz_is_split_as_any_pool(tmp_path: Path) -> None:
    data = loaded(npz(tmp_path, X_train=GREY, y_train=LABELS, classes=["a", "b", "c"]))
    assert data.train_images.shape == (25, 6, 5, 1) and data.train_images.dtype == np.uint8
    assert (len(data.validation_labels), len(data.hidden_labels)) == (10, 15)
    assert data.classes == ("a", "b", "c") and data.hidden_labels.dtype == np.int64


def test_hidden_inputs_come_from_the_test_part_if_there_is_one(tmp_path: Path) -> None:
    test = {"x_test": POINTS[:30] + 9, "y_test": LABELS[:30]}
    arrays = {"x_train": POINTS, "y_train": LABELS, **test}
    data = loaded(npz(tmp_path, **arrays))
    assert len(data.train_labels) == 50 and data.train_images.dtype == np.float32
    assert data.hidden_images.min() > 4 and data.train_images.max() < 4


def test_a_folder_of_npy_files_is_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", GREY)
    np.save(tmp_path / "labels.npy", LABELS.astype(np.uint8))
    with pytest.raises(DataError, match="found images, labels; expected x_train and y_train"):
        loaded(tmp_path)
    np.save(tmp_path / "x.npy", GREY)
    np.save(tmp_path / "y.npy", LABELS.astype(np.uint8))
    assert loaded(tmp_path).classes == ("0", "1", "2")


def test_a_function_of_the_instructors_loads_them(tmp_path: Path) -> None:
    file = tmp_path / "data.py"
    file.write_text(
        "import numpy as np\n"
        "def load():\n"
        "    x = np.loadtxt(__file__.replace('data.py', 'points.csv'), delimiter=',')\n"
        "    return {'x_train': x, 'y_train': (x[:, 0] > 0).astype(int)}\n"
    )
    with pytest.raises(DataError, match=r"data\.py:3: FileNotFoundError"):
        loaded(file, "loader")
    np.savetxt(tmp_path / "points.csv", POINTS, delimiter=",")
    assert loaded(file, "loader").hidden_images.shape == (15, 2)
    before = of_arrays(file)
    assert of_arrays(file) == before
    np.savetxt(tmp_path / "points.csv", 2 * POINTS, delimiter=",")
    assert of_arrays(file) != before   # a run grades again when what it returns has changed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def read(): pass", "there is no function load"),
        ("def load(): return 1, 2", "returned a tuple; a dict of arrays"),
        ("def load(): return {'x_train': [[1]], 'y_train': [0, 1]}", "1 rows and y_train 2"),
        ("def load(): return {'x_train': ['a'], 'y_train': [0]}", "an array of numbers was"),
        ("def load(): return {'x_train': [float('nan')], 'y_train': [0]}", "NaN"),
        ("import nosuchmodule", "data.py:1: ModuleNotFoundError"),
    ],
)
def test_a_wrong_loader_is_told_with_what_was_expected(
    text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "data.py").write_text(text + "\n")
    with pytest.raises(DataError) as error:
        loaded(tmp_path / "data.py", "loader")
    assert words in str(error.value)


def test_files_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    (tmp_path / "data.npz").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="is no array"):
        loaded(tmp_path / "data.npz")
    np.savez(tmp_path / "data.npz", x_train=np.array([{}]), y_train=[0])
    with pytest.raises(DataError, match=r"data\.npz"):
        loaded(tmp_path / "data.npz")
    with pytest.raises(DataError, match="labels go up to 2"):
        loaded(npz(tmp_path, x_train=GREY, y_train=LABELS, classes=["a"]))
    with pytest.raises(ValidationError, match="needs a 'path'"):
        DataSpec.model_validate({"source": "arrays"})
    with pytest.raises(ValidationError, match=r"a \.py file needs the source 'loader'"):
        spec(tmp_path / "data.py")


def test_only_images_get_noise(tmp_path: Path) -> None:
    for x, noisy in ((GREY, True), (POINTS, False)):
        path = npz(tmp_path, x_train=x, y_train=LABELS)
        data, what = loaded(path), spec(path)
        first, second = hidden_of_run(data, what, 1), hidden_of_run(data, what, 2)
        same = np.array_equal(np.sort(first.images, 0), np.sort(second.images, 0))
        assert same is not noisy and first.images.dtype == data.train_images.dtype


def test_targets_that_are_no_classes_are_kept_as_they_are(tmp_path: Path) -> None:
    data = loaded(npz(tmp_path, x_train=POINTS, y_train=POINTS[:, 0]))
    assert data.classes == () and data.hidden_labels.dtype == np.float32


def test_networks_get_images_standardised_and_other_numbers_as_they_are(tmp_path: Path) -> None:
    for x, shape in ((GREY, (25, 1, 6, 5)), (POINTS, (25, 2))):
        write_view(loaded(npz(tmp_path, x_train=x, y_train=LABELS)), tmp_path / "view")
        view = open_view(tmp_path / "view")
        inputs = view.split("train")[0]
        given = view.normalise(inputs)
        assert tuple(given.shape) == shape and not view.has_photos
        if x is GREY:
            assert abs(float(given.mean())) < 1e-4
        else:
            assert np.array_equal(given.numpy(), inputs)


def test_a_bundle_with_the_whole_file_in_it_is_refused(tmp_path: Path) -> None:
    homework = shutil.copytree(EXAMPLE, tmp_path / "batchnorm")
    rubric = load(homework / "rubric.yaml", parameter_models)
    whole = (homework / "data.npz").read_bytes()
    (found,) = leaks(rubric, {"grading/data.npz": b"the part for students", "copy.npz": whole})
    assert found.startswith("copy.npz is ") and found.endswith("data.npz")


def test_rubric_and_tests_of_the_example_have_sixty_lines() -> None:
    files = [EXAMPLE / name for name in ("rubric.yaml", "test_batchnorm.py")]
    assert sum(len(file.read_text().splitlines()) for file in files) <= 60
    page = (EXAMPLE.parents[1] / "docs" / "tutorial-own.md").read_text(encoding="utf-8")
    assert all(file.read_text(encoding="utf-8") in page for file in files)
