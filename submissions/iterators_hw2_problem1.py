"""HW2 problem 1, parts c and e. Generators, so that no parameter is copied into a list."""
import itertools

from torch import nn
from torchvision import models


def layers_of(net, *kinds):
    return filter(lambda m: isinstance(m, kinds), net.modules())


def affine(net):
    for m in layers_of(net, nn.BatchNorm2d):
        yield m.weight
        yield m.bias


def bias(net):
    for m in layers_of(net, nn.Conv2d, nn.Linear):
        if m.bias is not None:
            yield m.bias


def rest(net):
    known = set(map(id, itertools.chain(affine(net), bias(net))))
    return itertools.filterfalse(lambda p: id(p) in known, net.parameters())


def size(parameters):
    return sum(p.numel() for p in parameters)


def counts(net):
    for name, m in net.named_modules():
        n = size(m.parameters(recurse=False))
        if n:
            yield name, n


def main():
    net = models.resnet18(weights=None)
    table = dict(counts(net))
    for name, n in table.items():
        print(f"{name:24s}{n:12,d}")
    print(f"{'sum':24s}{sum(table.values()):12,d}")
    for title, group in (("batch norm", affine), ("bias", bias), ("rest", rest)):
        print(f"{title:24s}{size(group(net)):12,d}")
    return affine(net), bias(net), rest(net)


if __name__ == "__main__":
    main()
