from __future__ import annotations

import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from grader.errors import DataError
from grader.rubric.model import DataSpec, Hidden
from grader.run.data import sources as data_sources
from grader.run.data.datasets import Dataset, load_dataset, write_view


def spec(**fields: Any) -> DataSpec:
    return DataSpec.model_validate(fields)


def rows(dataset: Dataset) -> dict[str, set[bytes]]:
    """The images of each part, to see whether parts have some in common."""
    return {
        part: {image.tobytes() for image in getattr(dataset, f"{part}_images")}
        for part in ("train", "validation", "hidden")
    }


# --- Digits and splits -----------------------------------------------------------------------


def test_the_digits_need_nothing_and_are_split_1197_300_300(tmp_path: Path) -> None:
    digits = load_dataset(spec(), tmp_path)
    assert digits.train_images.shape == (1197, 8, 8, 3) and digits.train_images.dtype == np.uint8
    assert digits.validation_images.shape == digits.hidden_images.shape == (300, 8, 8, 3)
    assert digits.train_labels.dtype == np.int64 and digits.train_labels.shape == (1197,)
    assert digits.classes == tuple("0123456789")
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_the_digits_are_read_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    assert load_dataset(spec(), tmp_path / "cache").train_images.shape == (1197, 8, 8, 3)


def test_the_parts_of_a_pool_are_disjoint(tmp_path: Path) -> None:
    parts = rows(load_dataset(spec(), tmp_path))
    assert not parts["train"] & parts["hidden"]
    assert not parts["validation"] & parts["hidden"]
    assert not parts["train"] & parts["validation"]


def test_the_same_seed_gives_the_same_split_and_another_one_another(tmp_path: Path) -> None:
    first, again, other = (load_dataset(spec(seed=seed), tmp_path) for seed in (3, 3, 4))
    assert np.array_equal(first.train_images, again.train_images)
    assert np.array_equal(first.hidden_labels, again.hidden_labels)
    assert not np.array_equal(first.hidden_images, other.hidden_images)


def test_the_hidden_images_stay_when_the_other_parts_change(tmp_path: Path) -> None:
    first = load_dataset(spec(), tmp_path)
    other = load_dataset(spec(validation=100, limit_train=50), tmp_path)
    assert np.array_equal(first.hidden_images, other.hidden_images)
    assert (len(other.validation_labels), len(other.train_labels)) == (100, 50)


def test_too_few_images_for_the_split_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 1797 images, too few for 300 hidden and 1497"):
        load_dataset(spec(validation=1497), tmp_path)


def test_hidden_images_from_nowhere_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give 'held_out'"):
        load_dataset(spec(hidden={}), tmp_path)


def test_the_students_view_has_no_hidden_part(tmp_path: Path) -> None:
    digits = load_dataset(spec(), tmp_path)
    write_view(digits, tmp_path / "a" / "view")
    names = sorted(file.name for file in (tmp_path / "a" / "view").iterdir())
    assert names == [
        "meta.json",
        "train_images.npy",
        "train_labels.npy",
        "validation_images.npy",
        "validation_labels.npy",
    ]
    meta = json.loads((tmp_path / "a" / "view" / "meta.json").read_text())
    assert meta == {"name": "digits", "classes": list("0123456789")}
    seen = np.load(tmp_path / "a" / "view" / "validation_images.npy")
    assert np.array_equal(seen, digits.validation_images)


def test_what_was_handed_out_lies_beside_the_data(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "__pycache__").mkdir(parents=True)
    (given / "weights").mkdir()
    for name in ("net.py", "weights/start.pth", "__pycache__/net.pyc"):
        (given / name).write_text(name, encoding="utf-8")
    write_view(load_dataset(spec(), tmp_path), tmp_path / "view", given)
    copy = tmp_path / "view" / "handouts"
    files = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert files == {"net.py", "weights/start.pth"}
    assert (copy / "net.py").read_text(encoding="utf-8") == "net.py"


# --- Hidden images from files ------------------------------------------------------------------


