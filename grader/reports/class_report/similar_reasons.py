"""Groups reasons that differ only in numbers, quotations and places in files.

`Group (i) has 160 elements` and `Group (i) has 320 elements` are one diagnosis, and so are two
errors in different lines of different files. The text of a group keeps the parts that all its
members share; `…` stands for the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

# A file, and the line, function or names that follow it.
# It begins where a word begins: a search from each letter of a long word would be quadratic.
_PLACE = (
    r"(?<![^\s()'\"`,;:])[^\s()'\"`,;:]+\.(?:py|ipynb|zip|tar|gz|tgz|md|tex|pdf|txt)\b"
    r"(?::\d+|, line \d+)?(?:, in \w+\(\))?(?: \([^()]*\))?"
)
_VARIES = re.compile(
    rf"(?P<place>{_PLACE}(?:, {_PLACE})*)"
    r"|(?P<quoted>(?<!\w)'[^']*'(?!\w)|\"[^\"]*\")"
    r"|(?P<number>(?<![\w.-])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?)"
)
_DIFFERS = "…"


@dataclass(frozen=True)
class ReasonGroup(Generic[Item]):
    """Items with the same `text`. `anonymous` is the text without places and quotations, which may
    contain names."""

    text: str
    anonymous: str
    items: tuple[Item, ...]


def group_by_reason(
    items: Iterable[Item], text_of: Callable[[Item], str]
) -> list[ReasonGroup[Item]]:
    """Group items by their texts, in the order in which each text first occurs."""
    groups: dict[object, list[tuple[Item, list[re.Match[str]]]]] = {}
    for item in items:
        found = list(_VARIES.finditer(text_of(item)))
        pattern = _VARIES.sub("\0", text_of(item)), tuple(one.lastgroup for one in found)
        groups.setdefault(pattern, []).append((item, found))
    return [_merged(group, text_of) for group in groups.values()]


def _merged(
    group: list[tuple[Item, list[re.Match[str]]]], text_of: Callable[[Item], str]
) -> ReasonGroup[Item]:
    first, found = group[0]
    text, anonymous, at = "", "", 0
    for index, one in enumerate(found):
        between = text_of(first)[at : one.start()]
        agreed = all(others[index][0] == one[0] for _, others in group)
        word = one[0] if agreed else _DIFFERS
        text += between + word
        anonymous += between + (word if one.lastgroup == "number" else _DIFFERS)
        at = one.end()
    rest = text_of(first)[at:]
    return ReasonGroup(text + rest, anonymous + rest, tuple(item for item, _ in group))
