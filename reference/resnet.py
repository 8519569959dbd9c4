"""ResNet-18 for small images (He et al., 2015, https://arxiv.org/abs/1512.03385).

torchvision's ResNet-18 begins with a 7x7 convolution of stride 2 and a max-pool, which shrink an
8x8 digit to 2x2. Here the stem is one 3x3 convolution of stride 1; the rest is the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def build_model(num_classes: int = 10, width: int | None = None) -> nn.Module:
    """Build the network to train, on the GPU if there is one.

    Its weights are channels-last, and so are its feature maps, which is faster on CPU and GPU.

    Args:
        num_classes: Number of logits.
        width: Channels of the first stage; None: 64 on a GPU, 16 on a CPU.

    Returns:
        A `ResNet18` with fresh weights, in train mode.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = ResNet18(num_classes, width or (64 if device.type == "cuda" else 16))
    return model.to(device).to(memory_format=torch.channels_last)


class ResNet18(nn.Module):
    """ResNet-18 with a 3x3 stem, for images of 8x8 and larger.

    The four stages of two blocks each have 1, 2, 4 and 8 times `width` channels. Each stage after
    the first halves height and width.
    """

    def __init__(self, num_classes: int = 10, width: int = 64) -> None:
        """Build the layers and initialise their weights.

        Args:
            num_classes: Number of logits.
            width: Channels of the first stage; torchvision's ResNet-18 has 64.
        """
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
        """Return logits, float32 (N, num_classes), for images, float32 (N, 3, H, W)."""
        features: Tensor = self.stages(self.stem(images))
        logits: Tensor = self.fc(features.mean(dim=(2, 3)))
        return logits


class Block(nn.Module):
    """The basic residual block: relu(shortcut(x) + bn(conv(relu(bn(conv(x)))))).

    Batch norm comes before each ReLU. The shortcut is the identity, or a 1x1 convolution with batch
    norm where the block changes the number of channels or the size.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Build the block.

        Args:
            inputs: Channels that come in.
            outputs: Channels that go out.
            stride: Stride of the first convolution; 2 halves height and width.
        """
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
        """Map (N, inputs, H, W) to (N, outputs, ceil(H / stride), ceil(W / stride))."""
        return torch.relu(self.shortcut(x) + self.last_norm(self.residual(x)))


def stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Build two blocks, of which the first changes channels and size; arguments as in `Block`."""
    return nn.Sequential(Block(inputs, outputs, stride), Block(outputs, outputs, stride=1))


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """Build a 3x3 convolution that keeps height and width at stride 1.

    It has no bias: the batch norm that follows would subtract it again.
    """
    return nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)


def initialise(model: nn.Module) -> None:
    """Initialise the weights of a ResNet in place.

    Convolutions get Kaiming's initialisation, so that signals keep their size through the ReLUs.
    The last batch norm of each block starts at zero, so each block starts as its shortcut alone: a
    short training then reaches a higher accuracy.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, Block):
            nn.init.zeros_(module.last_norm.weight)
