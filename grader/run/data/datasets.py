"""Loads datasets on the host, without torch, and splits them by seed.

Hidden images and labels stay in the `Dataset`; `write_view` writes the other parts, which students'
code may see.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.errors import DataError
from grader.rubric.model import DataSpec
from grader.run.data import shapes
from grader.run.data.arrays import is_image, read_arrays
from grader.run.data.sources import Images, Labels, Part, Source, read

NOISE = 2   # grey levels of 255
# The parts of the shapes come from a seed and one of these numbers; the last is with a run's seed.
_TRAIN, _VALIDATION, _HELD_OUT, _OF_RUN = 1, 2, 3, 4
_OWN = ("arrays", "loader")   # sources with arrays of the instructor's own


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset in three parts: images, uint8 (N, H, W, 3), and labels, int64 (N,).

    An instructor's own arrays may have any shape and kind; `classes` is empty if their targets are
    no class numbers.
    """

    name: str
    classes: tuple[str, ...]
    train_images: Images
    train_labels: Labels
    validation_images: Images
    validation_labels: Labels
    hidden_images: Images
    hidden_labels: Labels


def load_dataset(spec: DataSpec, cache: Path) -> Dataset:
    """Load a dataset and split it by `spec.seed`; a spec gives the same split everywhere.

    Where the source has a test part, hidden and validation images are disjoint parts of it;
    otherwise all three parts come from the one pool. The hidden images are drawn first, so that
    another number of validation or training images leaves them as they are. Shapes are drawn, each
    part by itself. Decoded image folders are kept in `cache`. The source `none` has nothing in any
    part. Raises DataError.
    """
    if spec.source == "none":
        return _nothing()
    where = f"{spec.source} {spec.path or ''}".strip()
    files = spec.hidden.images is not None
    if not files and spec.hidden.held_out is None:
        raise DataError(f"{where}: no hidden images: give 'held_out', or 'images' and 'labels'")
    held_out = 0 if files else spec.hidden.held_out or 0
    if spec.source == "shapes":
        return _drawn(spec, held_out)
    source = read_arrays(_path_of(spec)) if spec.source in _OWN else read(spec, cache)

    rng = np.random.default_rng(spec.seed)
    pool = source.train if source.test is None else source.test
    order = rng.permutation(len(pool.labels))
    hidden, validation, others = np.split(order, [held_out, held_out + spec.validation])
    if len(validation) < spec.validation or (source.test is None and not len(others)):
        part = "all" if source.test is None else "the test part"
        raise DataError(
            f"{where}: {part} has {len(order)} images, too few for {held_out} hidden and "
            f"{spec.validation} for validation; lower 'held_out' or 'validation'"
        )
    candidates = others if source.test is None else rng.permutation(len(source.train.labels))
    train = source.train.take(candidates[: spec.limit_train])
    return Dataset(
        spec.source,
        source.classes,
        *train,
        *pool.take(validation),
        *(_hidden_files(spec, source) if files else pool.take(hidden)),
    )


def _path_of(spec: DataSpec) -> Path:
    assert spec.path is not None, "DataSpec asks for the path"
    if not spec.path.exists():
        raise DataError(f"{spec.path}: there is no such folder or file; correct 'path'")
    return spec.path


def _nothing() -> Dataset:
    images, labels = np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64)
    return Dataset("none", (), images, labels, images, labels, images, labels)


def _drawn(spec: DataSpec, held_out: int) -> Dataset:
    train = _shapes(spec.limit_train or shapes.TRAINING, spec.seed, _TRAIN)
    validation = _shapes(spec.validation, spec.seed, _VALIDATION)
    source = Source(tuple(shapes.SHAPES), train, None)
    hidden = _shapes(held_out, spec.seed, _HELD_OUT) if held_out else _hidden_files(spec, source)
    return Dataset(spec.source, source.classes, *train, *validation, *hidden)


def _shapes(count: int, seed: int, part: int) -> Part:
    return Part(*shapes.draw(count, seed, part))


def hidden_of_run(dataset: Dataset, spec: DataSpec, seed: int) -> Part:
    """Return the hidden images of a run, in random order, and their labels.

    Shapes are drawn anew, so nobody has these images, unless the rubric names files of them. Other
    images are the dataset's with noise; inputs that are no images stay as they are.

    Args:
        dataset: The dataset of `spec`.
        spec: Its description in the rubric.
        seed: The run's seed.
    """
    if spec.source == "shapes" and spec.hidden.held_out is not None:
        return _shapes(spec.hidden.held_out, seed, _OF_RUN)
    order = np.random.default_rng([seed, 1]).permutation(len(dataset.hidden_labels))
    images = dataset.hidden_images[order]
    if is_image(images):
        images = with_noise(images, np.random.default_rng([seed, 2]))
    return Part(images, dataset.hidden_labels[order])


def with_noise(images: Images, random: np.random.Generator) -> Images:
    """Add noise of up to two grey levels to each value, drawn anew for each run.

    A lookup table of the published images then finds none of them. The effect on a network's
    accuracy is negligible: docs/benchmarks.md has the measurement.
    """
    noise = random.integers(-NOISE, NOISE + 1, images.shape, dtype=np.int16)
    noisy: Images = np.clip(images + noise, 0, 255).astype(np.uint8)
    return noisy


def write_view(dataset: Dataset, folder: Path, handouts: Path | None = None) -> None:
    """Write what students' code may see: four .npy files and meta.json, nothing hidden.

    The files of `handouts`, which students were given, go into a folder of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "train_images.npy", dataset.train_images)
    np.save(folder / "train_labels.npy", dataset.train_labels)
    np.save(folder / "validation_images.npy", dataset.validation_images)
    np.save(folder / "validation_labels.npy", dataset.validation_labels)
    meta = {"name": dataset.name, "classes": list(dataset.classes)}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    if handouts is not None:
        _copy_files(handouts, folder / "handouts")


def _copy_files(source: Path, target: Path) -> None:
    """Copy contents without modes: the sandbox's user may differ from the instructor."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _hidden_files(spec: DataSpec, source: Source) -> Part:
    """Read the instructor's two .npy files; check them against the training images."""
    assert spec.hidden.images and spec.hidden.labels, "DataSpec asks for both"
    images, labels = _npy(spec.hidden.images), _npy(spec.hidden.labels)
    shape, classes = source.train.images.shape[1:], len(source.classes)
    kind = source.train.images.dtype
    if kind.kind == "f" and images.dtype.kind == "f":
        images = images.astype(kind)
    if images.dtype != kind or images.shape[1:] != shape or images.ndim == 0 or not len(images):
        wanted = ", ".join(str(size) for size in shape)
        raise DataError(_wrong(spec.hidden.images, images, f"{kind} (N, {wanted}), N from 1 up"))
    if not classes:
        return Part(images, labels.astype(source.train.labels.dtype))
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        wanted = f"integers ({len(images)},), one for each of the hidden images"
        raise DataError(_wrong(spec.hidden.labels, labels, wanted))
    if labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"{spec.hidden.labels}: labels go from {labels.min()} to {labels.max()}, expected "
            f"0 to {classes - 1}, the numbers of the {classes} classes in their order"
        )
    return Part(images, labels.astype(np.int64))


def _npy(file: Path) -> NDArray[Any]:
    try:
        array = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file; correct 'hidden'") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file}: not an array: {error}; write it with `numpy.save`") from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{file}: several arrays, one was expected; write it with `numpy.save`")
    return array


def _wrong(file: Path, array: NDArray[Any], wanted: str) -> str:
    return f"{file}: found {array.dtype} {array.shape}, expected {wanted}; write the file anew"
