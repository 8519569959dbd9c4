"""What a system or a folder says was handed in: by whom, when, and in which files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Someone:
    """A person as a layout knows them. `identity` tells people apart where names do not."""

    identity: str
    name: str
    email: str = ""
    sid: str = ""
    canvas_id: str = ""


@dataclass(frozen=True)
class Upload:
    """One attempt, of one person or of several together. `origin` is what the system calls it, ""
    where no system does; `late` is what the system says of it where it tells no time."""

    people: tuple[Someone, ...]
    sources: tuple[Path, ...]
    attempt: int = 1
    at: datetime | None = None
    late: bool = False
    origin: str = ""

    @property
    def name(self) -> str:
        return "_".join(one.name for one in self.people)


def in_time(uploads: Iterable[Upload]) -> list[Upload]:
    """From the first to the last, by the time where each has one, else by the number."""
    found = list(uploads)
    moments = [one.at for one in found if one.at is not None]
    if len(moments) == len(found):
        return [found[i] for i in sorted(range(len(found)), key=moments.__getitem__)]
    return sorted(found, key=lambda one: one.attempt)
