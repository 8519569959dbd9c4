"""Collects what was left out of a submission or renamed, in lines for the student."""

from __future__ import annotations

from grader.errors import RefusedArchive, UnreadableArchive
from grader.submissions.suffixes import is_archive, is_code, is_document

_NAMED = 3  # files that a line names


class LeftOut:
    """Files that were not taken as they are, each with the reason."""

    def __init__(self) -> None:
        self._reasons: dict[str, list[str]] = {}
        self._names: list[tuple[str, str]] = []
        self.unread: list[str] = []   # files that may hold work
        self.refused = ""   # the reason, if an archive is made to do harm

    def add(self, name: str, reason: str, *, too_large: bool = False) -> None:
        """Note a file that was left out; code, documents and archives may hold work.

        Args:
            name: The file's name, which may be hostile.
            reason: Continues the sentence "'x' was left out: ...".
            too_large: It was left out for its size, so that an archive is a data set.
        """
        self._reasons.setdefault(reason, []).append(name)
        if is_code(name) or is_document(name) or (is_archive(name) and not too_large):
            self.unread.append(name)

    def unopened(self, name: str, error: UnreadableArchive) -> None:
        """Note what cannot be opened, such as an archive; a person has to look."""
        self._reasons.setdefault(str(error), []).append(name)
        self.unread.append(name)
        if isinstance(error, RefusedArchive):
            self.refused = self.refused or str(error)

    def copy(self, name: str) -> None:
        """Note an earlier copy of a file that is there under the same name."""
        self._reasons.setdefault("it is in the archive twice, and the last counts", []).append(name)

    def renamed(self, name: str, stored: str) -> None:
        """Note that a file is stored under another name."""
        self._names.append((name, stored))

    def names(self) -> list[str]:
        """Return the names of all files that were left out."""
        return [name for names in self._reasons.values() for name in names]

    def lines(self) -> list[str]:
        """Return a line for each reason, and one for the new names."""
        found = [
            f"{_listed(names)} {'was' if len(names) == 1 else 'were'} left out: {reason}."
            for reason, names in self._reasons.items()
        ]
        if self._names:
            pairs = [f"{shown(name)} is called {shown(to)} here" for name, to in self._names]
            more = len(pairs) - _NAMED
            found.append("; ".join(pairs[:_NAMED]) + f" ({more:,} more)" * (more > 0) + ".")
        return found


def shown(name: str) -> str:
    """Return `name` for a message: quoted, short, without invisible characters."""
    return repr(name if len(name) <= 80 else name[:77] + "...")


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    if more > 1:
        return ", ".join(map(shown, names[:_NAMED])) + f" and {more:,} more files"
    return ", ".join(map(shown, names[:-1])) + " and " * (len(names) > 1) + shown(names[-1])