def hidden_files(folder: Path, images: Any, labels: Any) -> DataSpec:
    np.save(folder / "x.npy", images)
    np.save(folder / "y.npy", labels)
    return DataSpec(hidden=Hidden(held_out=None, images=folder / "x.npy", labels=folder / "y.npy"))


def test_hidden_images_may_come_from_two_files(tmp_path: Path) -> None:
    images = np.arange(5 * 192, dtype=np.uint8).reshape(5, 8, 8, 3)
    dataset = load_dataset(
        hidden_files(tmp_path, images, np.array([9, 0, 1, 2, 3], np.int32)), tmp_path
    )
    assert np.array_equal(dataset.hidden_images, images)
    assert dataset.hidden_labels.dtype == np.int64
    assert dataset.hidden_labels.tolist() == [9, 0, 1, 2, 3]
    assert len(dataset.train_labels) == 1797 - 300


GOOD = np.zeros((2, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (GOOD.astype(np.float32), [0, 1], r"x\.npy: found float32 .* expected uint8 \(N, 8, 8, 3"),
        (GOOD.transpose(0, 3, 1, 2), [0, 1], r"x\.npy: found uint8 \(2, 3, 8, 8\)"),
        (GOOD[:0], np.zeros(0, np.int64), r"x\.npy: .* N from 1 up"),
        (GOOD, [0.0, 1.0], r"y\.npy: found float64 \(2,\), expected integers \(2,\)"),
        (GOOD, [0, 1, 2], r"y\.npy: found int64 \(3,\)"),
        (GOOD, [0, 10], r"y\.npy: labels go from 0 to 10, expected 0 to 9"),
        (GOOD, [-1, 1], r"y\.npy: labels go from -1 to 1"),
        (np.array([None, {}]), [0, 1], r"x\.npy: not an array: .*allow_pickle"),
    ],
)
def test_wrong_hidden_files_are_told_apart(
    tmp_path: Path, images: Any, labels: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(hidden_files(tmp_path, images, labels), tmp_path)


def test_a_hidden_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    wanted = hidden_files(tmp_path, GOOD, [0, 1])
    (tmp_path / "y.npy").unlink()
    with pytest.raises(DataError, match=r"y\.npy: there is no such file"):
        load_dataset(wanted, tmp_path)


# --- CIFAR-10 ------------------------------------------------------------------------------------


def dump(file: Path, content: Any) -> None:
    """Pickle text and bytes as Python 2 did, which is how CIFAR-10 was published."""

    def save_string(pickler: Any, text: str | bytes) -> None:
        raw = text.encode("latin1") if isinstance(text, str) else text
        pickler.write(b"T" + struct.pack("<i", len(raw)) + raw)
        pickler.memoize(text)

    with file.open("wb") as stream:
        pickler: Any = pickle._Pickler(stream, protocol=2)
        pickler.dispatch = {**pickler.dispatch, str: save_string, bytes: save_string}
        pickler.dump(content)


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rng = np.random.default_rng(0)
    dump(folder / "batches.meta", {"label_names": ["cat", "dog", "frog"], "num_vis": 3072})
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        pixels = rng.integers(0, 256, (6, 3072), dtype=np.uint8)
        batch = {"data": pixels, "labels": [0, 1, 2, 0, 1, 2], "filenames": ["a.png"] * 6}
        dump(folder / name, batch)
    return tmp_path


def small(path: Path, source: str = "cifar10", **fields: Any) -> DataSpec:
    return spec(source=source, path=path, validation=2, hidden={"held_out": 3}, **fields)


def test_cifar10_is_read_as_torchvision_lays_it_out(cifar10: Path) -> None:
    dataset = load_dataset(small(cifar10), cifar10)
    assert dataset.classes == ("cat", "dog", "frog")
    assert dataset.train_images.shape == (30, 32, 32, 3)
    with (cifar10 / "cifar-10-batches-py" / "data_batch_1").open("rb") as stream:
        published = pickle.load(stream, encoding="latin1")
    first = published["data"][0].reshape(3, 32, 32).transpose(1, 2, 0)
    place = [np.array_equal(image, first) for image in dataset.train_images].index(True)
    assert dataset.train_labels[place] == published["labels"][0]


def test_hidden_and_validation_are_disjoint_parts_of_the_test_part(cifar10: Path) -> None:
    dataset = load_dataset(small(cifar10 / "cifar-10-batches-py"), cifar10)
    parts = rows(dataset)
    assert [len(parts[part]) for part in ("train", "validation", "hidden")] == [30, 2, 3]
    assert len(parts["train"] | parts["validation"] | parts["hidden"]) == 35
    with pytest.raises(DataError, match="the test part has 6 images, too few"):
        load_dataset(
            spec(source="cifar10", path=cifar10, validation=4, hidden={"held_out": 3}), cifar10
        )


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('this ran')",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no pickle", "not a part of CIFAR-10"),
        (pickle.dumps({"data": Attack()}), "builtins.exec in it"),
        (pickle.dumps([1]), "list in it, a dict was expected"),
        (pickle.dumps({"data": np.zeros((6, 3072)), "labels": [0] * 6}), "'data' is not"),
        (pickle.dumps({"data": [0], "labels": [0] * 6}), "'data' is not"),
        (pickle.dumps({"data": np.zeros((6, 3072), np.uint8)}), "'labels' is not a list"),
        (pickle.dumps({"data": np.zeros((6, 3072), np.uint8), "labels": [3] * 6}), "from 0 to 2"),
        (pickle.dumps({"data": np.zeros((6, 3072), np.uint8), "labels": [0]}), "not 6 numbers"),
    ],
)
def test_a_damaged_or_hostile_batch_is_refused(cifar10: Path, content: bytes, message: str) -> None:
    (cifar10 / "cifar-10-batches-py" / "data_batch_3").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(small(cifar10), cifar10)
    assert "data_batch_3" in str(caught.value) and "--download" in str(caught.value)


