"""Problem 1 (c) and (e)."""
import torchvision
from torch import nn

net = torchvision.models.resnet18(weights=None)

table = []
for name, layer in net.named_modules():
    own = [p.numel() for p in layer.parameters(recurse=False)]
    if own:
        table.append((name, sum(own)))
print(*table, sep="\n")

groups = {"batch norm affine": [], "biases": [], "everything else": []}
for layer in net.modules():
    for key, parameter in layer.named_parameters(recurse=False):
        if isinstance(layer, nn.BatchNorm2d):
            groups["batch norm affine"].append(parameter)
        elif key == "bias":
            groups["biases"].append(parameter)
        else:
            groups["everything else"].append(parameter)
for name, group in groups.items():
    print(name, sum(p.numel() for p in group))
