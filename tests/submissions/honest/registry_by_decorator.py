import torch
from torch import nn

MODELS = {}


def register(name=None):
    def wrap(cls):
        key = name or cls.__name__.lower()
        if key in MODELS:
            raise KeyError(f"{key} is registered already")
        MODELS[key] = cls
        return cls
    return wrap


@register()
class SmallNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                 nn.Linear(16, num_classes))

    def forward(self, x):
        return self.net(x)


@register("mlp")
class MLP(nn.Module):
    def __init__(self, num_classes=10):
        super(MLP, self).__init__()
        self.fc = nn.Linear(3 * 32 * 32, num_classes)

    def forward(self, x):
        return self.fc(torch.flatten(x, 1))


def build_model(name="smallnet", **kwargs):
    return MODELS[name](**kwargs)


print({k: sum(p.numel() for p in v().parameters()) for k, v in MODELS.items()})
