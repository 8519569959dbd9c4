from enum import Enum, auto

import torch
from torch import nn


class Norm(Enum):
    BATCH = auto()
    GROUP = auto()
    NONE = auto()

    @classmethod
    def parse(cls, text):
        return cls[text.upper()]


def norm(kind, channels):
    match kind:
        case Norm.BATCH:
            return nn.BatchNorm2d(channels)
        case Norm.GROUP:
            return nn.GroupNorm(8, channels)
        case _:
            return nn.Identity()


def kind_of(module):
    match module:
        case nn.Conv2d(out_channels=n, bias=None):
            return f"conv {n} without bias"
        case nn.Conv2d(out_channels=n):
            return f"conv {n}"
        case nn.Linear(in_features=i, out_features=o):
            return f"linear {i} to {o}"
        case nn.BatchNorm2d() | nn.GroupNorm():
            return "norm"
    return module.__class__.__name__


net = nn.Sequential(nn.Conv2d(3, 16, 3, bias=False), norm(Norm.parse("batch"), 16), nn.Flatten(), nn.Linear(16, 10))
print([kind_of(m) for m in net], list(Norm.__members__), Norm.BATCH.name)
