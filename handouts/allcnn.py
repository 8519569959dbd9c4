"""All-CNN-C, the all-convolutional network (Springenberg et al., 2015, arxiv.org/abs/1412.6806).

Handed out with the homework. Unlike the paper's network, it has a batch norm after every
convolution but the last.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class allcnn_t(nn.Module):  # noqa: N801  # the name that the homework's scripts import
    """Maps images, float32 (N, 3, H, W), to logits, float32 (N, 10); H and W are at least 12.

    There is no pooling before the end: two convolutions of stride 2 halve height and width.

    Args:
        c1: Channels up to and including the first convolution of stride 2.
        c2: Channels after it.
    """

    def __init__(self, c1: int = 96, c2: int = 192) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Dropout(0.2),
            convolution(3, c1, 3),
            convolution(c1, c1, 3),
            convolution(c1, c1, 3, stride=2),
            nn.Dropout(0.5),
            convolution(c1, c2, 3),
            convolution(c2, c2, 3),
            convolution(c2, c2, 3, stride=2),
            nn.Dropout(0.5),
            convolution(c2, c2, 3, padding=0),
            convolution(c2, c2, 1),
            nn.Conv2d(c2, 10, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean of each of the ten last feature maps."""
        return torch.mean(self.features(images), dim=(2, 3))


def convolution(
    channels: int, out: int, size: int, *, stride: int = 1, padding: int | None = None
) -> nn.Sequential:
    """Convolution, batch norm and ReLU; by default padded so that stride 1 keeps the size."""
    padding = size // 2 if padding is None else padding
    return nn.Sequential(
        nn.Conv2d(channels, out, size, stride=stride, padding=padding),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )
