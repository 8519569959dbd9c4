"""Chooses the table of a student's counts per layer, and compares it with the right counts.

Layers may have any names, counts may be per tensor, and the table may have sums over parts of the
network or over all of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any

Pairs = list[list[Any]]     # [name, count] per layer
Found = Mapping[str, Any]   # a table as the worker reports it

_TOTAL = re.compile(r"total|^(all|sum)$", re.I)


def choose(options: Sequence[Found], truth: Pairs) -> Found | None:
    """The table that counts: the last one bound that names the network's layers.

    A table of most layers is preferred to one of a few. Without either, a table with the right
    total counts. None if there is no such table.
    """
    wanted = {name: count for name, count in truth if count}
    in_order = [
        option for _, option in sorted(
            enumerate(options), key=lambda pair: (pair[1]["cell"], pair[1]["line"], pair[0])
        )
    ]
    covering = [(covers(option["pairs"], wanted), option) for option in in_order]
    for least in (0.5, 0.0):
        last = [option for part, option in covering if part > least]
        if last:
            return last[-1]
    right = [option for option in in_order if share(option, truth)]
    totals = [o for o in in_order if stated_total(o["pairs"], wanted) is not None]
    return next(reversed(right or totals), None)


def same(options: Sequence[Found], chosen: Found | None) -> Found | None:
    """The table of the same variable, after the same code ran on another network."""
    if chosen is None:
        return None
    named = [option for option in options if option["name"] == chosen["name"]]
    placed = [option for option in named if _place(option) == _place(chosen)]
    return next(reversed(placed or named), None)


def _place(option: Found) -> Any:
    return option.get("origin", option["frame"])


def speaks_of_layers(option: Found | None, truth: Pairs) -> bool:
    """True if the table names at least one layer."""
    wanted = {name: count for name, count in truth if count}
    return option is not None and covers(option["pairs"], wanted) > 0


def covers(pairs: Pairs, wanted: Mapping[str, int]) -> float:
    """The fraction of the layers that a table has, by their names or by their number."""
    owners = {_owner(name, wanted) for name, _ in pairs}
    named = len(owners & set(wanted)) / max(1, len(wanted))
    return named or float(len(_sequence(pairs)) == len(wanted) > 1)


def share(option: Found | None, truth: Pairs) -> float:
    """Share of a network's points: 1 for right counts per layer, 0.5 for a right total."""
    if option is None:
        return 0.0
    pairs = option["pairs"]
    wanted = {name: count for name, count in truth if count}
    if per_layer(pairs, wanted) == wanted:
        return 1.0
    if _sequence(pairs) == list(wanted.values()):
        return 1.0   # other names (`Conv2d-1`), the same layers
    total = sum(wanted.values())
    sums = (added_up(pairs), sum(per_layer(pairs, wanted).values()), stated_total(pairs, wanted))
    return 0.5 if total in sums else 0.0


def _sequence(pairs: Pairs) -> list[int]:
    """The counts in their order, without a total at the end."""
    counts = [count for name, count in pairs if count and not _TOTAL.search(name)]
    if len(counts) > 2 and counts[-1] == sum(counts[:-1]):
        counts.pop()
    return counts


def added_up(pairs: Pairs) -> int:
    """The sum of the counts."""
    return sum(_sequence(pairs))


def stated_total(pairs: Pairs, wanted: Mapping[str, int]) -> int | None:
    """A total beside the counts per layer or instead of them, under any name."""
    others = [(name, count) for name, count in pairs if count and _owner(name, wanted) == name
              and name not in wanted]
    named: list[int] = [count for name, count in others if _TOTAL.search(name)]
    if not named and len(others) == 1:
        named = [others[0][1]]
    return named[-1] if named else None


def _owner(name: str, layers: Container[str]) -> str:
    """The layer that a name belongs to: `conv1` for `conv1.weight`."""
    above = name.rpartition(".")[0]
    return above if name not in layers and above in layers else name


def per_layer(pairs: Pairs, wanted: Mapping[str, int]) -> dict[str, int]:
    """Counts by layer, without totals and without right sums over a part of the network."""
    counts: dict[str, int] = {}
    for name, count in pairs:
        owner = _owner(name, wanted)
        if count:
            counts[owner] = counts.get(owner, 0) + count
    of_layers = sum(count for name, count in counts.items() if name in wanted)
    of_parts = _parts(wanted)
    return {
        name: count
        for name, count in counts.items()
        if name in wanted
        or not (_TOTAL.search(name) or count in (of_layers, of_parts[name]))
    }


def _parts(wanted: Mapping[str, int]) -> Counter[str]:
    """The sum over the layers of each part of the network, such as `layer1.0`, and of all ("")."""
    sums: Counter[str] = Counter()
    for layer, count in wanted.items():
        above = layer
        while above:
            above = above.rpartition(".")[0]
            sums[above] += count
    return sums
