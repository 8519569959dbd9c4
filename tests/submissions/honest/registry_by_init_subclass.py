from abc import ABC, abstractmethod

import torch
import torch.nn as nn


class Augmentation(ABC):
    registry = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Augmentation.registry[cls.__name__] = cls

    @abstractmethod
    def __call__(self, x):
        raise NotImplementedError


class Flip(Augmentation):
    def __call__(self, x):
        mask = torch.rand(x.size(0)) < 0.5
        x[mask] = x[mask].flip(-1)
        return x


class Crop(Augmentation):
    def __init__(self, pad=4):
        self.pad = pad

    def __call__(self, x):
        x = nn.functional.pad(x, [self.pad] * 4)
        i, j = torch.randint(0, 2 * self.pad + 1, (2,)).tolist()
        return x[..., i:i + 32, j:j + 32]

    def __repr__(self):
        return f"{type(self).__name__}(pad={self.pad})"


pipeline = [cls() for cls in Augmentation.registry.values()]
batch = torch.rand(8, 3, 32, 32)
for step in pipeline:
    batch = step(batch)
print(pipeline, batch.shape)
