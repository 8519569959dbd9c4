"""Removes from an output what is no count: printed tensors, networks, optimizers and summaries."""

from __future__ import annotations

import re

from torch import nn

_TENSOR = re.compile(r"(?:Parameter containing:\s*)?(?:tensor|array)\(\[")
_LONGEST = 100_000   # characters of one printed tensor
# `  (conv1): Conv2d(3, 64, ...)`, `  (2): BatchNorm2d(64)`, `  (0-1): 2 x BasicBlock(`
_CHILD = re.compile(r"^[ \t]*\([\w.-]+\):[ ](?:\d+ x )?\w+\(.*$", re.M)
_LAYER = re.compile(
    rf"\b(?:{'|'.join(sorted(name for name in dir(nn) if name[0].isupper()))})"
    r"\((?:[^()\n]|\([^()\n]*\))*\)"
)
# Rows of decimals, as arrays are printed.
_DECIMALS = re.compile(r"^(?=(?:.*?\d\.(?!\d{3}[,.\s])){2})[\s\[\](),.\deE+-]*$", re.M)
_OPTIMIZER = re.compile(
    r"^(?:Parameter Group \d+|[ \t]+(?:amsgrad|betas|capturable|dampening|decoupled_weight_decay|"
    r"differentiable|eps|foreach|fused|initial_lr|lr|maximize|momentum|nesterov|weight_decay): .*)"
    r"$",
    re.M,
)
# torchsummary's `BatchNorm2d-2  [-1, 64, 112, 112]  128`, and torchinfo's rows with their frames.
_SUMMARY = re.compile(r"^[ \t]*(?:\w+-\d+[ \t]+\[.*|.*[├└│].*|.*: \d+(?:-\d+)+[ \t]+.*)$", re.M)


def without_values(text: str) -> str:
    """The output without printed tensors, networks and settings of optimizers.

    A one-dimensional tensor of whole numbers stays, since it may be a list of counts.
    """
    text = _OPTIMIZER.sub("", _LAYER.sub(" ", _CHILD.sub("", text)))
    return _DECIMALS.sub("", _without_tensors(text))


def without_summaries(text: str) -> str:
    """The output without the rows of a network's summary, which count one layer each."""
    return _SUMMARY.sub("", text)


def _without_tensors(text: str) -> str:
    kept, begin = [], 0
    for found in _TENSOR.finditer(text):
        if found.start() < begin:
            continue   # a tensor in a tensor's list
        end = _closing(text, found.end() - 1)
        inner = text[found.end() : end]
        if "." in inner or inner.lstrip().startswith("["):
            kept.append(text[begin : found.start()])
            begin = end
    return " ".join([*kept, text[begin:]])


def _closing(text: str, start: int) -> int:
    """The place behind the parenthesis that closes what begins before `start`."""
    depth = 1
    for place in range(start, min(len(text), start + _LONGEST)):
        if text[place] in "()":
            depth += 1 if text[place] == "(" else -1
            if not depth:
                return place + 1
    return min(len(text), start + _LONGEST)
