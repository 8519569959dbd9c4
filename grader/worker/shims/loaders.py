"""Ends epochs of a `DataLoader` early where a data set pretends to have more images than it has.

An epoch then has as many images as the grader has, however long the loader says that it is: the
budget of a training means the same work as ever.
"""

from __future__ import annotations

from typing import Any

from torch.utils.data import dataloader

from grader.worker.environment.home import IMAGES
from grader.worker.shims.datasets import REAL_SIZE, ImageSource


def install(source: ImageSource) -> None:
    """Patch the iterators of `DataLoader`, if images are pretended; the script gets a note."""
    home, images = source.home, len(source.view.split("train")[1])
    images = images if source.images is None else min(images, source.images)
    if IMAGES not in home.pretended or images >= REAL_SIZE:
        return
    home.share = images / REAL_SIZE
    iterator: Any = dataloader._BaseDataLoaderIter
    take = iterator._next_index

    def next_index(self: Any) -> Any:
        if getattr(self, "_grader_epoch", None) is not self._sampler_iter:
            self._grader_epoch = self._sampler_iter
            self._grader_left = _batches(self, images, home.share)
        if not self._grader_left:
            raise StopIteration
        self._grader_left -= 1
        return take(self)

    iterator._next_index = next_index
    if source.images is None:   # the size of a few is not worth a note
        source.log.note(
            "your code needs as many images as CIFAR-10 has: the data sets said so, and each epoch "
            f"ended after the {images:,} images that the grader has"
        )


def _batches(iterator: Any, images: int, share: float) -> int:
    """The number of batches in an epoch; -1 for all."""
    try:
        size, batches = len(iterator._dataset), len(iterator._index_sampler)
    except TypeError:   # without a length
        return -1
    return max(1, int(batches * share)) if size > images else -1
