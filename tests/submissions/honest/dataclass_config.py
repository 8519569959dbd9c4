from dataclasses import asdict, dataclass, field, replace
from typing import List, Optional

import torch
from torch import nn


@dataclass
class TrainConfig:
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    epochs: int = 10
    optimizer: str = "SGD"
    activation: str = "ReLU"
    widths: List[int] = field(default_factory=lambda: [32, 64])
    resume: Optional[str] = None

    def __post_init__(self):
        assert self.lr > 0, "the learning rate must be positive"

    @property
    def depth(self) -> int:
        return len(self.widths)


def build(cfg: TrainConfig) -> nn.Module:
    act = getattr(nn, cfg.activation)
    layers, inside = [], 3
    for width in cfg.widths:
        layers += [nn.Conv2d(inside, width, 3, padding=1), nn.BatchNorm2d(width), act()]
        inside = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, 10))


cfg = replace(TrainConfig(), lr=0.05)
model = build(cfg)
opt = getattr(torch.optim, cfg.optimizer)(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
print(asdict(cfg), cfg.depth)
