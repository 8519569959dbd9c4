"""Writes CIFAR-10's own files, for scripts that unpickle the data set themselves.

The files are pickles of Python 2, like the originals. Their strings are read as bytes or as text,
as the reader chooses (`encoding="bytes"`, `encoding="latin1"`).
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from grader.worker.dataset_view import Images
from grader.worker.shims.datasets import ImageFormat, ImageSource
from grader.worker.shims.paths import as_text, writable_path

FOLDER, ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"
BATCHES = 5
_NAMES = (*(f"data_batch_{n}" for n in range(1, BATCHES + 1)), "test_batch", "batches.meta")
_INSIDE = ((), *((name,) for name in _NAMES))   # paths in the folder that a script may ask for
_REAL_COUNTS = (10_000, 50_000, 60_000)
_Pickler: Any = pickle._Pickler   # the pickler written in Python, which can be extended


class Rows(np.ndarray[Any, np.dtype[np.uint8]]):
    """Images as rows, uint8 (N, 3072), that scripts may reshape with CIFAR-10's real sizes.

    `rows.reshape(10000, 3, 32, 32)` gives as many images as there are. Slices and reshaped arrays
    are ordinary arrays.
    """

    __array_priority__ = 1.0   # so that concatenated batches are rows again

    def reshape(self, *shape: Any, **options: Any) -> Any:
        plain = self.view(np.ndarray)
        try:
            return plain.reshape(*shape, **options)
        except ValueError:
            sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
            if sizes[0] not in _REAL_COUNTS:
                raise
            return plain.reshape((-1, *sizes[1:]), **options)

    def __getitem__(self, index: Any) -> Any:
        taken = super().__getitem__(index)
        return taken if taken.ndim > 1 else taken.view(np.ndarray)


class CifarFiles:
    """Makes CIFAR-10's folder and archive when a script first asks for them.

    Calling it with a path gives the path to open instead.
    """

    def __init__(self, source: ImageSource, folder: Path) -> None:
        self._source, self._folder = source, folder
        self._made: dict[str, Path] = {}   # path that was asked for -> path that was made

    def __call__(self, asked: Any) -> Any:
        """Return an existing path for a missing one of CIFAR-10; other paths are unchanged."""
        text = as_text(asked)
        if FOLDER not in text and ARCHIVE not in text:
            return asked
        parts = Path(text).parts
        name = FOLDER if FOLDER in parts else ARCHIVE
        if name not in parts:
            return asked
        depth = parts.index(name) + 1
        inside = parts[depth:]
        wanted = Path(*parts[:depth])
        made = self._make(wanted, missing=not os.path.lexists(text) and inside[:1] in _INSIDE)
        return asked if made == wanted else type(asked)(str(made.joinpath(*inside)))

    def _make(self, wanted: Path, missing: bool) -> Path:
        key = str(Path.cwd() / wanted)
        if missing and key not in self._made:
            path = writable_path(wanted, self._folder)
            self._made[key] = path   # before writing, which asks for the path itself
            (self.write_archive if wanted.name == ARCHIVE else self._write_folder)(path)
        return self._made.get(key, wanted)

    def _write_folder(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for name, content in self._files():
            if not os.path.lexists(folder / name):
                (folder / name).write_bytes(content)

    def write_archive(self, archive: Path) -> None:
        """Write the folder as a .tar.gz, with little compression to save time."""
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            for name, content in self._files():
                entry = tarfile.TarInfo(f"{FOLDER}/{name}")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))

    def _files(self) -> Iterator[tuple[str, bytes]]:
        images, labels = self._source.photos(train=True)
        parts = np.array_split(np.arange(len(labels)), BATCHES)
        for name, part in zip(_NAMES, parts, strict=False):
            some = [labels[index] for index in part]
            yield name, _batch(images[part], some, f"training batch {name[-1]} of {BATCHES}")
        yield "test_batch", _batch(*self._source.photos(train=False), "testing batch 1 of 1")
        meta = {
            b"num_cases_per_batch": len(parts[0]),
            b"label_names": [name.encode() for name in self._source.view.classes],
            b"num_vis": 3072,
        }
        yield "batches.meta", _pickled(meta)


def _batch(images: Images, labels: list[int], label: str) -> bytes:
    rows = ImageFormat().fit_all(images).transpose(0, 3, 1, 2).reshape(len(images), -1)
    return _pickled({
        b"batch_label": label.encode(),
        b"labels": labels,
        b"data": np.ascontiguousarray(rows).view(Rows),
        b"filenames": [f"{index:06}.png".encode() for index in range(len(labels))],
    })


def _pickled(content: dict[bytes, Any]) -> bytes:
    buffer = io.BytesIO()
    _Python2(buffer, protocol=2).dump(content)
    return buffer.getvalue()


class _Python2(_Pickler):  # type: ignore[misc]  # an Any
    """Writes bytes as Python 2's strings, which are bytes."""

    def _save_string(self, text: bytes) -> None:
        short = len(text) < 256
        head = pickle.SHORT_BINSTRING if short else pickle.BINSTRING
        self.write(head + struct.pack("<B" if short else "<i", len(text)) + text)
        self.memoize(text)

    dispatch: ClassVar[Any] = {**_Pickler.dispatch, bytes: _save_string}
