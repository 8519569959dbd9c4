"""HW2 P1. Lists of parameter names, sorted into the three kinds."""
from torch import nn
from torchvision import models


class Counter:
    def __init__(self, net):
        self.net = net

    def kinds(self):
        norm_layers = [k for k, m in self.net.named_modules() if isinstance(m, nn.BatchNorm2d)]
        for name, _ in self.net.named_parameters():
            layer, leaf = name.rsplit(".", 1)
            if layer in norm_layers:
                yield "norm", name
            elif leaf == "bias":
                yield "bias", name
            else:
                yield "weight", name


if __name__ == "__main__":
    net = models.resnet18()
    found = list(Counter(net).kinds())
    names_norm = [n for kind, n in found if kind == "norm"]
    names_bias = [n for kind, n in found if kind == "bias"]
    names_rest = [n for kind, n in found if kind == "weight"]
    sizes = {n: p.numel() for n, p in net.named_parameters()}
    for group in (names_norm, names_bias, names_rest):
        print(len(group), "tensors,", sum(sizes[n] for n in group), "parameters")
