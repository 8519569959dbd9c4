"""Figures that a script shows or saves are kept as pixels, for the feedback.

There is no display. A failure to keep a figure is not the script's, and is passed over in silence.
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

MAX_FIGURES = 6      # the last ones: learning curves come at the end
LONG_SIDE = 640      # pixels
MAX_TITLE = 100      # characters
MOST_RENDERED = 40   # a script may save one for each batch, and rendering takes time
_DPI = 100
_TOKEN = "_grader_token"


def install(log: ShimLog, on_import: OnImport) -> None:
    """Follow matplotlib, once a script imports it, and PIL's `Image.show`."""
    on_import.do("matplotlib", _no_backends)
    on_import.do("matplotlib.figure", functools.partial(_saving, log))
    on_import.do("matplotlib.pyplot", functools.partial(_showing, log))

    def show(self: Image.Image, title: str | None = None, **kwargs: Any) -> None:
        with _in_silence():
            _add(log, Picture(_cut(title or ""), _pixels(self), (object(), "")))

    Image.Image.show = show  # type: ignore[method-assign]  # a stand-in


def keep_open_figures(log: ShimLog) -> None:
    """Keep what is still open: what a script has drawn without showing or saving it."""
    with _in_silence():
        pyplot = sys.modules.get("matplotlib.pyplot")
        numbers = pyplot.get_fignums() if pyplot is not None else []
        current = pyplot.gcf().number if numbers else None  # type: ignore[union-attr]  # of pyplot
        for number in numbers[-MAX_FIGURES:]:
            _keep(log, pyplot.figure(number), "")  # type: ignore[union-attr]  # likewise
        if current is not None:
            pyplot.figure(current)  # type: ignore[union-attr]  # likewise


def _no_backends(matplotlib: Any) -> None:
    # Those that a script chooses need a display.
    matplotlib.use = lambda *args, **kwargs: None


def _saving(log: ShimLog, module: Any) -> None:
    save = module.Figure.savefig

    @functools.wraps(save)
    def savefig(self: Any, fname: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fspath(fname) if isinstance(fname, (str, os.PathLike)) else ""
        if log.rendered < MOST_RENDERED:
            with _in_silence():
                _keep(log, self, str(name))
        return save(self, fname, *args, **kwargs)

    def show(self: Any, *args: Any, **kwargs: Any) -> None:
        with _in_silence():
            _keep(log, self, "")

    module.Figure.savefig, module.Figure.show = savefig, show


def _showing(log: ShimLog, pyplot: Any) -> None:
    def show(*args: Any, block: bool | None = None, **kwargs: Any) -> None:
        """As where there is a display, figures are gone when the windows have been closed."""
        if log.rendered < MOST_RENDERED:
            keep_open_figures(log)
        if block is not False and not pyplot.isinteractive():
            pyplot.close("all")

    switch = pyplot.switch_backend
    pyplot.show = show
    pyplot.switch_backend = lambda name: switch("agg")   # pyplot itself calls it, too


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _keep(log: ShimLog, figure: Any, name: str) -> None:
    """Render a matplotlib figure; `name` is the file that it goes to, if any."""
    if not (figure.axes or figure.images or figure.texts):
        return
    log.rendered += 1
    buffer = io.BytesIO()
    dpi = min(_DPI, LONG_SIDE / max(figure.get_size_inches()))
    figure.canvas.print_figure(buffer, format="png", dpi=dpi)
    # An object of the figure's own, since the number of one that is gone may come again.
    token = vars(figure).setdefault(_TOKEN, object())
    _add(log, Picture(_title(figure, name), _pixels(Image.open(buffer)), (token, name)))


def _add(log: ShimLog, picture: Picture) -> None:
    """Once each: what looks like one that is kept is that one, and a figure that is saved under
    the same name, or shown again, takes its own place."""
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
    """uint8 (H, W, 3), neither side above `LONG_SIDE`."""
    image = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    small = Image.alpha_composite(paper, image).convert("RGB")
    small.thumbnail((LONG_SIDE, LONG_SIDE))
    return np.array(small)


def _title(figure: Any, name: str) -> str:
    texts = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    said = [text for text in texts if text]
    return _cut(", ".join(dict.fromkeys(said)) or PurePath(name).name)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1] + "…"
