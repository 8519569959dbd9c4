"""One result of `grader doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One result: what was examined, what was found, and how to fix it ("" if all is well)."""

    what: str
    state: State
    found: str
    fix: str = ""