def test_a_missing_batch_is_named_with_what_to_do(cifar10: Path) -> None:
    (cifar10 / "cifar-10-batches-py" / "test_batch").unlink()
    with pytest.raises(DataError, match=r"test_batch: .*No such file.*--download"):
        load_dataset(small(cifar10), cifar10)


# --- Image folders and zips ----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten training images and six test images of two classes, each of its own colour."""
    root, colour = tmp_path / "pets", 0
    for part, count in (("train", 5), ("test", 3)):
        for name in ("cat", "dog"):
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                colour += 1
                image = Image.new("RGB", (12, 10), (colour, 100 if name == "cat" else 200, 0))
                image.save(root / part / name / f"{i}.png")
    (root / "train" / "cat" / "notes.txt").write_text("not an image")
    (root / "train" / "cat" / "._0.png").write_text("not an image either")
    return root


def zipped(folder: Path, prefix: str = "") -> Path:
    file = folder.with_suffix(".zip")
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*"), reverse=True):
            archive.write(path, prefix + str(path.relative_to(folder)))
    return file


def test_a_folder_of_images_is_a_dataset(folder: Path, tmp_path: Path) -> None:
    dataset = load_dataset(small(folder, "imagefolder"), tmp_path / "cache")
    assert dataset.classes == ("cat", "dog")
    assert dataset.train_images.shape == (10, 10, 12, 3)
    assert (dataset.train_images[:, 0, 0, 1] == np.where(dataset.train_labels == 0, 100, 200)).all()
    reds = [set(part[:, 0, 0, 0].tolist()) for part in (dataset.train_images,)]
    assert reds == [set(range(1, 11))]
    assert {*dataset.validation_images[:, 0, 0, 0], *dataset.hidden_images[:, 0, 0, 0]} <= {
        *range(11, 17)
    }


