# Plots: none. I worked with nobody.
from torchvision.models import resnet18
import torch.nn as nn

net = resnet18()
affine, bias, rest = [], [], []
seen = set()

def visit(layer):
    for child in layer.children():
        visit(child)
    for key, p in layer.named_parameters(recurse=False):
        if id(p) in seen:
            continue
        seen.add(id(p))
        if isinstance(layer, nn.BatchNorm2d):
            affine.append(p)
        elif key == "bias":
            bias.append(p)
        else:
            rest.append(p)

visit(net)
print(*(sum(p.numel() for p in g) for g in (affine, bias, rest)))
