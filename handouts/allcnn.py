"""All-CNN-C, the all-convolutional network (Springenberg et al., 2015, arxiv.org/abs/1412.6806).

Handed out with the homework. Batch norm follows each convolution but the last, which the paper did
without.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class allcnn_t(nn.Module):  # noqa: N801  # the name that the homework's scripts import
    """Logits, float32 (N, 10), for images, float32 (N, 3, H, W): 32x32 of CIFAR-10, from 12 up.

    There is no pooling before the end: convolutions of stride 2 halve height and width. `c1` and
    `c2` are the channels before and after the second of them.
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
        """The mean of the last feature maps: one number for each class."""
        return torch.mean(self.features(images), dim=(2, 3))


def convolution(
    channels: int, out: int, size: int, *, stride: int = 1, padding: int | None = None
) -> nn.Sequential:
    """Convolution, batch norm, ReLU; padded so that stride 1 keeps height and width."""
    padding = size // 2 if padding is None else padding
    return nn.Sequential(
        nn.Conv2d(channels, out, size, stride=stride, padding=padding),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )
