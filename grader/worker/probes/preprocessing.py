"""Learns how a script prepares a network's images, so that hidden images are prepared likewise.

The data set that the script evaluates on is made to return another image. What the loop then does
to a batch (scaling, shifting, flattening) is fitted to the inputs that the network was observed to
get. Where none of the grader's data sets is behind the evaluation, its images are recognized in
those inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from grader.worker.dataset_view import Images, View, as_photos
from grader.worker.observer.batches import in_order
from grader.worker.observer.networks import ObservedNetwork

Prepare = Callable[[Images], torch.Tensor]   # uint8 (N, H, W, 3) -> a batch for the network
Step = Callable[[torch.Tensor], torch.Tensor]   # of such a batch
FEWEST = 4          # images to fit to
POOL = 10_000       # images among which those of an evaluation are searched
ALIKE = 0.999       # correlation of an image with itself after another rounding
TOLERANCE = 0.02    # of the spread of the inputs: rounding to bfloat16 is below a hundredth


@dataclass(frozen=True)
class Prepared:
    """A function that prepares images for a network.

    `way` tells how it was found: "function", "dataset", "recognised", "transform",
            "standard" or "arrays".
    `sure` means that it reproduces the inputs that the network was observed to get.
    """

    prepare: Prepare
    way: str
    sure: bool


def as_the_script_does(network: ObservedNetwork, served: Sequence[Any], view: View) -> Prepared:
    """The best known way to prepare images for a network that a script trained.

    Args:
        network: the network, with samples of its inputs.
        served: the data sets that the shims gave to the script.
        view: the data behind them.
    """
    if not view.has_photos:   # an instructor's own arrays, which no script gets from torchvision
        return Prepared(view.normalise, "arrays", False)
    samples = _samples(network)
    for loader, sample in samples:
        if loader is None or not served:
            continue
        through = _through(loader.dataset, served)
        if through is None:
            continue
        step = _fit(_items(loader.dataset, len(sample)), sample) if in_order(loader) else None
        if step is not None:
            return Prepared(_then(through, step), "dataset", True)
        shape = _shape(through, view)
        if tuple(sample.shape[1:]) in (shape, shape[1:]):   # unchanged, or one of several crops
            return Prepared(through, "dataset", False)
    for loader, sample in samples:
        step = _in_their_order(sample, view) if loader is None or in_order(loader) else None
        step = step or _recognise(sample, view)
        if step is not None:
            return Prepared(_then(_plain, step), "recognised", True)
    transform = _test_transform(served)
    if transform is not None:
        return Prepared(transform, "transform", False)
    return Prepared(lambda images: view.normalise(as_photos(images)), "standard", False)


def _samples(network: ObservedNetwork) -> list[tuple[Any, torch.Tensor]]:
    """The samples of its evaluations, the latest first, those of training images last."""
    found = list(reversed(network.samples.items()))
    training = network.training_loader
    trained_on = training.dataset if training is not None else None
    return sorted(found, key=lambda one: one[0] is not None and one[0].dataset is trained_on)


def _through(dataset: Any, served: Sequence[Any]) -> Prepare | None:
    """Prepare images with a data set that wraps a served one; None if it ignores that one."""

    def item(image: Image.Image) -> torch.Tensor | None:
        for inner in served:
            inner.shown = image
        try:
            return _first(dataset[0])
        except Exception:   # the student's code was not written for this
            return None
        finally:
            for inner in served:
                inner.shown = None

    def prepare(images: Images) -> torch.Tensor:
        rows = [item(Image.fromarray(photo)) for photo in as_photos(images)]
        return torch.stack([row for row in rows if row is not None])

    black, white = (item(Image.new("RGB", (32, 32), colour)) for colour in ("black", "white"))
    if black is None or white is None or torch.equal(black, white):
        return None
    return prepare


def _test_transform(served: Sequence[Any]) -> Prepare | None:
    """The transform that the script gave to its test set, else to any of its sets."""
    sets = [one for one in served if one.transform is not None]
    sets.sort(key=lambda one: not one.train)
    if not sets:
        return None
    transform = sets[-1].transform

    def prepare(images: Images) -> torch.Tensor:
        rows = [torch.as_tensor(transform(Image.fromarray(one))) for one in as_photos(images)]
        return torch.stack(rows).float()

    return prepare


def _plain(images: Images) -> torch.Tensor:
    """float32 (N, 3, 32, 32) in [0, 1]."""
    return torch.from_numpy(np.array(as_photos(images))).permute(0, 3, 1, 2).float() / 255


def _recognise(sample: torch.Tensor, view: View) -> Step | None:
    """The step from [0, 1] to the network's input, fitted to the images found in a sample."""
    first = _as_channels(sample[:1].cpu().float(), (3, 32, 32))
    if first is None:
        return None
    for split in ("validation", "train"):
        pool = _plain(view.photos(split, POOL)[0])
        found = _matches(sample.cpu().float(), pool)
        if found is not None:
            return _fit(pool[found], sample)
    return None


