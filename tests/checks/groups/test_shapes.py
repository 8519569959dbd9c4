"""One right answer in every shape that a student may leave it in, judged as it was found.

Each snippet is asked by the worker's own probes, about ResNet-18 and about hidden networks, all of
them in one process without a sandbox; tests/run/test_shapes_of_groups.py asks some through one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from grader.checks import layer_counts
from grader.checks.groups import param_groups
from grader.records import Evidence, Outcome, Question, Verdict
from grader.rubric.model import Limits
from grader.sandbox.answer_schema import checked
from grader.sandbox.outcomes import OWNER
from tests.checks.evidence import CRITERION, inputs, key, unanswered, work

ROOT = Path(__file__).parent.parent.parent.parent
REFERENCE = "the reference"
# Lambdas, since functions would be called, and what they return be found.
HEAD = """
import itertools
import numpy as np
import torch, torchvision
from collections import Counter, OrderedDict, deque, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from torch import nn
from torchvision.models import resnet18

layers = lambda net, *kinds: [m for m in net.modules() if isinstance(m, kinds)]
norms = lambda net: layers(net, nn.BatchNorm2d)
linear = lambda net: layers(net, nn.Conv2d, nn.Linear)
affine = lambda net: [p for m in norms(net) for p in (m.weight, m.bias)]
offsets = lambda net: [m.bias for m in linear(net) if m.bias is not None]
others = lambda net: [m.weight for m in linear(net)]
size = lambda parameters: sum(p.numel() for p in parameters)
"""
RIGHT_GROUPS = {
    "a dictionary in an object that only a function has": """
        class Splitter:
            def __init__(self, net):
                self.groups = {}
                self.groups["bn"], self.groups["bias"] = affine(net), offsets(net)
                self.groups["rest"] = others(net)
        def main():
            splitter = Splitter(resnet18())
            print(len(splitter.groups["bn"]))
        main()
    """,
    "attributes of an object that nobody keeps": """
        class Job:
            def run(self):
                net = resnet18()
                self.bn_p, self.bias_p, self.rest_p = affine(net), offsets(net), others(net)
        Job().run()
    """,
    "attributes of a class": """
        class Groups:
            bn, bias, other = [], [], []
        net = resnet18()
        Groups.bn += affine(net)
        Groups.bias += offsets(net)
        Groups.other += others(net)
    """,
    "slots": """
        class Groups:
            __slots__ = ("bn", "bias", "rest")
        groups, net = Groups(), resnet18()
        groups.bn, groups.bias, groups.rest = affine(net), offsets(net), others(net)
    """,
    "attributes of a network": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = resnet18()
                self.bn_params, self.bias_params = affine(self.inner), offsets(self.inner)
                self.rest_params = others(self.inner)
        net = Net()
    """,
    "iterators that are returned": """
        def group_parameters(model):
            rest = others(model)
            return (filter(lambda p: True, affine(model)), map(lambda p: p, offsets(model)),
                    itertools.chain(rest[:3], rest[3:]))
    """,
    "a generator of three lists": """
        def group_parameters(model):
            yield affine(model)
            yield offsets(model)
            yield others(model)
    """,
    "generators that are left": """
        net = resnet18()
        def split(net):
            return (p for p in affine(net)), (p for p in offsets(net)), (p for p in others(net))
        bn, bias, rest = split(net)
    """,
    "a dataclass": """
        @dataclass
        class Groups:
            rest: list
            bn: list
            biases: list
        def group_parameters(model):
            return Groups(others(model), affine(model), offsets(model))
    """,
    "a named tuple in another order": """
        Groups = namedtuple("Groups", "other bias batch_norm")
        def group_parameters(model):
            return Groups(others(model), offsets(model), affine(model))
    """,
    "a namespace": """
        def group_parameters(model):
            return SimpleNamespace(rest=others(model), bn=affine(model), bias=offsets(model))
    """,
    "an object that also holds the network": """
        class Groups:
            pass
        def group_parameters(model):
            groups = Groups()
            groups.model, groups.rest = model, others(model)
            groups.bn, groups.bias = affine(model), offsets(model)
            return groups
    """,
    "a dictionary of dictionaries of dictionaries": """
        def group_parameters(model):
            groups = {"bn": {}, "bias": {}, "other": {}}
            for name, m in model.named_modules():
                if isinstance(m, nn.BatchNorm2d):
                    groups["bn"][name] = {"weight": m.weight, "bias": m.bias}
                elif isinstance(m, (nn.Conv2d, nn.Linear)):
                    groups["other"][name] = {"weight": m.weight}
                    if m.bias is not None:
                        groups["bias"][name] = {"bias": m.bias}
            return groups
    """,
    "a dictionary of dictionaries, left": """
        net = resnet18()
        name = {id(p): n for n, p in net.named_parameters()}
        found = (("bn", affine(net)), ("b", offsets(net)), ("rest", others(net)))
        groups = {key: {name[id(p)]: p for p in some} for key, some in found}
    """,
    "names with their counts": """
        net = resnet18()
        name = {id(p): n for n, p in net.named_parameters()}
        bn, bias, other = ({name[id(p)]: p.numel() for p in some}
                           for some in (affine(net), offsets(net), others(net)))
    """,
    "torch's own lists": """
        net = resnet18()
        bn_params = nn.ParameterList(affine(net))
        bias_params = nn.ParameterList(offsets(net))
        other_params = nn.ParameterList(others(net))
    """,
    "torch's own dictionaries": """
        def group_parameters(model):
            return tuple(nn.ParameterDict({str(i): p for i, p in enumerate(some)})
                         for some in (affine(model), offsets(model), others(model)))
    """,
    "layers in torch's own list": """
        net = resnet18()
        bn_layers = nn.ModuleList(norms(net))
        biases, rest = set(offsets(net)), frozenset(others(net))
    """,
    "a deque, and arrays of objects": """
        def array(some):
            made = np.empty(len(some), dtype=object)
            for i, p in enumerate(some):
                made[i] = p
            return made
        net = resnet18()
        bn, bias, rest = deque(affine(net)), array(offsets(net)), array(others(net))
    """,
    "arrays of names": """
        net = resnet18()
        name = {id(p): n for n, p in net.named_parameters()}
        bn, bias, rest = (np.array([name[id(p)] for p in some])
                          for some in (affine(net), offsets(net), others(net)))
    """,
    "groups as for an optimizer, in any order": """
        def group_parameters(model):
            return [{"params": others(model), "weight_decay": 1e-3}, {"params": affine(model)},
                    {"params": offsets(model), "weight_decay": 0}]
    """,
    "groups as for an optimizer, left": """
        net = resnet18()
        groups = [{"params": others(net), "weight_decay": 1e-3}, {"params": affine(net)},
                  {"params": offsets(net), "weight_decay": 0}]
        optimizer = torch.optim.SGD(groups, lr=0.1)
    """,
    "a tuple for each layer, and None where a bias is missing": """
        net, bn, biases, rest = resnet18(), [], [], []
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                bn.append((m.weight, m.bias))
            elif isinstance(m, (nn.Conv2d, nn.Linear)):
                rest.append(m.weight)
                biases.append(m.bias)
    """,
    "a name and two parameters for each layer": """
        net, bn, biases, rest = resnet18(), [], [], []
        for name, m in net.named_modules():
            if isinstance(m, nn.BatchNorm2d):
                bn.append((name, m.weight, m.bias))
            elif isinstance(m, (nn.Conv2d, nn.Linear)):
                rest.append([name, m.weight])
                if m.bias is not None:
                    biases.append([name, m.bias])
    """,
    "a dictionary of layers": """
        net, bn, biases, rest = resnet18(), {}, {}, {}
        for name, m in net.named_modules():
            if isinstance(m, nn.BatchNorm2d):
                bn[name] = [m.weight, m.bias]
            elif isinstance(m, (nn.Conv2d, nn.Linear)):
                rest[name] = m.weight
                if m.bias is not None:
                    biases[name] = [m.bias]
    """,
    "lists of lists whose names say nothing": """
        net, a, b, c = resnet18(), [], [], []
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                a.append([m.weight, m.bias])
            elif isinstance(m, (nn.Conv2d, nn.Linear)):
                c.append([m.weight])
                if m.bias is not None:
                    b.append([m.bias])
    """,
    "one list of all three, named after them": """
        net = resnet18()
        bn_bias_rest = [affine(net), offsets(net), others(net)]
    """,
    "weights and biases of batch norms apart": """
        net = resnet18()
        bn = {"weight": [m.weight for m in norms(net)], "bias": [m.bias for m in norms(net)]}
        bias, rest = offsets(net), others(net)
    """,
    "objects with a name, a parameter and a shape": """
        @dataclass
        class Info:
            name: str
            parameter: nn.Parameter
            shape: tuple
        net = resnet18()
        name = {id(p): n for n, p in net.named_parameters()}
        bn, bias, rest = ([Info(name[id(p)], p, tuple(p.shape)) for p in some]
                          for some in (affine(net), offsets(net), others(net)))
    """,
    "layers with the names of their parameters": """
        net = resnet18()
        bn = [(m, own) for m in norms(net) for own in ("weight", "bias")]
        bias = [(m.bias, "bias") for m in linear(net) if m.bias is not None]
        rest = [(m, "weight") for m in linear(net)]
    """,
    "only in the groups of an optimizer": """
        net = resnet18()
        torch.optim.AdamW([{"params": others(net), "weight_decay": 1e-3},
                           {"params": affine(net)}, {"params": offsets(net)}], lr=0.1)
    """,
    "only in an optimizer that a function builds, under names": """
        def main():
            net = resnet18()
            optimizer = torch.optim.SGD([{"params": offsets(net), "name": "bias"}], lr=0.1)
            optimizer.add_param_group({"params": others(net), "name": "weights"})
            optimizer.add_param_group({"params": affine(net), "name": "bn"})
            return optimizer.state_dict()
        main()
    """,
    "in generators that an optimizer used up": """
        net = resnet18()
        bn, bias = (p for p in affine(net)), filter(lambda p: True, offsets(net))
        rest = iter(others(net))
        torch.optim.SGD([{"params": bn}, {"params": bias}, {"params": rest}], lr=0.1)
    """,
    "in a generator that an optimizer begins with": """
        net = resnet18()
        bn, bias, rest = (p for p in affine(net)), offsets(net), (p for p in others(net))
        optimizer = torch.optim.SGD(rest, lr=0.1, weight_decay=1e-3)
        optimizer.add_param_group({"params": bn, "weight_decay": 0})
        optimizer.add_param_group({"params": bias, "weight_decay": 0})
    """,
    "in a function that nobody calls, beside an optimizer of two groups": """
        def three_groups(net):
            return affine(net), offsets(net), others(net)
        net = resnet18()
        torch.optim.SGD([{"params": others(net)}, {"params": affine(net) + offsets(net)}], lr=0.1)
    """,
    "beside a lazy layer, which has no size yet": """
        net, head = resnet18(), nn.LazyLinear(10)
        bn, bias, rest, weight = affine(net), offsets(net), others(net), head.weight
        class Lazy(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.bn = nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d()
        lazy = Lazy()
    """,
    "one parameter by itself": """
        def group_parameters(model):
            biases = offsets(model)
            return affine(model), biases[0] if len(biases) == 1 else biases, others(model)
    """,
    "counts in a dictionary": """
        net, counts = resnet18(), Counter()
        counts["bn"] += size(affine(net))
        counts["bias"] += size(offsets(net))
        counts["other"] += size(others(net))
    """,
    "counts in a list of three": """
        net = resnet18()
        total = [size(affine(net)), size(offsets(net)), np.int64(size(others(net)))]
    """,
    "counts in an object that nobody keeps": """
        class Count:
            def __init__(self, net):
                self.bn, self.bias = size(affine(net)), float(size(offsets(net)))
                self.rest = torch.tensor(size(others(net)))
        Count(resnet18())
    """,
    "counts that are returned": """
        def group_parameters(model):
            return size(affine(model)), size(offsets(model)), size(others(model))
    """,
    "counts, and the number of layers beside them": """
        net = resnet18()
        bn_count, bias_count, rest_count = size(affine(net)), size(offsets(net)), size(others(net))
        bn_layers, bias_tensors, bias_lr = len(norms(net)), len(offsets(net)), 2
    """,
    "counts beside lists of all parameters": """
        net = resnet18()
        params, names = list(net.parameters()), [n for n, _ in net.named_parameters()]
        bn, bias, rest = size(affine(net)), size(offsets(net)), size(others(net))
    """,
    "two lists and a count": """
        net = resnet18()
        bn, rest, n_bias = affine(net), others(net), size(offsets(net))
    """,
    "printed, each with a label": """
        net = resnet18()
        print(f"BN params: {size(affine(net)):,}")
        print("Biases =", size(offsets(net)))
        print("all the other parameters:", size(others(net)), "of", size(net.parameters()))
    """,
    "printed, a label after each": """
        net = resnet18()
        print(size(affine(net)), "in batch norms,", size(offsets(net)), "biases,",
              size(others(net)), "others")
    """,
    "printed in order": """
        net = resnet18()
        print(size(affine(net)), size(offsets(net)), size(others(net)))
    """,
    "printed as a list of tensors": """
        net = resnet18()
        print([torch.tensor(size(some(net))) for some in (affine, offsets, others)])
    """,
    "printed on three lines": """
        net = resnet18()
        for some in (affine, offsets, others):
            print(size(some(net)))
    """,
    "printed by numerals": """
        net = resnet18()
        for numeral, some in zip(("(i)", "(ii)", "(iii)"), (affine, offsets, others)):
            print(numeral, size(some(net)))
    """,
    "printed by a function that is asked": """
        def group_parameters(model):
            for label, some in (("batch norm", affine), ("bias", offsets), ("rest", others)):
                print(label, size(some(model)))
    """,
    "in another file than the counts per layer": """
        net, n = resnet18(), 0
        for name, p in net.named_parameters():
            print(name, p.numel())
        for child in net.children():
            n += len(net.state_dict())
        # file: part_e.py
        net = resnet18()
        x, y, z = affine(net), offsets(net), others(net)
    """,
    "in an object of a class from another file": """
        from splitting import Splitter
        net = resnet18()
        print([len(list(m.parameters())) for m in net.modules()])
        Splitter(net).go()
        # file: splitting.py
        class Splitter:
            def __init__(self, net):
                self.net = net
            def go(self):
                self.bn, self.bias = affine(self.net), offsets(self.net)
                rest = others(self.net)
                self.rest = rest
    """,
    "printed before the network and its parameters": """
        net = resnet18()
        for label, some in (("BN", affine), ("biases", offsets), ("others", others)):
            print(label, size(some(net)))
        print(net)
        for p in net.parameters():
            print(p)
        print(torch.optim.SGD(net.parameters(), lr=1))
    """,
    "printed before the counts of each layer": """
        net = resnet18()
        for label, some in (("batch norm:", affine), ("bias:", offsets), ("other:", others)):
            print(label, size(some(net)))
        for name, p in net.named_parameters():
            print(name, p.numel())
    """,
    "printed before a summary of another network": """
        net, other = resnet18(), nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        for label, some in (("(i) BN", affine), ("(ii) bias", offsets), ("(iii) rest", others)):
            print(label, size(some(net)))
        for number, m in enumerate(other, 1):
            print(f"{type(m).__name__}-{number}".rjust(20), str([-1, 8, 30, 30]).rjust(25),
                  f"{size(m.parameters()):>15,}")
        print(f"Total params: {size(other.parameters()):,}")
    """,
    "printed before an exception": """
        net = resnet18()
        print("bn", size(affine(net)), "bias", size(offsets(net)), "rest", size(others(net)))
        open("data/astronaut.jpg")
    """,
}
WRONG_GROUPS = {
    "sizes of layers, printed": """
        for name, p in resnet18().named_parameters():
            print(name, p.numel())
    """,
    "sizes of layers, in a dictionary": """
        counts = {name: p.numel() for name, p in resnet18().layer1.named_parameters()}
        print(resnet18())
    """,
    "typed in and printed with labels": """
        net = resnet18()
        print("bn: 9600"), print("bias: 1000"), print("rest: 11678912", len(list(net.modules())))
    """,
    "typed in and printed in order": """
        net = resnet18()
        print(9600, 1000, 11678912)
        assert size(net.parameters()) == 11689512
    """,
    "tensors instead of elements, printed": """
        net = resnet18()
        print("bn", len(affine(net)), "bias", len(offsets(net)), "other", len(others(net)))
    """,
    "labels that are swapped": """
        net = resnet18()
        print("bias", size(affine(net)), "bn", size(offsets(net)), "other", size(others(net)[1:]))
    """,
    "two groups of an optimizer": """
        net = resnet18()
        torch.optim.SGD([{"params": others(net)}, {"params": affine(net) + offsets(net)}], lr=0.1)
    """,
    "right counts beside lists that are wrong and named": """
        net = resnet18()
        bn, bias, rest = others(net), affine(net), offsets(net)
        print(size(affine(net)), size(offsets(net)), size(others(net)))
    """,
}
PARTLY_RIGHT_GROUPS = {
    "batch norms by name": """
        net = resnet18()
        named = list(net.named_parameters())
        bn = [p for n, p in named if "bn" in n]
        bias = [p for n, p in named if n.endswith("bias") and "bn" not in n]
        rest = [p for n, p in named if not n.endswith("bias") and "bn" not in n]
        print(size(bn), size(bias), size(rest))
    """,
    "batch norms by name, printed": """
        named = list(resnet18().named_parameters())
        print("bn", size(p for n, p in named if "bn" in n))
        print("bias", size(p for n, p in named if n.endswith("bias") and "bn" not in n))
        print("other", size(p for n, p in named if not n.endswith("bias") and "bn" not in n))
    """,
}
DOUBTFUL_GROUPS = {
    "counts under names that say nothing": """
        net = resnet18()
        a, b, c = size(affine(net)), size(offsets(net)), size(others(net))
    """,
    "four numbers in order": """
        net = resnet18()
        print(*(size(some(net)) for some in (affine, offsets, others, nn.Module.parameters)))
    """,
    "numbers of tensors between labels and counts": """
        net = resnet18()
        for label, some in (("bn", affine), ("bias", offsets), ("rest", others)):
            print(label, len(some(net)), size(some(net)))
    """,
    "every number that comes to mind": """
        net = resnet18()
        kinds = [size(m.weight for m in norms(net)), size(m.bias for m in norms(net)),
                 size(offsets(net)), size(others(net))]
        for number in range(1, 16):
            print(sum(k for bit, k in enumerate(kinds) if number >> bit & 1))
    """,
    "every grouping that comes to mind, in an object": """
        def group_parameters(model):
            kinds = [[m.weight for m in norms(model)], [m.bias for m in norms(model)],
                     offsets(model), others(model)]
            tries = SimpleNamespace()
            for n in range(1, 15):
                some = [p for bit, kind in enumerate(kinds) if n >> bit & 1 for p in kind]
                setattr(tries, f"x{n}", some)
            return tries
    """,
    "every grouping that comes to mind, one in another": """
        def group_parameters(model):
            w, b = [m.weight for m in norms(model)], [m.bias for m in norms(model)]
            return {"p": [w, b], "q": [offsets(model), others(model)], "r": [w, offsets(model)]}
    """,
}
RIGHT_LAYERS = {
    "the items of a dictionary": """
        net = resnet18()
        counts = {n: size(m.parameters(recurse=False)) for n, m in net.named_modules()}.items()
    """,
    "items that are returned": """
        def layer_parameter_counts(model):
            return {n: p.numel() for n, p in model.named_parameters()}.items()
    """,
    "named tuples, the count first": """
        Row = namedtuple("Row", "count name kind")
        net = resnet18()
        table = [Row(size(m.parameters(recurse=False)), n, type(m).__name__)
                 for n, m in net.named_modules()]
    """,
    "objects with more in them": """
        @dataclass
        class Row:
            kind: str
            name: str
            shape: tuple
            params: int
            trainable: bool
        net = resnet18()
        rows = [Row(type(m).__name__, n, tuple(m.weight.shape), size(m.parameters()), True)
                for n, m in net.named_modules() if hasattr(m, "weight")]
    """,
    "an ordered dictionary": """
        counts = OrderedDict((n, p.numel()) for n, p in resnet18().named_parameters())
    """,
    "a counter": """
        counts = Counter()
        for name, p in resnet18().named_parameters():
            counts[name.rpartition(".")[0]] += p.numel()
    """,
    "shape and count": """
        counts = {n: (tuple(p.shape), p.numel()) for n, p in resnet18().named_parameters()}
    """,
    "a dictionary for each": """
        counts = {n: {"shape": tuple(p.shape), "numel": p.numel(), "bytes": 4}
                  for n, p in resnet18().named_parameters()}
    """,
    "weights and biases of each": """
        counts = {n: {own: p.numel() for own, p in m.named_parameters(recurse=False)}
                  for n, m in resnet18().named_modules() if hasattr(m, "weight")}
    """,
    "pairs of count and name, sorted": """
        net = resnet18()
        counts = sorted((size(m.parameters(recurse=False)), n) for n, m in net.named_modules())
    """,
    "a generator": """
        def layer_parameter_counts(model):
            for name, p in model.named_parameters():
                yield name, p.numel()
    """,
    "an attribute of an object that nobody keeps": """
        class Counts:
            def __init__(self, net):
                self.by_layer = {n: p.numel() for n, p in net.named_parameters()}
        Counts(resnet18())
    """,
    "layers as keys": """
        net = resnet18()
        counts = {m: size(m.parameters(recurse=False)) for m in net.modules()}
    """,
    "beside long lists of other numbers": """
        counts = {n: p.numel() for n, p in resnet18().named_parameters()}
        targets = [[k] * 4000 for k in range(30)]
        (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, *_) = targets
        A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z, *_ = targets
    """,
    "printed by parameter": """
        net = resnet18()
        for name, p in net.named_parameters():
            print(name, p.shape, p.numel())
        print("Total", size(net.parameters()))
    """,
    "printed as a table": """
        print("Layer".ljust(30), "Params")
        for name, m in resnet18().named_modules():
            print(f"{name:30} {type(m).__name__:15} {size(m.parameters(recurse=False)):>12,}")
    """,
    "printed under other names": """
        net = resnet18()
        print("-" * 60)
        for number, m in enumerate(m for m in net.modules() if not list(m.children())):
            print(f"{type(m).__name__}-{number}".rjust(20), str([-1, 64, 112, 112]).rjust(25),
                  f"{size(m.parameters()):>15,}")
        print("=" * 60)
        print(f"Total params: {size(net.parameters()):,}")
    """,
    "printed as a dictionary": """
        print({n: p.numel() for n, p in resnet18().named_parameters()})
    """,
    "printed, weight and bias of each": """
        for name, m in resnet18().named_modules():
            for own, p in m.named_parameters(recurse=False):
                print(f"Layer {name}: {own} has {p.numel()} parameters")
    """,
    "printed by a function that is asked": """
        def layer_parameter_counts(model):
            for name, p in model.named_parameters():
                print(f"{name}: {p.numel():,}")
    """,
    "printed after another attempt": """
        net = resnet18()
        for name, p in net.named_parameters():
            print(name, 1)
        for name, p in net.named_parameters():
            print(name, p.numel())
    """,
    "printed between the network, its parameters and another network": """
        net = resnet18()
        print(net)
        for p in net.parameters():
            print(p)
        for name, p in net.named_parameters():
            print(f"Layer: {name}, parameters: {p.numel()}")
        print("Total:", size(net.parameters()))
        other = resnet18()
        other.fc = nn.Linear(512, 7)
        print(other)
        for number, m in enumerate(m for m in other.modules() if not list(m.children())):
            print(f"{type(m).__name__}-{number}".rjust(20), str([-1, 64, 112, 112]).rjust(25),
                  f"{size(m.parameters()):>15,}")
    """,
    "printed before an exception": """
        for name, p in resnet18().named_parameters():
            print(name, p.numel())
        open("data/astronaut.jpg")
    """,
}
PANDAS = {
    "a data frame": """
        import pandas as pd
        rows = [(n, tuple(p.shape), p.numel()) for n, p in resnet18().named_parameters()]
        table = pd.DataFrame(rows, columns=["layer", "shape", "count"])
    """,
    "a data frame by name": """
        import pandas as pd
        named = dict(resnet18().named_parameters())
        table = pd.DataFrame({"n": [p.numel() for p in named.values()]}, index=list(named))
    """,
    "a series": """
        import pandas as pd
        counts = pd.Series({n: p.numel() for n, p in resnet18().named_parameters()})
    """,
}
WRONG_LAYERS = {
    "typed in and printed": """
        from torchvision.models.resnet import BasicBlock, ResNet
        resnet18()
        for name, p in ResNet(BasicBlock, [2, 2, 2, 2]).named_parameters():
            print(name, p.numel())
        del p
    """,
    "tensors instead of elements, printed": """
        for name, m in resnet18().named_modules():
            print(name, len(list(m.parameters(recurse=False))))
    """,
}

