"""An attempt as a folder layout or another system describes it: submitters, time, files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grader.submissions.safe_writer import kind


@dataclass(frozen=True)
class Submitter:
    """A person who submitted; `identity` distinguishes people with the same name."""

    identity: str
    name: str
    email: str = ""
    sid: str = ""
    canvas_id: str = ""


@dataclass(frozen=True)
class Upload:
    """One attempt, of one person or of a group.

    Attributes:
        late: the system marks it as late.
        origin: the system's name for it; "" if it comes from no system.
    """

    people: tuple[Submitter, ...]
    sources: tuple[Path, ...]
    attempt: int = 1
    at: datetime | None = None
    late: bool = False
    origin: str = ""

    @property
    def is_empty(self) -> bool:
        """No source is there: the system lists the attempt without its files."""
        return all(kind(source) == "missing" for source in self.sources)

    @property
    def name(self) -> str:
        """The names of all submitters, joined."""
        return "_".join(one.name for one in self.people)


def oldest_first(uploads: Iterable[Upload]) -> list[Upload]:
    """Sort attempts by time if each has one, else by number."""
    found = list(uploads)
    times = [one.at for one in found if one.at is not None]
    if len(times) == len(found):
        return [found[i] for i in sorted(range(len(found)), key=times.__getitem__)]
    return sorted(found, key=lambda one: one.attempt)
