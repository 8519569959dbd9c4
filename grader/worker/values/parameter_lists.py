"""Lists of parameters in what the student's code leaves behind: every one that could be a group.

The worker reports what it finds and where. Which list is which, and whether it is right, is decided
by the host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from grader.worker.values.containers import Container, Entry, Reader

MAX_LISTS = 80
_FIRST = re.compile(r"[^.\[]*")


@dataclass(frozen=True)
class Frame:
    """A set of names that lived together: a module, a function's locals, a returned value, an
    object's attributes.

    `places` maps each name to where it was last bound: (cell, line).
    """

    label: str
    values: Mapping[str, Any]
    places: Mapping[str, tuple[int, int]]

    def place(self, name: str) -> tuple[int, int]:
        """Where the variable was bound that `groups.bn` or `groups[0]` begins with."""
        first = _FIRST.match(name)
        return self.places.get(first[0] if first else name, (0, 0))


class Index:
    """The parameters of one network, by identity and by name."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.names: dict[int, str] = {}
        self.owners: dict[int, dict[str, str]] = {}   # of each layer: own name -> full name
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
    """Each list found: frame, name, place, kind of its entries, and their names in the network.

    `names` has each parameter of the network that an entry stands for, in order, repeats included;
    `foreign` counts the entries that stand for none, `buffers` those that name a buffer. The
    network, returned as well, is the one that most entries belong to. A list of what belongs to
    another network, or to one of the `others`, answers another question and is left out.
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
    # Attempts that each built the same network count alike; another network's lists do not.
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
        "name": container.name,
        "parent": container.parent,
        "names": names,
        "foreign": foreign,
        "buffers": buffers,
        "empty": not container.entries,
        "used_up": container.used_up,
        "kind": "/".join(sorted(kinds)),
    }


def _resolve(entry: Entry, index: Index) -> tuple[str, list[str]]:
    """What kind of entry it is, and the names of the parameters that it stands for: its parameters
    before its layers, and those before its names."""
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
        # (layer, "weight") is one parameter, and a layer by itself all that it has.
        named = [own[text] for own in owners for text in texts if text in own]
        every = [name for own in owners for name in own.values()]
        return "pair" if pair else "module", named or every
    if modules and not texts:
        return "module", []
    known = [text for text in (*texts, ".".join(texts)) if text in index.all_names]
    if not known and any(text in index.buffers for text in texts):
        return "buffer", []
    return "pair" if pair else "name", list(dict.fromkeys(known))