Asked = tuple[str, Question]


def folder_of(title: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in title)


def told(
    module: ModuleType, snippets: Mapping[str, str], folder: Path
) -> dict[str, Verdict]:
    """The verdict on each snippet, by its title."""
    for title, text in snippets.items():
        (folder / folder_of(title)).mkdir()
        first, *others = dedent(text).split("# file: ")
        for name, code in [("hw2.py", first), *(other.split("\n", 1) for other in others)]:
            (folder / folder_of(title) / name).write_text(HEAD + code, encoding="utf-8")
    shutil.copytree(ROOT / "reference", folder / "reference")
    questions = [
        q for q in module.ask(CRITERION, inputs(), Limits()) if q.id != param_groups.BEYOND
    ]
    asked: list[Asked] = [(title, q) for title in (*snippets, REFERENCE) for q in questions]
    found: dict[str, dict[str, Evidence]] = {}
    for (title, question), reply in zip(asked, replies(asked, folder), strict=True):
        found.setdefault(title, {})[question.id] = evidence(question, *reply)
    reference_answers = found.pop(REFERENCE)
    beyond = {param_groups.BEYOND: unanswered("exception")}
    return {title: module.judge(CRITERION, work(beyond | mine), key(reference_answers))
            for title, mine in found.items()}


def replies(asked: list[Asked], folder: Path) -> list[tuple[str, Any]]:
    folders = {REFERENCE: folder / "reference"}
    lines = [
        (str(folders.get(title, folder / folder_of(title))), question.kind, dict(question.args))
        for title, question in asked
    ]
    run = subprocess.run(
        [sys.executable, str(Path(__file__).parent.parent / "ask_many.py")],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return [(kind, value) for kind, value in json.loads(run.stdout)]


def evidence(question: Question, kind: str, value: Any) -> Evidence:
    if kind == "answered":
        return checked(Evidence(question, Outcome(kind, "student"), value))
    return Evidence(question, Outcome(kind, OWNER[kind], str(value)))


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Verdict]]:
    snippets = RIGHT_GROUPS | WRONG_GROUPS | PARTLY_RIGHT_GROUPS | DOUBTFUL_GROUPS
    yield told(param_groups, snippets, tmp_path_factory.mktemp("groups"))


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Verdict]]:
    yield told(layer_counts, RIGHT_LAYERS | WRONG_LAYERS, tmp_path_factory.mktemp("counts"))


