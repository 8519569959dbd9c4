"""Recognises the one mistake that makes a group wrong, and the share of its points that it keeps.

A group keeps a share if a single mistake explains all that is wrong with it. Two mistakes in one
group, or one that nobody could name, leave nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import Field

from grader.checks.groups.assignment import NUMERALS, Truth
from grader.checks.groups.kinds import Kind, Parameter
from grader.records import Table
from grader.rubric.base import Share
from grader.rubric.model import Model

RIGHT, UNKNOWN = "", "unknown"   # beside the names of mistakes

# A layer's type in words, and whether it is in a shortcut; by the name of each of its parameters.
Layers = Mapping[str, tuple[str, bool]]

_SHORTCUT = re.compile(r"(^|[._])(downsample|shortcut|skip|proj(ection)?)([._\d]|$)", re.I)
_TYPES: Mapping[Kind, str] = {
    "batch_norm": "batch norms",
    "convolution": "convolutions",
    "linear": "linear layers",
    "other": "other layers",
}
_WORDS = {
    "shortcuts": "only layers of the shortcuts are wrong",
    "one_kind_of_layer": "only {layers} are wrong",
    "repeated": "all tensors are right, and some are there twice",
    "running_statistics": "all parameters are right, and running statistics are among them",
    "tensors_counted": "tensors are counted instead of elements",
}


class Mistakes(Model):
    """The share of its points that a group keeps in spite of one mistake, by mistake."""

    shortcuts: Share = Field(
        0.75, description="only layers of the shortcuts are wrong, as with 'bn' in the name"
    )
    one_kind_of_layer: Share = Field(
        0.5, description="only batch norms, only convolutions, or only linear layers are wrong"
    )
    repeated: Share = Field(0.5, description="some tensors are there twice")


class ListMistakes(Mistakes):
    """Shares for lists and counts, which have more kinds of mistakes than optimizers."""

    running_statistics: Share = Field(0, description="buffers are among the parameters")
    tensors_counted: Share = Field(0, description="tensors are counted instead of elements")


def kept(mistake: str, shares: Mistakes) -> float:
    """The share of its points that a group keeps; 1 for a right group."""
    return 1.0 if mistake == RIGHT else float(getattr(shares, mistake, 0.0))


def layers_of(parameters: Iterable[Parameter]) -> Layers:
    """The layers of a network, from its parameters."""
    return {
        one.name: (_TYPES[one.kind], bool(_SHORTCUT.search(one.name))) for one in parameters
    }


def mistake_in_list(
    names: Sequence[str], truth: Truth, group: int, layers: Layers, buffers: int = 0
) -> str:
    """The mistake in a list: the name of a field of `ListMistakes`, RIGHT, or UNKNOWN.

    Args:
        names: The parameters in the list, with repeats.
        truth: The right groups.
        group: The group that the list stands for.
        layers: The layers of the network.
        buffers: The number of buffers in the list.
    """
    found = []
    if buffers:
        found.append("running_statistics")
    if len(names) > len(set(names)):
        found.append("repeated")
    wrong = set(names) ^ set(truth[group])
    if wrong:
        whole = [own for own in truth if own and set(own) <= set(names)]
        # Two groups in one list are not kept apart, whatever kind of layer the second one is.
        found.append(UNKNOWN if len(whole) > 1 else mistake_in(wrong, truth[group], layers))
    return (*found, RIGHT)[0] if len(found) < 2 else UNKNOWN


def mistake_in(wrong: set[str], group: Mapping[str, int], layers: Layers) -> str:
    """The mistake by which these parameters are wrong: SHORTCUTS, ONE_KIND or UNKNOWN.

    A group of which half or more is wrong is not right but for one mistake.
    """
    if 2 * len(wrong & set(group)) >= len(group):
        return UNKNOWN
    touched = [layers.get(name, ("", False)) for name in wrong]
    if all(in_shortcut for _, in_shortcut in touched):
        return "shortcuts"
    return "one_kind_of_layer" if len({kind for kind, _ in touched}) == 1 else UNKNOWN


def mistake_in_count(count: int | None, truth: Truth, group: int, layers: Layers) -> str:
    """The mistake in a count: that of a list which has as many elements."""
    if count == sum(truth[group].values()):
        return RIGHT
    if count == len(truth[group]):
        return "tensors_counted"
    sizes = {name: size for own in truth for name, size in own.items()}
    for names in _lists_with_one_mistake(truth[group], layers):
        if sum(sizes.get(name, 0) for name in names) == count:
            mistake = mistake_in_list(names, truth, group, layers)
            if mistake != UNKNOWN:
                return mistake
    return UNKNOWN


def _lists_with_one_mistake(group: Mapping[str, int], layers: Layers) -> Iterator[list[str]]:
    """The group without a kind of layer, or with one of another group's."""
    for kind in dict.fromkeys(layer for layer, _ in layers.values()):
        for where in ((True,), (False,), (True, False)):
            for ending in ("", ".weight", ".bias"):
                some = {
                    name: None for name, (layer, in_shortcut) in layers.items()
                    if layer == kind and in_shortcut in where and name.endswith(ending)
                }
                yield [name for name in group if name not in some]
                yield [*group, *(name for name in some if name not in group)]


def in_words(mistake: str, wrong: set[str], layers: Layers) -> str:
    """Return the mistake in a group as the end of a sentence; "" for RIGHT and UNKNOWN."""
    kinds = sorted({layers[name][0] for name in wrong if name in layers})
    return _WORDS.get(mistake, "").format(layers=" and ".join(kinds) or "layers of one kind")


def shares_table(shares: Sequence[float], reasons: Sequence[str]) -> tuple[Table, ...]:
    """A table of what each group keeps, if a group is partly right; else no table.

    Args:
        shares: The share of its points that each group gets.
        reasons: What is wrong with each group, from `in_words`.
    """
    if not any(0 < share < 1 for share in shares):
        return ()
    rows = tuple(
        (numeral, f"{100 * share:.0f} %", reason or ("" if share == 1 else "see above"))
        for numeral, share, reason in zip(NUMERALS, shares, reasons, strict=True)
    )
    return (Table("What each group earns", ("group", "of its points", "why"), rows),)
