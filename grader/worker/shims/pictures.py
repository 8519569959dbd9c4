"""Images that a script opens and that are not there: pictures of the grader's own.

They are written where the script looks for them, in the format that it expects there, and then read
as any file is. See pictures/LICENCES.md.
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
from grader.worker.shims.paths import as_text, place_for

FOLDER = Path(__file__).parent / "sample_images"
MOST = 20   # a script that looks for more has a folder of images in mind, and no example
_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm"))
_SAMPLES = ("astronaut", "cat", "chelsea", "coffee", "rocket")   # of skimage.data
_NAMED = (("cat", re.compile(r"cat|chelsea|kitten|animal", re.I)),
          ("coffee", re.compile(r"coffee|cup|espresso", re.I)))


class Pictures:
    """Makes pictures where they are missing in the session's folder; each once."""

    def __init__(self, log: ShimLog, folder: Path) -> None:
        self._log, self._folder = log, folder
        self._made: dict[str, Path] = {}   # where it is, by where it was asked for

    def __call__(self, asked: Any) -> Any:
        """A path of an image that is there, in place of one that is not; others unchanged."""
        path = Path(as_text(asked))
        if path.suffix.lower() not in _SUFFIXES:
            return asked
        key = str(Path.cwd() / path)
        if key not in self._made and len(self._made) < MOST and not os.path.lexists(path):
            place = place_for(path, self._folder)
            picture_for(path.name).save(place)
            self._made[key] = place
            self._log.note(
                f"{path.name} was not handed in: a picture of the grader's own was opened instead"
            )
        there = self._made.get(key, path)
        return asked if there == path else type(asked)(str(there))


def picture_for(name: str) -> Image.Image:
    """RGB, 512 pixels at most: the one that goes with a name, or the astronaut."""
    shown = next((file for file, word in _NAMED if word.search(name)), "astronaut")
    with Image.open(FOLDER / f"{shown}.jpg") as picture:
        return picture.convert("RGB")


def install(log: ShimLog, on_import: OnImport, missing: IfMissing, folder: Path) -> None:
    """For PIL and torchvision at once; for what else reads images once a script imports it."""
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
    """scikit-image brings some of its samples along and downloads the others."""
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
    """`skimage.data` and `skimage.io.imread`, and no more of it."""

    def sample(name: str) -> Any:
        log.note(f"skimage.data.{name} is a picture of the grader's own here")
        return np.array(picture_for(name))

    def part(name: str) -> ModuleType:
        if name not in ("data", "io"):
            raise AttributeError(f"scikit-image is not installed here, so there is no {name}")
        return import_module(f"skimage.{name}")

    def samples(module: Any) -> None:
        for name in _SAMPLES:
            setattr(module, name, functools.partial(sample, name))

    def reader(module: Any) -> None:
        module.imread = lambda file, *args, **kwargs: np.asarray(Image.open(file))

    missing.give("skimage", lambda module: setattr(module, "__getattr__", part))
    missing.give("skimage.data", samples)
    missing.give("skimage.io", reader)