@pytest.mark.parametrize("title", RIGHT_GROUPS)
def test_right_groups_lose_nothing(groups: Mapping[str, Verdict], title: str) -> None:
    verdict = groups[title]
    assert (verdict.status, verdict.fraction) == ("passed", 1.0), verdict.reason


@pytest.mark.parametrize("title", WRONG_GROUPS)
def test_wrong_groups_earn_nothing_through_other_lists(
    groups: Mapping[str, Verdict], title: str
) -> None:
    verdict = groups[title]
    assert verdict.status in ("failed", "partial") and verdict.fraction < 0.5, verdict.reason


@pytest.mark.parametrize("title", PARTLY_RIGHT_GROUPS)
def test_one_mistake_costs_a_part_on_the_networks_of_the_homework(
    groups: Mapping[str, Verdict], title: str
) -> None:
    assert groups[title].fraction == pytest.approx(0.75), groups[title].reason
    assert "downsample.1 is a batch norm" in groups[title].reason


@pytest.mark.parametrize("title", DOUBTFUL_GROUPS)
def test_a_person_decides_if_no_names_tell_the_lists_apart(
    groups: Mapping[str, Verdict], title: str
) -> None:
    assert groups[title].status == "needs_marking", groups[title].reason


@pytest.mark.parametrize("title", RIGHT_LAYERS)
def test_right_counts_lose_nothing(counts: Mapping[str, Verdict], title: str) -> None:
    verdict = counts[title]
    assert (verdict.status, verdict.fraction) == ("passed", 1.0), verdict.reason


@pytest.mark.parametrize("title", WRONG_LAYERS)
def test_wrong_counts_win_nothing(counts: Mapping[str, Verdict], title: str) -> None:
    verdict = counts[title]
    assert (verdict.status, verdict.fraction) == ("failed", 0.0), verdict.reason


def test_counts_in_a_data_frame_lose_nothing(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    verdicts = told(layer_counts, PANDAS, tmp_path)
    assert {title: verdict.fraction for title, verdict in verdicts.items()} == dict.fromkeys(
        PANDAS, 1.0
    )


def test_sizes_of_layers_are_no_counts_of_groups(groups: Mapping[str, Verdict]) -> None:
    for title in ("sizes of layers, printed", "sizes of layers, in a dictionary"):
        assert groups[title].result == "not_attempted", groups[title].reason


def test_the_exception_that_ended_a_script_is_shown_with_its_output(
    groups: Mapping[str, Verdict], counts: Mapping[str, Verdict]
) -> None:
    for verdicts in (groups, counts):
        (hint,) = verdicts["printed before an exception"].hints
        assert "FileNotFoundError" in hint and "hw2.py, line" in hint
