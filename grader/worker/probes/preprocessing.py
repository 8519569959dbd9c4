"""How a script makes a network's input of a picture, so that hidden pictures can go the same way.

The data set that it evaluates on is shown another picture and asked for it; what its loop then does
to a batch (moving values, stretching them, laying them flat) is learnt from the inputs that the
network was seen to get. Where no data set of ours is behind the evaluation, the pictures are
recognised in those inputs.
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
from grader.worker.observer.networks import Watched

Prepare = Callable[[Images], torch.Tensor]   # uint8 (N, H, W, 3) -> a batch for the network
Step = Callable[[torch.Tensor], torch.Tensor]   # of such a batch
FEWEST = 4          # pictures to learn it from
POOL = 10_000       # pictures among which those of an evaluation are looked for
ALIKE = 0.999       # correlation of a picture with itself after another rounding
TOLERANCE = 0.02    # of the spread of the inputs: rounding to bfloat16 is below a hundredth


@dataclass(frozen=True)
class Prepared:
    """`way` says how it was found: "function", "dataset", "recognised", "transform", "standard".
    `sure`: the inputs that the network was seen to get come out of it."""

    prepare: Prepare
    way: str
    sure: bool


def as_the_script_does(network: Watched, served: Sequence[Any], view: View) -> Prepared:
    """The best way that is known for a network that was trained by a script."""
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
        if tuple(sample.shape[1:]) in (shape, shape[1:]):   # as it is, or one of several crops
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


def _samples(network: Watched) -> list[tuple[Any, torch.Tensor]]:
    """What it was evaluated on, the latest first; its training images come last."""
    found = list(reversed(network.samples.items()))
    training = network.training_loader
    mine = training.dataset if training is not None else None
    return sorted(found, key=lambda one: one[0] is not None and one[0].dataset is mine)


def _through(dataset: Any, served: Sequence[Any]) -> Prepare | None:
    """Pictures through a data set that has one of ours inside; None when it does not ask ours."""

    def one(picture: Image.Image) -> torch.Tensor | None:
        for inner in served:
            inner.shown = picture
        try:
            return _first(dataset[0])
        except Exception:   # it is the student's code, and was never meant for this
            return None
        finally:
            for inner in served:
                inner.shown = None

    def prepare(images: Images) -> torch.Tensor:
        rows = [one(Image.fromarray(image)) for image in as_photos(images)]
        return torch.stack([row for row in rows if row is not None])

    black, white = (one(Image.new("RGB", (32, 32), colour)) for colour in ("black", "white"))
    if black is None or white is None or torch.equal(black, white):
        return None
    return prepare


def _test_transform(served: Sequence[Any]) -> Prepare | None:
    """The transform that the script gave its test set, or else any of its sets."""
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
    """From [0, 1] to the network's input, by the pictures that are found in a sample of it."""
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
    """For each of a sample the picture that it was made of, by its shape and not its brightness."""
    rows = _as_channels(sample, tuple(pool.shape[1:]))
    if rows is None:
        return None
    likeness = _standard(rows) @ _standard(pool).T / rows[0].numel()
    best, index = likeness.max(dim=1)
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
    """If the sample is the first pictures of one of our sets, in our own order."""
    for split in ("validation", "train"):
        step = _fit(_plain(view.photos(split, len(sample))[0]), sample)
        if step is not None:
            return step
    return None


def _fit(before: torch.Tensor | None, after: torch.Tensor) -> Step | None:
    """What turns `before`, (N, C, H, W), into `after`: another layout, a scale per channel, and a
    shift per channel or per pixel (as of a mean image). None when it is anything else.
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
    except Exception:   # likewise
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
