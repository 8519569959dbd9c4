"""Names each step of reading a submission before it begins, so that one without an end can be told.

A file whose step went beyond the limits is skipped when the submission is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Step = tuple[str, str]   # what is done, and the file; "" for all of the submission
TOO_MUCH = "reading it takes too long or too much memory"


class Steps:
    """Tells `tell` about every step, and knows the steps that are `skipped`."""

    def __init__(
        self, skipped: Iterable[Step] = (), tell: Callable[[Step], object] | None = None
    ) -> None:
        self.skipped = frozenset(skipped)
        self._tell = tell

    def may(self, what: str, name: str = "") -> bool:
        """Announce a step; False if it has to be skipped."""
        if self._tell is not None:
            self._tell((what, name))
        return (what, name) not in self.skipped
