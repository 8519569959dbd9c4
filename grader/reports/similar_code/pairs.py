"""The pairs of submissions whose code is similar, and the file `similar.json` that keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from grader.errors import UsageError
from grader.text import plain_line, write_text

NAME, PAGE = "similar.json", "similar.html"


@dataclass(frozen=True)
class MatchedFile:
    """Stretches of lines, first and last, that also occur on the other side."""

    name: str
    lines: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Side:
    """One of the two submissions.

    Attributes:
        students: The keys of those who handed it in.
        submission: The name of the attempt, as in `grades.json`.
        share: The share of its own code that also occurs on the other side, from 0 to 1.
        files: The files with such code.
    """

    students: tuple[str, ...]
    submission: str
    share: float
    files: tuple[MatchedFile, ...]


@dataclass(frozen=True)
class Pair:
    """Two submissions with similar code; `tokens` is how much code they share."""

    tokens: int
    left: Side
    right: Side

    @property
    def share(self) -> float:
        """The greater of the two shares."""
        return max(self.left.share, self.right.share)

    @property
    def students(self) -> tuple[str, ...]:
        """The keys of all students of both sides."""
        return self.left.students + self.right.students


@dataclass(frozen=True)
class SimilarCode:
    """The outcome of one comparison of a class.

    Attributes:
        at: When it was made.
        threshold: The share from which a pair is listed.
        common: Code of more submitters than this was left out.
        submissions: How many attempts were compared.
        common_share: The share of all code that was left out because so many have it.
        left_out: A line for each submission that could not be compared, in whole or in part.
        pairs: The most similar first.
    """

    at: str
    threshold: float
    common: int
    submissions: int
    common_share: float
    left_out: tuple[str, ...]
    pairs: tuple[Pair, ...]


_FILE = TypeAdapter(SimilarCode)


def write_pairs(out: Path, found: SimilarCode) -> None:
    """Write `similar.json` into a results folder."""
    write_text(out / NAME, [_FILE.dump_json(found, indent=1).decode(), "\n"])


def read_pairs(out: Path) -> SimilarCode | None:
    """Return what `similar.json` of a results folder has; None if there is no such file.

    Raises UsageError if it cannot be read.
    """
    try:
        return _FILE.validate_json((out / NAME).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise UsageError(f"{out / NAME}: cannot be read: {plain_line(str(error), 200)}. Run "
                         "`grader similar` again, or delete the file") from None


def names_of(students: Iterable[str], names: dict[str, str]) -> str:
    """Return the students' names, each with the key; `names` are the roster's by key."""
    words = (f"{names[one]} ({one})" if names.get(one) else one for one in students)
    return ", ".join(plain_line(one, 110) for one in words)
