"""Batches from images that are held on the device: no copies, no worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class DeviceLoader:
    """Batches of images, float32 (N, 3, H, W), and labels, int64 (N,), which lie on one device.

    `augment`, if given, changes each batch of images. All images come, each once.
    """

    images: Tensor
    labels: Tensor
    batch_size: int
    shuffle: bool = False
    augment: Callable[[Tensor], Tensor] | None = None

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        count, device = len(self.labels), self.labels.device
        order = torch.randperm(count) if self.shuffle else torch.arange(count)
        for rows in torch.split(order.to(device), self.batch_size):
            images = self.images[rows]
            yield images if self.augment is None else self.augment(images), self.labels[rows]


def crop_and_flip(images: Tensor) -> Tensor:
    """For photographs: shift each image by up to an eighth of its size, mirror every other one.

    What comes in at the edges is the image itself, reflected. Takes and returns (N, C, H, W).
    """
    count, channels, height, width = images.shape
    reach = max(1, height // 8)
    padded = F.pad(images, (reach,) * 4, mode="reflect")
    rows = _starts(count, 2 * reach, images.device) + torch.arange(height, device=images.device)
    columns = _starts(count, 2 * reach, images.device) + torch.arange(width, device=images.device)
    mirrored = torch.rand(count, device=images.device) < 0.5
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    image = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _starts(count: int, most: int, device: torch.device) -> Tensor:
    return torch.randint(most + 1, (count, 1), device=device)
