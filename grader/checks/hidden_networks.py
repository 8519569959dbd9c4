"""The networks that students are asked about: the public one, and those that a run draws, in two
rings.

**Covered** is what the homework's words cover, and it may cost points: residual networks of
torchvision's kind. They have every layer of ResNet-18 under torchvision's names, and what comes on
top (a third convolution in a block, more of them in the stem) is named alike, so that code which
walks over ResNet-18 by types or by names, and is right, is right for them.

**Beyond** is what those words leave open: norms of other kinds, or without affine parameters (the
homework speaks of "the affine parameters of the batch-norm layers", and all of ResNet-18's have
some), layers without a bias, parameters that are shared, frozen, parametrized or hang on the module
itself. It gives hints and never costs a point. docs/networks.md argues for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Spec = dict[str, Any]

# torchvision's resnet18(num_classes=1000), the network of Problem 1 (c) and (e).
RESNET18: Spec = {
    "block": "basic", "layers": [2, 2, 2, 2], "width": 64, "num_classes": 1000, "seed": 0,
}

# What a covered network may have beside another depth, width and number of classes: by the key and
# the value in its spec, in words for a student.
COVERED: Mapping[tuple[str, Any], str] = {
    ("block", "bottleneck"): "bottleneck blocks",
    ("groups", 2): "grouped convolutions",
    ("pre_activation", True): "batch norm before the convolutions",
    ("stem", "small"): "a 3x3 convolution at the start",
    ("stem", "deep"): "three convolutions at the start",
    ("hidden_layer", True): "two fully connected layers",
    ("conv_bias", True): "biases in its convolutions",
}
# What lies beyond, by its name in `grader/worker/networks/variants.py`.
BEYOND: Mapping[str, str] = {
    "attention": "multi-head attention",
    "batch_norm_1d": "BatchNorm1d",
    "batch_norm_3d": "BatchNorm3d",
    "convolutions_1d_3d": "Conv1d and Conv3d",
    "embedding": "an embedding",
    "empty_containers": "empty containers",
    "frozen": "frozen parameters",
    "group_norm": "GroupNorm",
    "instance_norm": "InstanceNorm with affine parameters",
    "layer_norm": "LayerNorm",
    "lazy": "layers that were lazy",
    "no_linear_bias": "a fully connected layer without a bias",
    "norms_without_affine": "norms without affine parameters",
    "orthogonal": "an orthogonal parametrization",
    "own_parameters": "parameters that hang on a module itself",
    "parameter_dict": "an nn.ParameterDict",
    "parameter_list": "an nn.ParameterList",
    "parametrized_bias": "a parametrized bias",
    "prelu": "PReLU",
    "recurrent": "a recurrent layer",
    "shared_module": "a block that is used twice",
    "shared_parameters": "a parameter that two layers share",
    "sync_batch_norm": "SyncBatchNorm",
    "transposed": "a transposed convolution",
    "weight_norm": "weight norm",
}
FEATURES_BEYOND = 4   # of one network: few enough to find out which of them it was


def covered(random: np.random.Generator) -> tuple[Spec, Spec]:
    """Two hidden networks; the convolutions of the second have biases."""
    return _covered(random), _covered(random) | {"conv_bias": True}


def _covered(random: np.random.Generator) -> Spec:
    """Small enough to be built in a moment: at most 7 million parameters, as a test asserts."""
    bottleneck = bool(random.random() < 0.4)
    widths = (12, 16, 20, 24) if bottleneck else (20, 24, 28, 32, 36, 40)
    spec = {
        "block": "bottleneck" if bottleneck else "basic",
        "layers": [int(depth) for depth in random.permutation([1, 2, 2, 3])],
        "width": int(random.choice(widths)),
        "num_classes": int(random.integers(11, 200)),
        "stem": str(random.choice(["large", "small", "deep"])),
        "pre_activation": bool(random.random() < 0.3),
        "hidden_layer": bool(random.random() < 0.3),
        "seed": int(random.integers(2**31)),
    }
    return spec | {"groups": 2} if bottleneck and random.random() < 0.4 else spec


def beyond(random: np.random.Generator) -> Spec:
    """A network with what the homework does not speak of."""
    extras = random.choice(sorted(BEYOND), FEATURES_BEYOND, replace=False)
    return {
        "block": "basic",
        "layers": [int(depth) for depth in random.integers(1, 3, 4)],
        "width": int(random.choice([8, 12, 16])),
        "num_classes": int(random.integers(11, 200)),
        "extras": sorted(map(str, extras)),
        "seed": int(random.integers(2**31)),
    }


def in_words(spec: Mapping[str, Any]) -> str:
    """What a drawn network has that ResNet-18 has not: `bottleneck blocks and GroupNorm`."""
    words = [text for (key, value), text in COVERED.items() if spec.get(key) == value]
    words += [BEYOND[extra] for extra in spec.get("extras", ())]
    words = words or ["another depth and width"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def probe(random: np.random.Generator) -> Spec:
    """A small network with dropout for questions about behaviour."""
    return {
        "block": "basic",
        "layers": [1, 1, 1, 1],
        "width": 16,
        "num_classes": 10,
        "dropout": 0.3,
        "seed": int(random.integers(2**31)),
    }
