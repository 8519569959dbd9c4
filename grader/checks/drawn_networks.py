"""The networks that students are asked about: the public one, hidden ones of its family, beyond.

A hidden network shows whether an answer is computed or typed in. It stays within the homework's
words: residual networks of other depth, width and number of classes, and convolutions with biases.
What lies beyond those words only ever gives hints.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# torchvision's resnet18(num_classes=1000), the network of Problem 1 (c) and (e).
RESNET18: dict[str, Any] = {
    "block": "basic", "layers": [2, 2, 2, 2], "width": 64, "num_classes": 1000, "seed": 0,
}


def same_family(random: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Two hidden networks by the words that may describe them to a student."""
    deeper = {
        "block": "basic",
        "layers": [int(depth) for depth in random.permutation([1, 2, 3, 4])],
        "width": int(random.choice([24, 40, 48, 56])),
        "num_classes": int(random.integers(11, 200)),
        "seed": int(random.integers(2**31)),
    }
    with_biases = {
        "block": "basic",
        "layers": [int(depth) for depth in random.permutation([1, 1, 2, 3])],
        "width": int(random.choice([16, 32, 36])),
        "num_classes": int(random.integers(11, 200)),
        "conv_bias": True,
        "seed": int(random.integers(2**31)),
    }
    return {
        "a residual network of another depth and width": deeper,
        "a residual network whose convolutions have biases": with_biases,
    }


def beyond(random: np.random.Generator) -> dict[str, Any]:
    """A network with what the homework does not speak of: hints only."""
    return {
        "block": "basic",
        "layers": [1, 1, 1, 1],
        "width": 16,
        "num_classes": int(random.integers(11, 200)),
        "extras": ["batch_norm_1d", "group_norm", "frozen", "shared"],
        "seed": int(random.integers(2**31)),
    }


def probe(random: np.random.Generator) -> dict[str, Any]:
    """A small network with dropout for questions about behaviour."""
    return {
        "block": "basic",
        "layers": [1, 1, 1, 1],
        "width": 16,
        "num_classes": 10,
        "dropout": 0.3,
        "seed": int(random.integers(2**31)),
    }