def _matches(sample: torch.Tensor, pool: torch.Tensor) -> torch.Tensor | None:
    """The index of the image behind each input of a sample, by correlation; None if any is unclear.
    """
    rows = _as_channels(sample, tuple(pool.shape[1:]))
    if rows is None:
        return None
    correlation = _standard(rows) @ _standard(pool).T / rows[0].numel()
    best, index = correlation.max(dim=1)
    return index if bool((best > ALIKE).all()) else None


def _standard(images: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, C * H * W), each channel of each image with mean 0 and deviation 1."""
    centred = images - images.mean((2, 3), keepdim=True)
    return (centred / centred.std((2, 3), keepdim=True).clamp_min(1e-6)).flatten(1)


def _as_channels(batch: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor | None:
    """A batch in any layout as (N, C, H, W)."""
    if tuple(batch.shape[1:]) == shape:
        return batch
    if batch.dim() == 4 and tuple(batch.permute(0, 3, 1, 2).shape[1:]) == shape:
        return batch.permute(0, 3, 1, 2)
    if batch.dim() == 2 and batch[0].numel() == int(np.prod(shape)):
        return batch.reshape(len(batch), *shape)
    return None


def _in_their_order(sample: torch.Tensor, view: View) -> Step | None:
    """The fitted step, if the sample is the first images of a split in their order."""
    for split in ("validation", "train"):
        step = _fit(_plain(view.photos(split, len(sample))[0]), sample)
        if step is not None:
            return step
    return None


def _fit(before: torch.Tensor | None, after: torch.Tensor) -> Step | None:
    """Fit the step that turns `before`, (N, C, H, W), into `after`; None if nothing fits.

    A step changes the layout, scales per channel, and shifts per channel or per pixel, as for a
    mean image.
    """
    if before is None or before.dim() != 4 or len(before) != len(after) or len(after) < FEWEST:
        return None
    dtype, layout = after.dtype, tuple(after.shape[1:])
    rows = _as_channels(after.cpu().double(), tuple(before.shape[1:]))
    if rows is None:
        return None
    before = before.double()
    if before.shape == after.shape and torch.allclose(before, rows, rtol=1e-4, atol=1e-5):
        return lambda batch: batch.to(dtype)
    for centred in ((0, 2, 3), (0,)):
        centre, target = before.mean(centred, keepdim=True), rows.mean(centred, keepdim=True)
        moved = before - centre
        products = (moved * (rows - target)).sum((0, 2, 3), keepdim=True)
        scale = products / (moved**2).sum((0, 2, 3), keepdim=True).clamp_min(1e-12)
        shift = target - scale * centre
        wrong = (before * scale + shift - rows).abs().max()
        if bool(wrong <= TOLERANCE * rows.std().clamp_min(1e-6)):
            return _step(scale, shift, dtype, layout)
    return None


def _step(
    scale: torch.Tensor, shift: torch.Tensor, dtype: torch.dtype, layout: tuple[int, ...]
) -> Step:
    def step(batch: torch.Tensor) -> torch.Tensor:
        channels_last = len(layout) == 3 and layout != tuple(batch.shape[1:])
        moved = (batch.double() * scale + shift).to(dtype)
        return moved.permute(0, 2, 3, 1) if channels_last else moved.reshape(-1, *layout)

    return step


def _then(first: Prepare, second: Step) -> Prepare:
    return lambda images: second(first(images))


def _items(dataset: Any, count: int) -> torch.Tensor | None:
    try:
        rows = [_first(dataset[index]) for index in range(count)]
        return torch.stack([row.float() for row in rows if row is not None])
    except Exception:   # the student's code, as above
        return None


def _first(item: Any) -> torch.Tensor | None:
    if isinstance(item, Mapping):
        item = [*item.values()]
    if isinstance(item, (tuple, list)) and item:
        item = item[0]
    if isinstance(item, np.ndarray):
        item = torch.from_numpy(item)
    return item if isinstance(item, torch.Tensor) and item.dim() else None


def _shape(prepare: Prepare, view: View) -> tuple[int, ...]:
    return tuple(prepare(np.asarray(view.split("validation")[0][:1])).shape[1:])
