import torch
import torch.nn as nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models import resnet18
from torchvision.models.resnet import BasicBlock, ResNet

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.modules.batchnorm._NormBase)


def split(model):
    bn, bias, other = [], [], []
    seen = set()
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            if id(p) in seen or not p.requires_grad:
                continue
            seen.add(id(p))
            if isinstance(module, (_BatchNorm,) + NORMS):
                bn.append(p)
            elif name == "bias":
                bias.append(p)
            else:
                other.append(p)
    return bn, bias, other


def split_by_hand(model):
    stack, groups = [model], {"bn": [], "bias": [], "rest": []}
    while stack:
        m = stack.pop()
        stack.extend(m._modules.values())
        for k, p in m._parameters.items():
            if p is None:
                continue
            where = "bn" if "BatchNorm" in m._get_name() else "bias" if k == "bias" else "rest"
            groups[where].append(p)
    return groups


model = resnet18()
for group in split(model):
    print(len(group), sum(p.numel() for p in group), {p.data_ptr() for p in group[:2]})
print({k: sum(map(torch.numel, v)) for k, v in split_by_hand(model).items()})
