"""The data that the worker may see: training and validation images, and no hidden images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
PHOTO_SIZE = 32


@dataclass(frozen=True)
class View:
    """A folder with `SPLIT_images.npy`, uint8 (N, H, W, 3), and `SPLIT_labels.npy`, int64 (N,).

    SPLIT is "train" or "validation". The files are memory-mapped. Arrays of an instructor's own may
    be grey images, uint8 (N, H, W, 1), or any numbers with one row for each example.
    """

    folder: Path
    classes: tuple[str, ...]

    def split(self, name: str) -> tuple[Images, Labels]:
        """The images and labels of a split."""
        images = np.load(self.folder / f"{name}_images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(self.folder / f"{name}_labels.npy", mmap_mode="r", allow_pickle=False)
        return images, labels

    def photos(self, name: str, count: int | None) -> tuple[Images, Labels]:
        """The first `count` images (None: all), enlarged to CIFAR-10's size, and their labels."""
        images, labels = self.split(name)
        return as_photos(np.asarray(images[:count])), np.asarray(labels[:count])

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of the training images per channel, for values in [0, 1]."""
        images = np.asarray(self.split("train")[0], dtype=np.float32) / 255
        mean, deviation = images.mean((0, 1, 2)), images.std((0, 1, 2))
        return torch.from_numpy(mean), torch.from_numpy(deviation)

    @property
    def has_photos(self) -> bool:
        """True if its inputs are colour images, as every source but own arrays has them."""
        images = self.split("train")[0]
        return is_image(images) and images.shape[-1] == 3

    def normalise(self, images: Images) -> torch.Tensor:
        """Standardise images, uint8 (N, H, W, 3), by the training set: float32 (N, 3, H, W).

        Inputs that are no images stay as they are.
        """
        if not is_image(images):
            return torch.from_numpy(np.array(images))
        mean, deviation = self.statistics()
        pixels = torch.from_numpy(np.array(images)).float() / 255
        return ((pixels - mean) / deviation).permute(0, 3, 1, 2).contiguous()


def open_view(folder: Path) -> View:
    """Open the view that the host wrote to a folder."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return View(folder, tuple(meta["classes"]))


def is_image(images: Images) -> bool:
    """True for uint8 (N, H, W, channels)."""
    return images.dtype == np.uint8 and images.ndim == 4 and images.shape[-1] in (1, 3)


def as_photos(images: Images) -> Images:
    """Enlarge images that are lower than 32 pixels to 32x32 by repeating pixels."""
    height, width = images.shape[1:3]
    if height >= PHOTO_SIZE:
        return images
    steps = np.arange(PHOTO_SIZE)
    return images[:, steps * height // PHOTO_SIZE][:, :, steps * width // PHOTO_SIZE]


class Batches(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """A data set that is indexed by a batch: collating single images takes longer than training."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        return self.images[index], self.labels[index]


Loader = DataLoader[tuple[torch.Tensor, torch.Tensor]]


def loader(images: torch.Tensor, labels: torch.Tensor, size: int, seed: int | None) -> Loader:
    """A loader of batches of `size` images, shuffled by `seed`, or in order when `seed` is None."""
    dataset = Batches(images, labels)
    if seed is None:
        sampler = BatchSampler(SequentialSampler(dataset), size, drop_last=False)
    else:
        order = RandomSampler(dataset, generator=torch.Generator().manual_seed(seed))
        sampler = BatchSampler(order, size, drop_last=False)
    return DataLoader(dataset, batch_size=None, sampler=sampler)
