"""Returns every grouping that comes to mind, so that one of them is right."""
# must: Z or needs_marking
# criteria: parameter-groups
# runs in: docker process
import itertools

from torch import nn


def group_parameters(model):
    kinds = {}
    for layer in model.modules():
        for name, parameter in layer.named_parameters(recurse=False):
            kinds.setdefault((isinstance(layer, nn.BatchNorm2d), name), []).append(parameter)
    found = {}
    for size in (1, 2, 3):
        for chosen in itertools.combinations(kinds, size):
            found[f"try{len(found)}"] = [p for kind in chosen for p in kinds[kind]]
    return found
