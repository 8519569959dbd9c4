import inspect

import torch
from torch import nn


def filter_kwargs(function, options):
    allowed = inspect.signature(function).parameters
    return {k: v for k, v in options.items() if k in allowed}


def make_optimizer(model, name="adamw", **options):
    classes = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    cls = classes[name.lower()]
    decay, no_decay = [], []
    for n, p in model.named_parameters():
        if not p.requires_grad:
            continue
        (no_decay if p.dim() == 1 or n.endswith(".bias") else decay).append(p)
    groups = [{"params": decay, "weight_decay": options.pop("weight_decay", 0.01)},
              {"params": no_decay, "weight_decay": 0.0}]
    return cls(groups, **filter_kwargs(cls, options))


fields = list(inspect.signature(torch.optim.SGD.__init__).parameters)
use_fused = "fused" in inspect.signature(torch.optim.AdamW).parameters
print(inspect.getsource(filter_kwargs))
model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
print(make_optimizer(model, lr=1e-3, fused=use_fused, momentum=0.9))
