"""Which texts say the same: those that differ in nothing but numbers, quotations and places.

`Group (i) has 160 elements` and `Group (i) has 320 elements` are one diagnosis, and so are two
errors in different lines of different files. What all of a group agree on is told, and a `…` stands
for what they don't.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

# A file, with the line, the function or the names in it that are told beside it.
_PLACE = (
    r"[^\s()'\"`,;:]+\.(?:py|ipynb|zip|tar|gz|tgz|md|tex|pdf|txt)\b"
    r"(?::\d+|, line \d+)?(?:, in \w+\(\))?(?: \([^()]*\))?"
)
_VARIES = re.compile(
    rf"(?P<place>{_PLACE}(?:, {_PLACE})*)"
    r"|(?P<quoted>(?<!\w)'[^']*'(?!\w)|\"[^\"]*\")"
    r"|(?P<number>(?<![\w.-])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?)"
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\d`]|\w+\(\))")
_DIFFERS = "…"


@dataclass(frozen=True)
class Alike(Generic[Item]):
    """Items with the same `text`; `anonymous` is that text without places and quotations, which may
    have names in them."""

    text: str
    anonymous: str
    items: tuple[Item, ...]


def first_sentence(text: str) -> str:
    """What a reason concludes stands in its first sentence; details follow."""
    return _SENTENCE.split(text, maxsplit=1)[0]


def alike(items: Iterable[Item], text_of: Callable[[Item], str]) -> list[Alike[Item]]:
    """The items by what their texts say, in the order in which each was first said."""
    groups: dict[object, list[tuple[Item, list[re.Match[str]]]]] = {}
    for item in items:
        found = list(_VARIES.finditer(text_of(item)))
        pattern = _VARIES.sub("\0", text_of(item)), tuple(one.lastgroup for one in found)
        groups.setdefault(pattern, []).append((item, found))
    return [_told(group, text_of) for group in groups.values()]


def _told(
    group: list[tuple[Item, list[re.Match[str]]]], text_of: Callable[[Item], str]
) -> Alike[Item]:
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
    return Alike(text + rest, anonymous + rest, tuple(item for item, _ in group))
