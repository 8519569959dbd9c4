"""A criterion as a student's page shows it, and criteria that the page tells together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from grader.records import Picture, Result, Table

Disclosure = Literal["full", "points", "later"]

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\d`]|\w+\(\))")
_BLANK = "Not attempted: "   # what the reason of such a part begins with


@dataclass(frozen=True)
class Section:
    """One criterion. While `disclosure` is "later" it holds neither status nor points.

    `cause` is the same for all criteria that one error cost; "" if the code gave an answer.
    """

    anchor: str
    title: str
    part: str
    disclosure: Disclosure
    max: float
    points: float | None = None
    status: Result | None = None
    asked: str = ""
    reason: str = ""
    hints: tuple[str, ...] = ()
    next_step: str = ""
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    traceback: str = ""
    output: str = ""
    cause: str = ""

    @property
    def lost(self) -> float:
        """Points lost; 0 while the points are not known."""
        return 0.0 if self.points is None else self.max - self.points

    @property
    def missing(self) -> float:
        """Points that are lost or not known yet."""
        return 0.0 if self.status is None else self.max - (self.points or 0.0)

    @property
    def settled(self) -> bool:
        """True for a passed criterion without hints."""
        return self.status == "passed" and not self.hints


@dataclass(frozen=True)
class Cause:
    """One error that cost several criteria, so that the page tells it once."""

    sections: tuple[Section, ...]

    @property
    def told(self) -> Section:
        """The section that says most about the error."""
        return max(self.sections, key=lambda one: (bool(one.traceback), len(one.reason)))

    @property
    def missing(self) -> float:
        """Points that its criteria have lost, or that are not known yet."""
        return sum(one.missing for one in self.sections)


@dataclass(frozen=True)
class Blank:
    """Parts that were not attempted, for one reason.

    Attributes:
        sections: The parts.
        reasons: By part: what is missing, and what to do; empty where `shared` says it.
        shared: What is the same for all of them.
    """

    sections: tuple[Section, ...]
    reasons: tuple[str, ...]
    shared: str


def first_sentence(text: str) -> str:
    """The first sentence of a reason: its conclusion, without the details."""
    return _SENTENCE.split(text, maxsplit=1)[0]


def causes_of(sections: Iterable[Section]) -> tuple[Cause, ...]:
    """Group criteria that one error cost, two or more; the error that cost most comes first."""
    by_cause: dict[str, list[Section]] = {}
    for one in sections:
        if one.cause:
            by_cause.setdefault(one.cause, []).append(one)
    found = (Cause(tuple(them)) for them in by_cause.values() if len(them) > 1)
    return tuple(sorted(found, key=lambda one: -one.missing))


def blanks_of(sections: Iterable[Section]) -> tuple[Blank, ...]:
    """Group parts whose reasons differ in the first sentence only."""
    groups: dict[str, list[tuple[Section, str]]] = {}
    for one in sections:
        words = one.reason.removeprefix(_BLANK)
        first = first_sentence(words)
        rest = words[len(first) :].strip()
        groups.setdefault(rest, []).append((one, first[:1].upper() + first[1:]))
    found = []
    for rest, them in groups.items():
        firsts, steps = [first for _, first in them], [one.next_step for one, _ in them]
        shared_first = firsts.pop() if len({*firsts}) == 1 else ""
        shared_step = steps.pop() if len({*steps}) == 1 else ""
        own = [
            " ".join(filter(None, ("" if shared_first else first,
                                   "" if shared_step else one.next_step)))
            for one, first in them
        ]
        shared = " ".join(filter(None, (shared_first, rest, shared_step)))
        found.append(Blank(tuple(one for one, _ in them), tuple(own), shared))
    return tuple(found)