@pytest.mark.parametrize("prefix", ["", "pets/"])
def test_a_zip_of_the_folder_is_the_same_dataset(folder: Path, tmp_path: Path, prefix: str) -> None:
    plain = load_dataset(small(folder, "imagefolder"), tmp_path / "cache")
    packed = load_dataset(small(zipped(folder, prefix), "imagefolder"), tmp_path / "cache")
    for field in ("train_images", "train_labels", "validation_labels", "hidden_images"):
        assert np.array_equal(getattr(plain, field), getattr(packed, field)), field


def test_without_a_test_part_all_three_come_from_the_one_pool(folder: Path, tmp_path: Path) -> None:
    (folder / "test").rename(tmp_path / "elsewhere")
    dataset = load_dataset(small(folder, "imagefolder"), tmp_path / "cache")
    assert [len(part) for part in rows(dataset).values()] == [5, 2, 3]
    assert len(set.union(*rows(dataset).values())) == 10


def test_images_are_decoded_once_and_anew_when_the_source_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    decode = data_sources._decode

    def counted(*arguments: Any) -> data_sources.Source:
        decoded.append(1)
        return decode(*arguments)

    monkeypatch.setattr(data_sources, "_decode", counted)
    cache = tmp_path / "cache"
    first = load_dataset(small(folder, "imagefolder"), cache)
    again = load_dataset(small(folder, "imagefolder"), cache)
    assert len(decoded) == 1
    assert np.array_equal(first.hidden_images, again.hidden_images)
    assert first.classes == again.classes
    Image.new("RGB", (12, 10)).save(folder / "train" / "cat" / "new.png")
    assert len(load_dataset(small(folder, "imagefolder"), cache).train_labels) == 11
    assert len(decoded) == 2


def test_a_damaged_cache_is_written_anew(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = load_dataset(small(folder, "imagefolder"), cache)
    (kept,) = cache.iterdir()
    for damage in (kept.read_bytes()[:-200], b"", b"not a zip"):
        kept.write_bytes(damage)
        again = load_dataset(small(folder, "imagefolder"), cache)
        assert np.array_equal(first.train_images, again.train_images)
    assert [file.name for file in cache.iterdir()] == [kept.name]


def test_a_cache_that_cannot_be_written_is_an_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot be written: .*choose another cache"):
        load_dataset(small(folder, "imagefolder"), tmp_path / "file")


def test_a_damaged_image_is_named(folder: Path, tmp_path: Path) -> None:
    file = folder / "train" / "dog" / "2.png"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(DataError, match=r"train/dog/2\.png: not an image: .*replace or remove"):
        load_dataset(small(folder, "imagefolder"), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_images_of_two_sizes_are_an_error(folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (12, 11)).save(folder / "test" / "dog" / "2.png")
    with pytest.raises(DataError, match=r"dog/2\.png: 11 x 12 pixels, but .* has 10 x 12"):
        load_dataset(small(folder, "imagefolder"), tmp_path / "cache")


def test_a_class_that_is_only_tested_is_an_error(folder: Path, tmp_path: Path) -> None:
    (folder / "test" / "dog").rename(folder / "test" / "cow")
    with pytest.raises(DataError, match=r"test/cow/0\.png: a class without training images"):
        load_dataset(small(folder, "imagefolder"), tmp_path / "cache")


def test_grey_images_become_three_channels(folder: Path, tmp_path: Path) -> None:
    Image.new("L", (12, 10), 77).save(folder / "train" / "cat" / "0.png")
    dataset = load_dataset(small(folder, "imagefolder"), tmp_path / "cache")
    assert (dataset.train_images == 77).all(axis=(1, 2, 3)).sum() == 1


def test_what_is_no_set_of_images_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("not a zip")
    with pytest.raises(DataError, match="neither a folder nor a zip"):
        load_dataset(small(tmp_path / "text.zip", "imagefolder"), tmp_path)
    with pytest.raises(DataError, match="no images in it, expected train/CLASS/image"):
        load_dataset(small(folder / "train", "imagefolder"), tmp_path)
    with pytest.raises(DataError, match="there is no such folder or file"):
        load_dataset(small(tmp_path / "nowhere", "imagefolder"), tmp_path)
