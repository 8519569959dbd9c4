"""Reads datasets as they are stored: scikit-learn's digits, CIFAR-10 files, folders of images."""

from __future__ import annotations

import hashlib
import io
import pickle
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from grader.errors import DataError
from grader.rubric.model import DataSpec

Images = NDArray[np.uint8]  # (N, H, W, 3)
Labels = NDArray[np.int64]  # (N,), indices into the classes

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}


class Part(NamedTuple):
    images: Images
    labels: Labels

    def take(self, rows: NDArray[np.int64]) -> Part:
        return Part(self.images[rows], self.labels[rows])


class Source(NamedTuple):
    """A dataset before splitting; `test` is None for a dataset without a test part."""

    classes: tuple[str, ...]
    train: Part
    test: Part | None


def read(spec: DataSpec, cache: Path) -> Source:
    """Read a whole dataset; decoded images are kept in `cache`. Raises DataError."""
    if spec.source == "digits":
        key = _key(Path("digits"), [(version("scikit-learn"),)])
        try:
            return _kept(cache, key, _digits)   # scikit-learn takes a second to import
        except DataError:
            return _digits()
    assert spec.path is not None, "DataSpec asks for the path"
    if not spec.path.exists():
        raise DataError(f"{spec.path}: there is no such folder or file; correct 'path'")
    return _cifar10(spec.path) if spec.source == "cifar10" else _imagefolder(spec.path, cache)


def _digits() -> Source:
    from sklearn.datasets import load_digits

    digits = load_digits()
    grey = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(grey[..., None], 3, axis=3)
    classes = tuple(str(name) for name in digits.target_names)
    return Source(classes, Part(images, digits.target.astype(np.int64)), None)


# --- CIFAR-10 as torchvision lays it out: pickles that Python 2 wrote ----------------------------


