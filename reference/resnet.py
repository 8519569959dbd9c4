"""ResNet-18 for small images (He et al., 2015, https://arxiv.org/abs/1512.03385).

torchvision's ResNet-18 begins with a 7x7 convolution of stride 2 and a max-pool, which leave
nothing of an 8x8 digit. Here the stem is one 3x3 convolution of stride 1; the rest is the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def build_model(num_classes: int = 10, width: int | None = None) -> nn.Module:
    """The network to train, on the GPU where there is one; `width` is 64 there and 16 on a CPU.

    Its weights are channels-last, and so is whatever they are convolved with: faster on both.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = ResNet18(num_classes, width or (64 if device.type == "cuda" else 16))
    return model.to(device).to(memory_format=torch.channels_last)


class ResNet18(nn.Module):
    """Logits, float32 (N, num_classes), for images, float32 (N, 3, H, W); H and W from 8 up.

    Four stages of two blocks have `width`, 2, 4 and 8 times `width` channels; each stage after the
    first halves height and width.
    """

    def __init__(self, num_classes: int = 10, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv3x3(3, width), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential(
            stage(width, width, stride=1),
            stage(width, 2 * width, stride=2),
            stage(2 * width, 4 * width, stride=2),
            stage(4 * width, 8 * width, stride=2),
        )
        self.fc = nn.Linear(8 * width, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.stages(self.stem(images))
        logits: Tensor = self.fc(features.mean(dim=(2, 3)))
        return logits


class Block(nn.Module):
    """relu(shortcut(x) + bn(conv(relu(bn(conv(x)))))): batch norm stands before each ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            conv3x3(inputs, outputs, stride),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            conv3x3(outputs, outputs),
        )
        self.last_norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.last_norm(self.residual(x)))


def stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Block(inputs, outputs, stride), Block(outputs, outputs, stride=1))


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    # No bias: the batch norm that follows subtracts it again.
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)


def initialise(model: nn.Module) -> None:
    """Kaiming for the convolutions, so that signals keep their size through the ReLUs.

    Each block begins as its shortcut, with nothing from the residual: a short training goes better.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, Block):
            nn.init.zeros_(module.last_norm.weight)
