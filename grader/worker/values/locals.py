"""Records the local variables of a student's functions when they return."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.worker.values.parameter_lists import Frame

_GENERATOR = 0x20   # in co_flags


class Locals:
    """Local variables of the functions in `folder` at each function's last return.

    `returned` maps each function's qualified name to what it last returned, unless that was None.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._latest: dict[str, tuple[dict[str, Any], int]] = {}
        self.returned: dict[str, Any] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record the functions that return meanwhile."""
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _profile(self, frame: types.FrameType, event: str, argument: Any) -> None:
        if event != "return" or not frame.f_code.co_filename.startswith(self._folder):
            return
        code = frame.f_code
        name = code.co_qualname
        if code.co_name.startswith("<") or code.co_flags & _GENERATOR:   # module, lambda
            return
        seen = dict(frame.f_locals)
        if argument is not None:
            seen["returned"] = argument
            self.returned[name] = argument
        self._latest.pop(name, None)
        self._latest[name] = (seen, code.co_firstlineno)

    def frames(self) -> list[Frame]:
        """One frame for each function, in the order of their last returns."""
        found = []
        for name, (values, line) in self._latest.items():
            places = dict.fromkeys(values, (0, line))
            found.append(Frame(f"{name}()", values, places))
        return found

    @property
    def called(self) -> set[str]:
        """Qualified names of the functions that returned."""
        return set(self._latest)