def _cifar10(path: Path) -> Source:
    folder = path if path.name == "cifar-10-batches-py" else path / "cifar-10-batches-py"
    meta = _unpickle(folder / "batches.meta")
    classes = meta.get("label_names")
    if not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
        raise _not_cifar10(folder / "batches.meta", "no list 'label_names' in it")
    batches = [_cifar10_batch(folder / f"data_batch_{i}", len(classes)) for i in range(1, 6)]
    train = Part(
        np.concatenate([batch.images for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
    )
    return Source(tuple(classes), train, _cifar10_batch(folder / "test_batch", len(classes)))


def _cifar10_batch(file: Path, classes: int) -> Part:
    batch = _unpickle(file)
    pixels, labels = batch.get("data"), batch.get("labels")
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.dtype != np.uint8
        or pixels.shape[1:] != (3072,)
    ):
        raise _not_cifar10(file, "'data' is not an array of uint8 (N, 3072)")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise _not_cifar10(file, "'labels' is not a list of integers")
    if len(labels) != len(pixels) or not all(0 <= label < classes for label in labels):
        raise _not_cifar10(file, f"'labels' are not {len(pixels)} numbers from 0 to {classes - 1}")
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Part(np.ascontiguousarray(images), np.array(labels, dtype=np.int64))


class _ArraysOnly(pickle.Unpickler):
    """Unpickles arrays of numbers and refuses everything else: a pickle can run any code."""

    # numpy moved this function between versions; an array's own reduction names it.
    _reconstruct = np.empty(0).__reduce__()[0]
    _admitted: ClassVar[Mapping[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return self._admitted[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} in it") from None


def _unpickle(file: Path) -> dict[str, Any]:
    try:
        content = _ArraysOnly(io.BytesIO(file.read_bytes()), encoding="latin1").load()
    except OSError as error:
        raise _not_cifar10(file, str(error.strerror)) from None
    except Exception as error:  # a damaged pickle can raise anything
        raise _not_cifar10(file, str(error)) from None
    if not isinstance(content, dict):
        raise _not_cifar10(file, f"{type(content).__name__} in it, a dict was expected")
    return content


def _not_cifar10(file: Path, found: str) -> DataError:
    return DataError(
        f"{file}: not a part of CIFAR-10: {found}; fetch it anew with "
        f"`python -m reference --data cifar10 --path {file.parent.parent} --download`"
    )


# --- Folders and zips of images ------------------------------------------------------------------


def _imagefolder(path: Path, cache: Path) -> Source:
    if path.is_dir():
        stats = {name: (path / name).stat() for name in _image_names(_files_in(path))}
        stamp = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()]
        key = _key(path, stamp)
        return _kept(
            cache, key, lambda: _decode(path, list(stats), lambda n: (path / n).read_bytes())
        )
    try:
        with zipfile.ZipFile(path) as archive:
            stat = path.stat()
            names = _image_names(archive.namelist())
            key = _key(path, [(stat.st_size, stat.st_mtime_ns)])
            return _kept(cache, key, lambda: _decode(path, names, archive.read))
    except zipfile.BadZipFile:
        raise DataError(f"{path}: neither a folder nor a zip of images; correct 'path'") from None


def _files_in(path: Path) -> Iterable[str]:
    return (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())


def _image_names(names: Iterable[str]) -> list[str]:
    """Return the names that end in train|test/CLASS/image, in a stable order."""

    def is_image(name: PurePosixPath) -> bool:
        return (
            name.suffix.lower() in SUFFIXES
            and not name.name.startswith(".")
            and name.parts[-3:-2] in (("train",), ("test",))
        )

    return sorted(name for name in names if is_image(PurePosixPath(name)))


def _decode(path: Path, names: list[str], read_bytes: Callable[[str], bytes]) -> Source:
    parts: dict[str, list[str]] = {"train": [], "test": []}
    for name in names:
        parts[PurePosixPath(name).parts[-3]].append(name)
    if not parts["train"]:
        raise DataError(
            f"{path}: no images in it, expected train/CLASS/image and perhaps test/CLASS/image "
            f"({', '.join(sorted(SUFFIXES))})"
        )
    classes = tuple(sorted({_class_of(name) for name in parts["train"]}))
    for name in parts["test"]:
        if _class_of(name) not in classes:
            raise DataError(
                f"{path}: {name}: a class without training images; add some, or drop it"
            )

    def pixels(name: str) -> Images:
        try:
            with Image.open(io.BytesIO(read_bytes(name))) as image:
                return np.asarray(image.convert("RGB"))
        except Exception as error:  # a damaged image can raise anything
            raise DataError(
                f"{path}: {name}: not an image: {error}; replace or remove it"
            ) from None

    def part(names: list[str]) -> Part:
        labels = [classes.index(_class_of(name)) for name in names]
        images = np.empty((len(names), *shape), np.uint8)
        with ThreadPoolExecutor(4) as pool:  # Pillow decodes without the interpreter's lock
            for row, image in enumerate(pool.map(pixels, names)):
                if image.shape != shape:
                    raise DataError(
                        f"{path}: {names[row]}: {image.shape[0]} x {image.shape[1]} pixels, but "
                        f"{first} has {shape[0]} x {shape[1]}; bring all images to one size"
                    )
                images[row] = image
        return Part(images, np.array(labels, dtype=np.int64))

    first = parts["train"][0]
    shape = pixels(first).shape
    return Source(classes, part(parts["train"]), part(parts["test"]) if parts["test"] else None)


def _class_of(name: str) -> str:
    return PurePosixPath(name).parts[-2]


def _key(path: Path, stamp: list[tuple[Any, ...]]) -> str:
    return hashlib.sha256(repr((str(path.resolve()), stamp)).encode()).hexdigest()[:20]


# --- What was decoded is kept --------------------------------------------------------------------


def _kept(cache: Path, key: str, decode: Callable[[], Source]) -> Source:
    """Return what `decode` returned last time, from an archive of .npy files, or decode."""
    file = cache / f"images-{key}.npz"
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            train = Part(arrays["train_images"], arrays["train_labels"])
            test = (
                Part(arrays["test_images"], arrays["test_labels"])
                if "test_images" in arrays
                else None
            )
            return Source(tuple(arrays["classes"].tolist()), train, test)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        pass  # not there yet, or damaged: written anew
    source = decode()
    arrays = {"train_images": source.train.images, "train_labels": source.train.labels}
    if source.test is not None:
        arrays |= {"test_images": source.test.images, "test_labels": source.test.labels}
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _write_atomically(file, {"classes": np.array(source.classes), **arrays})
    except OSError as error:
        raise DataError(
            f"{cache}: cannot be written: {error.strerror}; choose another cache"
        ) from None
    return source


def _write_atomically(file: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the file so that another process finds it complete or not at all."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".part-") as folder:
        part = Path(folder) / file.name
        np.savez(part, **arrays)  # type: ignore[arg-type]
        part.replace(file)
