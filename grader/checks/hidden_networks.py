"""Draws the specs of the networks that students' code is asked about.

The public network is ResNet-18. A run's seed draws the others:

- Scored networks may cost points. The homework's words cover everything in them: they are residual
  networks of torchvision's kind, with every layer of ResNet-18 under torchvision's names. Code that
  walks over ResNet-18 by types or by names, and is right, is right for them too.
- The hint network has features that the homework does not mention, such as GroupNorm or frozen
  parameters. It gives hints and never costs a point.

docs/networks.md gives the reason for each feature.
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

# What a scored network may have besides another depth, width and number of classes: the key and the
# value in its spec, in words for a student.
SCORED_FEATURES: Mapping[tuple[str, Any], str] = {
    ("block", "bottleneck"): "bottleneck blocks",
    ("groups", 2): "grouped convolutions",
    ("pre_activation", True): "batch norm before the convolutions",
    ("stem", "small"): "a 3x3 convolution at the start",
    ("stem", "deep"): "three convolutions at the start",
    ("hidden_layer", True): "two fully connected layers",
    ("conv_bias", True): "biases in its convolutions",
}
# What the hint network may have: the name in `grader/worker/networks/variants.py`, in words.
HINT_FEATURES: Mapping[str, str] = {
    "batch_norm_1d": "BatchNorm1d",
    "frozen": "frozen parameters",
    "group_norm": "GroupNorm",
    "norms_without_affine": "norms without affine parameters",
    "own_parameters": "parameters that belong to a module itself",
    "shared_parameters": "a parameter that two layers share",
}
HINTS_PER_NETWORK = 3   # few enough for a student to find out which feature it was


def scored_networks(random: np.random.Generator) -> tuple[Spec, Spec]:
    """Two hidden networks that may cost points; the convolutions of the second have biases."""
    return _scored(random), _scored(random) | {"conv_bias": True}


def _scored(random: np.random.Generator) -> Spec:
    """A network of at most 7 million parameters, which is built in a moment."""
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


def hint_network(random: np.random.Generator) -> Spec:
    """A network with features that the homework does not mention; it never costs a point."""
    extras = random.choice(sorted(HINT_FEATURES), HINTS_PER_NETWORK, replace=False)
    return {
        "block": "basic",
        "layers": [int(depth) for depth in random.integers(1, 3, 4)],
        "width": int(random.choice([8, 12, 16])),
        "num_classes": int(random.integers(11, 200)),
        "extras": sorted(map(str, extras)),
        "seed": int(random.integers(2**31)),
    }


def features_in_words(spec: Mapping[str, Any]) -> str:
    """The features that ResNet-18 does not have, for a sentence: `bottleneck blocks and GroupNorm`.
    """
    words = [text for (key, value), text in SCORED_FEATURES.items() if spec.get(key) == value]
    words += [HINT_FEATURES[extra] for extra in spec.get("extras", ())]
    words = words or ["another depth and width"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def dropout_network(random: np.random.Generator) -> Spec:
    """A small network with dropout, for questions about training and evaluation mode."""
    return {
        "block": "basic",
        "layers": [1, 1, 1, 1],
        "width": 16,
        "num_classes": 10,
        "dropout": 0.3,
        "seed": int(random.integers(2**31)),
    }
