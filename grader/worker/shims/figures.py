"""Keeps the figures that a script shows or saves as pixels, for the feedback.

No window opens. If a figure cannot be kept, the script does not notice.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
from PIL import Image

from grader.worker.shims.import_hooks import OnImport
from grader.worker.shims.log import Picture, ShimLog

MAX_FIGURES = 6      # the last ones are kept: learning curves come at the end
LONG_SIDE = 640      # pixels
MAX_TITLE = 100      # characters
MOST_RENDERED = 40   # a script may save one for each batch, and rendering takes time
_DPI = 100
_TOKEN = "_grader_token"


def install(log: ShimLog, on_import: OnImport) -> None:
    """Patch PIL's `Image.show`, and matplotlib once a script imports it."""
    on_import.do("matplotlib", _no_backends)
    on_import.do("matplotlib.figure", functools.partial(_saving, log))
    on_import.do("matplotlib.pyplot", functools.partial(_showing, log))

    def show(self: Image.Image, title: str | None = None, **kwargs: Any) -> None:
        with _ignoring_errors():
            _add(log, Picture(_cut(title or ""), _pixels(self), (object(), "")))

    Image.Image.show = show  # type: ignore[method-assign]  # a shim


def keep_open_figures(log: ShimLog) -> None:
    """Keep the open figures, which the script drew and neither showed nor saved."""
    with _ignoring_errors():
        pyplot = sys.modules.get("matplotlib.pyplot")
        numbers = pyplot.get_fignums() if pyplot is not None else []
        current = pyplot.gcf().number if numbers else None  # type: ignore[union-attr]  # pyplot is loaded
        for number in numbers[-MAX_FIGURES:]:
            _keep(log, pyplot.figure(number), "")  # type: ignore[union-attr]  # likewise
        if current is not None:
            pyplot.figure(current)  # type: ignore[union-attr]  # likewise


def _no_backends(matplotlib: Any) -> None:
    # The backends that scripts choose need a display.
    matplotlib.use = lambda *args, **kwargs: None


def _saving(log: ShimLog, module: Any) -> None:
    save = module.Figure.savefig

    @functools.wraps(save)
    def savefig(self: Any, fname: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fspath(fname) if isinstance(fname, (str, os.PathLike)) else ""
        if log.rendered < MOST_RENDERED:
            with _ignoring_errors():
                _keep(log, self, str(name))
        return save(self, fname, *args, **kwargs)

    def show(self: Any, *args: Any, **kwargs: Any) -> None:
        with _ignoring_errors():
            _keep(log, self, "")

    module.Figure.savefig, module.Figure.show = savefig, show


def _showing(log: ShimLog, pyplot: Any) -> None:
    def show(*args: Any, block: bool | None = None, **kwargs: Any) -> None:
        """Keep the figures and close them, as a person closes the windows."""
        if log.rendered < MOST_RENDERED:
            keep_open_figures(log)
        if block is not False and not pyplot.isinteractive():
            pyplot.close("all")

    switch = pyplot.switch_backend
    pyplot.show = show
    pyplot.switch_backend = lambda name: switch("agg")   # pyplot itself calls it as well


@contextlib.contextmanager
def _ignoring_errors() -> Iterator[None]:
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _keep(log: ShimLog, figure: Any, name: str) -> None:
    """Render a matplotlib figure; `name` is the file that it is saved to, "" if it is shown."""
    if not (figure.axes or figure.images or figure.texts):
        return
    log.rendered += 1
    buffer = io.BytesIO()
    dpi = min(_DPI, LONG_SIDE / max(figure.get_size_inches()))
    figure.canvas.print_figure(buffer, format="png", dpi=dpi)
    # An object of the figure's own: another figure may get the number of one that is closed.
    token = vars(figure).setdefault(_TOKEN, object())
    _add(log, Picture(_title(figure, name), _pixels(Image.open(buffer)), (token, name)))


def _add(log: ShimLog, picture: Picture) -> None:
    """Keep a picture once.

    An equal picture is not added. A figure that is saved under the same name again, or shown again,
    replaces its earlier picture.
    """
    kept = log.figures
    if any(np.array_equal(picture.pixels, other.pixels) for other in kept):
        return
    for index, other in enumerate(kept):
        if other.origin[0] is picture.origin[0] and other.origin[1] == picture.origin[1]:
            kept[index] = picture
            return
    kept.append(picture)
    del kept[:-MAX_FIGURES]


def _pixels(image: Image.Image) -> Any:
    """The image on white, uint8 (H, W, 3), no side longer than `LONG_SIDE`."""
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    small = Image.alpha_composite(white, image).convert("RGB")
    small.thumbnail((LONG_SIDE, LONG_SIDE))
    return np.array(small)


def _title(figure: Any, name: str) -> str:
    texts = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    titles = dict.fromkeys(text for text in texts if text)
    return _cut(", ".join(titles) or PurePath(name).name)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1] + "…"
