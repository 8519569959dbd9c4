"""The data that rules exchange: what the submission consists of, and what was found."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from grader.submissions.allowlist.allowed import (
    ALIKE,
    BLOCKED_PARTS,
    NAMESAKES,
    PARTS,
    RESTRICTED,
    WHOLE,
)


@dataclass(frozen=True)
class Found:
    """Something outside the allowlist.

    Attributes:
        node: Where it is.
        what: What the code does, beginning with a verb.
        reaches: It can lead to objects that are not the code's own, such as the grader's modules.
    """

    node: ast.AST
    what: str
    reaches: bool = True


Findings = Iterator[Found]


@dataclass(frozen=True)
class Upload:
    """Facts about the whole submission that the rules use.

    Attributes:
        modules: Names of its own modules and of the handouts.
        imports: Further modules that the rubric allows.
        private: Private names that its own classes and functions define.
        exports: What imported names of its own modules stand for.
        saved: Expressions of the paths to which it saves with torch, as text.
        names: All names in each of its files; ".name" is an attribute or argument that it sets.
        writes_bytes: It may write a file in another way than by `torch.save`.
        pickles: Names of files in it that hold a pickle, or may hold one.
        zipped: It holds an archive that Python could import from.
    """

    modules: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()
    exports: dict[str, str] = field(default_factory=dict)
    saved: frozenset[str] = frozenset()
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    writes_bytes: bool = False
    pickles: tuple[str, ...] = ()
    zipped: bool = False

    def why_not(self, full: str) -> str | None:
        """Return what is wrong with an imported thing's full name, or None if it is allowed."""
        if full.startswith("."):
            return None
        if full == "sys.modules" or full.startswith("sys.modules."):
            return "reaches into sys.modules"
        parts = full.split(".")
        top = parts[0]
        if top == "cPickle":
            return None   # of Python 2: it is not there, and names of it stand for pickle
        if top == "grader":
            return "reaches for the grader's own modules"
        if top in self.imports or (top in self.modules and top not in RESTRICTED | WHOLE):
            return None
        for length in range(1, len(parts) + 1):
            here = ".".join(parts[:length])
            if here in BLOCKED_PARTS:
                return f"uses {here}"
            below = parts[length] if length < len(parts) else None
            if here in PARTS:
                if below is not None and below not in PARTS[here]:
                    return f"uses {here}.{below}"
            elif length == 1 and top not in WHOLE:
                return f"uses {top}, which is not among the usual modules"
            held = length > 1 and parts[length - 1].strip("_") in RESTRICTED - ALIKE
            if held and here not in NAMESAKES and top not in PARTS:
                return f"uses {parts[length - 1]} by way of {top}"
        return None

    def elsewhere(self, file: str) -> frozenset[str]:
        """Return all names in its other files, which may call or change what is in this one."""
        return frozenset().union(*(names for one, names in self.names.items() if one != file))

    def is_own(self, full: str) -> bool:
        """Return True for something of the submission's own files."""
        return full.startswith(".") or full.partition(".")[0] in self.modules
