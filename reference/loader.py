"""Batches of images that stay on the device: no copies, no worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class DeviceLoader:
    """Iterates over batches of images and labels; each image comes once in a pass.

    The last batch may be smaller than `batch_size`.

    Attributes:
        images: float32 (N, 3, H, W), normalised.
        labels: int64 (N,), on the same device as `images`.
        batch_size: Images in a batch.
        shuffle: Draw a new order for each pass, from torch's global generator.
        augment: Maps a batch of images to one of the same shape; None leaves them as they are.
    """

    images: Tensor
    labels: Tensor
    batch_size: int
    shuffle: bool = False
    augment: Callable[[Tensor], Tensor] | None = None

    def __len__(self) -> int:
        """Return the number of batches in a pass."""
        return -(-len(self.labels) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (images, labels): float32 (B, 3, H, W) and int64 (B,)."""
        count, device = len(self.labels), self.labels.device
        order = torch.randperm(count) if self.shuffle else torch.arange(count)
        for rows in torch.split(order.to(device), self.batch_size):
            images = self.images[rows]
            yield images if self.augment is None else self.augment(images), self.labels[rows]


def crop_and_flip(images: Tensor) -> Tensor:
    """Augment photographs: shift each by up to an eighth of its size, mirror it with chance 1/2.

    The image is reflected at its edges, so a shift brings in no black border. Shifts and mirroring
    are drawn for each image from torch's global generator.

    Args:
        images: (N, C, H, W), any dtype.

    Returns:
        A new tensor of the same shape, dtype and device.
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
    """Draw where each crop starts: int64 (count, 1), from 0 to `most`."""
    return torch.randint(most + 1, (count, 1), device=device)
