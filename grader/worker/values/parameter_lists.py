"""Finds the lists of parameters in a student's values: each list that could be a group.

The worker reports each list and where it was found. The host decides which list is which group and
whether it is right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from grader.wire import short
from grader.worker.values.containers import Container, Entry, Reader

MAX_LISTS = 80
_FIRST = re.compile(r"[^.\[]*")


@dataclass(frozen=True)
class Frame:
    """Variables of one scope: a module, a function, an object's attributes or returned values.

    `places` maps each name to where it was last assigned: (notebook cell, line), 0 for unknown.
    """

    label: str
    values: Mapping[str, Any]
    places: Mapping[str, tuple[int, int]]

    def place(self, name: str) -> tuple[int, int]:
        """(cell, line) where the variable in an expression such as `groups[0]` was assigned."""
        first = _FIRST.match(name)
        return self.places.get(first[0] if first else name, (0, 0))


class Index:
    """The parameters of one network, by identity and by name."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.names: dict[int, str] = {}
        self.owners: dict[int, dict[str, str]] = {}   # layer's id -> {own name: full name}
        for prefix, module in network.named_modules(remove_duplicate=False):
            own = self.owners[id(module)] = {}
            for name, parameter in module.named_parameters(recurse=False):
                full = f"{prefix}.{name}" if prefix else name
                own[name] = self.names.setdefault(id(parameter), full)
        self.all_names = set(self.names.values())
        self.buffers = {name for name, _ in network.named_buffers()}


def lists(
    frames: Sequence[Frame], networks: Sequence[nn.Module], others: Sequence[nn.Module],
    reader: Reader,
) -> tuple[list[dict[str, Any]], nn.Module]:
    """Find the lists of parameters in the frames, and the network that they belong to.

    Each row tells frame, name, place, kind of the entries, and `names`: the parameters that the
    entries stand for, in order and with repeats. `foreign` counts the entries that stand for no
    parameter, `buffers` those that name a buffer.

    Args:
        frames: the variables to search.
        networks: networks that the question is about.
        others: other networks; a list of their parameters answers another question.
        reader: reads the values in the frames.

    Returns:
        The rows, without lists that belong to another network only, and the network of `networks`
        that most entries belong to.
    """
    indexes = [Index(network) for network in reversed(networks)]
    containers = [
        (position, frame, container)
        for position, frame in enumerate(frames)
        for name, value in frame.values.items() if not name.startswith("__")
        for container in reader.containers(name, value)
    ]
    main = max(
        indexes, key=lambda index: sum(len(_row(item[2], index)["names"]) for item in containers)
    )
    # A script may build the same network several times; lists of each of them count.
    alike = [index for index in indexes if index.all_names == main.all_names]
    unlike = [index for index in indexes if index not in alike] + [Index(n) for n in others]
    rows: list[dict[str, Any]] = []
    for position, frame, container in containers:
        best = max((_row(container, index) for index in alike), key=_weight)
        if not (best["names"] or best["foreign"] or best["empty"]):
            continue
        if not best["names"] and any(_row(container, index)["names"] for index in unlike):
            continue
        cell, line = frame.place(container.name)
        place = {"frame": position, "origin": frame.label, "cell": cell, "line": line}
        rows.append(best | place)
    return rows[-MAX_LISTS:], main.network


def _weight(row: Mapping[str, Any]) -> tuple[int, int]:
    return (len(row["names"]), -row["foreign"])


def _row(container: Container, index: Index) -> dict[str, Any]:
    names: list[str] = []
    foreign = buffers = 0
    kinds: set[str] = set()
    for entry in container.entries:
        kind, found = _resolve(entry, index)
        kinds.add(kind)
        if kind == "buffer":
            buffers += 1
        elif found:
            names += found
        else:
            foreign += 1
    return {
        "name": short(container.name),
        "parent": short(container.parent),
        "names": names,
        "foreign": foreign,
        "buffers": buffers,
        "empty": not container.entries,
        "used_up": container.used_up,
        "kind": "/".join(sorted(kinds)),
    }


def _resolve(entry: Entry, index: Index) -> tuple[str, list[str]]:
    """The kind of an entry, and the names of the parameters that it stands for.

    Tensors in an entry decide before layers do, and layers before texts.
    """
    tensors = [atom for atom in entry if isinstance(atom, torch.Tensor)]
    modules = [atom for atom in entry if isinstance(atom, nn.Module)]
    # `DataParallel` and `torch.compile` put a prefix before every name.
    texts = [str(atom).removeprefix("module.").removeprefix("_orig_mod.")
             for atom in entry if isinstance(atom, str)]
    pair = len(entry) > 1
    found = [index.names[id(tensor)] for tensor in tensors if id(tensor) in index.names]
    if found or (tensors and not pair):
        return "pair" if pair else "parameter", found
    owners = [index.owners[id(module)] for module in modules if id(module) in index.owners]
    if owners:
        # (layer, "weight") stands for one parameter, a layer alone for all of its own.
        named = [own[text] for own in owners for text in texts if text in own]
        every = [name for own in owners for name in own.values()]
        return "pair" if pair else "module", named or every
    if modules and not texts:
        return "module", []
    known = [text for text in (*texts, ".".join(texts)) if text in index.all_names]
    if not known and any(text in index.buffers for text in texts):
        return "buffer", []
    return "pair" if pair else "name", list(dict.fromkeys(known))
