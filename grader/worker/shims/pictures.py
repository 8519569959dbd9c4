"""Provides sample pictures for image files that a script opens and that do not exist.

A picture is written where the script looks for it, in the format of the file's suffix, and is then
read like any file. `sample_images/LICENCES.md` names the pictures' authors.
"""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torchvision
from PIL import Image

from grader.worker.shims.import_hooks import IfMissing, OnImport
from grader.worker.shims.log import ShimLog
from grader.worker.shims.paths import as_text, writable_path

FOLDER = Path(__file__).parent / "sample_images"
MOST = 20   # a script that opens more expects a whole folder of images, which is not made up
_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"))
_SAMPLES = ("astronaut", "cat", "chelsea", "coffee", "rocket")   # of skimage.data
_NAMED = (("cat", re.compile(r"cat|chelsea|kitten|animal", re.I)),
          ("coffee", re.compile(r"coffee|cup|espresso", re.I)))


class Pictures:
    """Makes each missing picture once. Calling it with a path gives the path to open instead."""

    def __init__(self, log: ShimLog, folder: Path) -> None:
        self._log, self._folder = log, folder
        self._made: dict[str, Path] = {}   # path that was asked for -> path that was made

    def __call__(self, asked: Any) -> Any:
        """Return an existing path for a missing image; other paths are unchanged."""
        path = Path(as_text(asked))
        if path.suffix.lower() not in _SUFFIXES:
            return asked
        key = str(Path.cwd() / path)
        if key not in self._made and len(self._made) < MOST and not os.path.lexists(path):
            written = writable_path(path, self._folder)
            picture_for(path.name).save(written)
            self._made[key] = written
            self._log.note(
                f"{path.name} was not handed in; a sample picture was opened instead"
            )
        made = self._made.get(key, path)
        return asked if made == path else type(asked)(str(made))


def picture_for(name: str) -> Image.Image:
    """The sample picture that fits a file name, or the astronaut: RGB, at most 512 pixels a side.
    """
    shown = next((file for file, word in _NAMED if word.search(name)), "astronaut")
    with Image.open(FOLDER / f"{shown}.jpg") as picture:
        return picture.convert("RGB")


def install(log: ShimLog, on_import: OnImport, missing: IfMissing, folder: Path) -> None:
    """Patch PIL and torchvision now, and other image libraries once a script imports them."""
    pictures = Pictures(log, folder)

    def reads(*names: str) -> Callable[[Any], None]:
        def follow(module: Any) -> None:
            for name in names:
                setattr(module, name, _from(pictures, getattr(module, name)))

        return follow

    reads("open")(Image)
    for module in (torchvision.io, torchvision.io.image):
        reads("read_image", "read_file", "decode_image")(module)
    on_import.do("matplotlib.image", reads("imread"))
    on_import.do("imageio.v2", reads("imread"))
    on_import.do("imageio.v3", reads("imread"))
    on_import.do("cv2", reads("imread"))
    on_import.do("skimage.io._io", reads("imread"))
    on_import.do("skimage.data._fetchers", functools.partial(_fetching, pictures))
    _without_scikit_image(log, missing)


def _from(pictures: Pictures, read: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(read)
    def read_(file: Any, *args: Any, **kwargs: Any) -> Any:
        return read(pictures(file), *args, **kwargs)

    return read_


def _fetching(pictures: Pictures, fetchers: Any) -> None:
    """Patch scikit-image's fetcher: it includes some of its samples and downloads the others."""
    fetch = fetchers._fetch

    def fetch_(name: str) -> Any:
        try:
            return fetch(name)
        except Exception:
            found = pictures(Path(tempfile.mkdtemp(), Path(name).name))
            if not found.exists():
                raise
            return str(found)

    fetchers._fetch = fetch_


def _without_scikit_image(log: ShimLog, missing: IfMissing) -> None:
    """Provide `skimage.data` and `skimage.io.imread` where scikit-image is not installed."""

    def sample(name: str) -> Any:
        log.note(f"skimage.data.{name} was replaced by a sample picture")
        return np.array(picture_for(name))

    def part(name: str) -> ModuleType:
        if name not in ("data", "io"):
            raise AttributeError(f"scikit-image is not installed, so it has no {name}")
        return import_module(f"skimage.{name}")

    def samples(module: Any) -> None:
        for name in _SAMPLES:
            setattr(module, name, functools.partial(sample, name))

    def reader(module: Any) -> None:
        module.imread = lambda file, *args, **kwargs: np.asarray(Image.open(file))

    missing.give("skimage", lambda module: setattr(module, "__getattr__", part))
    missing.give("skimage.data", samples)
    missing.give("skimage.io", reader)
