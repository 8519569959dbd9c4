"""Reads an instructor's own arrays: an .npz, a folder of .npy files, or what a function returns.

The arrays are called `x_train` and `y_train`, `x_test` and `y_test` if there is a test part, and
`classes` for the classes' names. Inputs are images, uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3),
or any numbers with one row for each example.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
import types
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.errors import DataError
from grader.run.data.sources import Part, Source

FUNCTION = "load"
_TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y"))
_TEST = (("x_test", "y_test"), ("test_images", "test_labels"))
_EXPECTED = "expected x_train and y_train, and optionally x_test, y_test and classes"
_COLOURS = (1, 3)   # channels of an image
Arrays = Mapping[str, Any]


def read_arrays(path: Path) -> Source:
    """Read an .npz, a .py file with a function `load`, or a folder of .npy files.

    Raises:
        DataError: Something is missing or has another shape.
    """
    found = _loaded(path) if path.suffix == ".py" else _stored(path)
    arrays = {str(name).lower(): value for name, value in found.items()}
    train, test = _part(path, arrays, _TRAIN), _part(path, arrays, _TEST)
    if train is None:
        names = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(f"{path}: found {names}; {_EXPECTED}")
    if test is not None and (
        test.images.shape[1:] != train.images.shape[1:] or test.images.dtype != train.images.dtype
    ):
        raise DataError(
            f"{path}: the test inputs are {_described(test.images)}, those for training "
            f"{_described(train.images)}; both must have the same kind and shape"
        )
    return Source(_classes(path, arrays, train, test), train, test)


def of_arrays(path: Path) -> list[str]:
    """A digest of each array that `read_arrays` reads, and the classes' names."""
    source = read_arrays(path)
    parts = [part for part in (source.train, source.test) if part is not None]
    return [
        *(f"{_described(one)} {hashlib.sha256(one.tobytes()).hexdigest()}"
          for part in parts for one in part),
        *source.classes,
    ]


def _stored(path: Path) -> Arrays:
    if path.is_dir():
        return {file.stem: _array(file, file.name) for file in sorted(path.glob("*.npy"))}
    found = _array(path, path.name)
    if not isinstance(found, np.lib.npyio.NpzFile):
        raise DataError(f"{path}: one array; {_EXPECTED}: write them with `numpy.savez`, or name a "
                        "folder of .npy files")
    try:
        with found as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: {error}; write it with `numpy.savez`") from None


def _array(file: Path, name: str) -> Any:
    try:
        return np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file}: {name} is no array: {error}; write it with numpy") from None


def _loaded(path: Path) -> Arrays:
    """Call the function `load` of the instructor's file."""
    module = types.ModuleType(f"grader_data_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module   # dataclasses look up their module there
    try:
        exec(compile(path.read_bytes(), str(path), "exec", dont_inherit=True), vars(module))
        load = vars(module).get(FUNCTION)
        if not callable(load):
            raise DataError(f"{path}: there is no function {FUNCTION}() in it; it returns a dict "
                            f"of arrays: {_EXPECTED}")
        found = load()
    except DataError:
        raise
    except Exception as error:
        lines = [one.lineno for one in traceback.extract_tb(error.__traceback__)
                 if one.filename == str(path)]
        where = f"{path}:{lines[-1]}" if lines else str(path)
        raise DataError(f"{where}: {type(error).__name__}: {error}") from None
    if not isinstance(found, Mapping):
        kind = type(found).__name__
        raise DataError(f"{path}: {FUNCTION}() returned a {kind}; a dict of arrays: {_EXPECTED}")
    return found


def _part(path: Path, arrays: Arrays, names: tuple[tuple[str, str], ...]) -> Part | None:
    pair = next((pair for pair in names if pair[0] in arrays and pair[1] in arrays), None)
    if pair is None:
        return None
    inputs, targets = (_numbers(path, name, arrays[name]) for name in pair)
    if len(inputs) != len(targets) or not len(inputs):
        raise DataError(
            f"{path}: {pair[0]} has {len(inputs)} rows and {pair[1]} {len(targets)}; one target "
            "for each input was expected"
        )
    if inputs.dtype == np.uint8 and inputs.ndim == 3:
        inputs = inputs[..., None]   # grey images
    if targets.dtype.kind in "iu":
        targets = targets.astype(np.int64)
    return Part(inputs, targets)


def _numbers(path: Path, name: str, value: Any) -> NDArray[Any]:
    """An array as it is given to networks: floats become float32, as torch computes."""
    try:
        array = np.asarray(value)
    except Exception as error:   # of another library's array
        raise DataError(f"{path}: {name}: {error}; convert it to a numpy array") from None
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        raise DataError(f"{path}: {name} is {_described(array)}; an array of numbers was expected")
    if array.dtype.kind == "f":
        array = array.astype("<f4")
        if not np.isfinite(array).all():
            raise DataError(f"{path}: {name} has NaN or infinity in it")
    elif array.dtype.kind in "iu" and array.dtype != np.uint8:
        array = array.astype("<i8")
    return array


def _classes(path: Path, arrays: Arrays, train: Part, test: Part | None) -> tuple[str, ...]:
    """The classes' names; empty if the targets are no class numbers."""
    every = [part.labels for part in (train, test) if part is not None]
    whole = all(one.ndim == 1 and one.dtype.kind in "iu" and one.min() >= 0 for one in every)
    named = tuple(map(str, np.asarray(arrays.get("classes", ())).tolist()))
    if not whole:
        return ()
    highest = int(max(one.max() for one in every))
    if named and highest >= len(named):
        raise DataError(
            f"{path}: labels go up to {highest}, and 'classes' has {len(named)} names; labels are "
            "the numbers of the classes, from 0"
        )
    return named or tuple(str(number) for number in range(highest + 1))


def is_image(array: NDArray[Any]) -> bool:
    """True for uint8 (N, H, W, channels)."""
    return array.dtype == np.uint8 and array.ndim == 4 and array.shape[-1] in _COLOURS


def _described(array: NDArray[Any]) -> str:
    return f"{array.dtype} {array.shape}"
