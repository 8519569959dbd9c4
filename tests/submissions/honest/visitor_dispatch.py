import functools

import torch.nn as nn
from torchvision.models import resnet18


class Counter:
    """Dispatches on the class name of each module, like ast.NodeVisitor."""

    def __init__(self):
        self.counts = {}

    def visit(self, name, module):
        method = getattr(self, "visit_" + type(module).__name__, self.generic)
        method(name, module)
        for child_name, child in module.named_children():
            self.visit(f"{name}.{child_name}".lstrip("."), child)

    def visit_Conv2d(self, name, m):
        self.counts[name] = m.weight.numel() + (m.bias.numel() if m.bias is not None else 0)

    def visit_BatchNorm2d(self, name, m):
        self.counts[name] = m.weight.numel() + m.bias.numel()

    visit_Linear = visit_Conv2d

    def generic(self, name, module):
        pass


@functools.singledispatch
def kind(module):
    return "other"


@kind.register
def _(module: nn.Conv2d):
    return "conv"


@kind.register(nn.BatchNorm2d)
def _(module):
    return "norm"


c = Counter()
model = resnet18()
c.visit("", model)
print(sum(c.counts.values()), kind(model.conv1), kind(model.bn1))
