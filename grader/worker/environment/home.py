"""Notes what only a student's machine has, and plans a second run as if it were here.

The first run tells the truth, so that a script which asks for the sake of speed runs as it always
did. If it ends without a result and has missed something, it is run once more, in a new process:
`torch.cuda` says that there is a GPU, or data sets say that they have as many images as the real
ones. One that then misses the other gets a third run, with both. An error that comes again in the
same place is the student's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GPU, IMAGES = "there is no GPU here", "the data here are smaller than the real ones"

# Errors that a smaller data set causes: a length that is zero, an index that is too large.
_OF_LENGTHS = (
    ArithmeticError, AssertionError, LookupError, ValueError, RuntimeError, StopIteration,
    UnboundLocalError,
)  # fmt: skip
_NEVER_OF_A_GPU = (SyntaxError, ImportError, TypeError, AttributeError)


@dataclass
class Home:
    """Things that the student's code asked for and did not find.

    Attributes:
        pretended: GPU, IMAGES, or both: this is a second run, and they are said to be here.
        first_error: in a second run, the message of the error that ended the one before.
        missed: GPU, IMAGES, or both: what the code asked for, and is not here.
        again: what to pretend in a second run; empty if the code has a result, or an error that is
            the student's.
        share: the part of each epoch that a `DataLoader` gives out.
        gpu: True if there is one. The answer of torch would not do: the code may have replaced it.
    """

    pretended: frozenset[str] = frozenset()
    first_error: str = ""
    missed: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    share: float = 1.0
    gpu: bool = True

    def begin(self, second_run: Mapping[str, Any] | None) -> None:
        """Set what is pretended; None in a first run."""
        if second_run is not None:
            self.pretended = frozenset(second_run["pretend"])
            self.first_error = second_run["error"]

    def ended(self) -> None:
        """Note that the code ended early, or without a result, and without an error."""
        self.again |= self.missed & {GPU}

    def reason(self, error: BaseException, message: str, known: str) -> str:
        """The reason, if an error is due to what this machine lacks; "" if it is the student's.

        What may be due to something that was missed is found out by a second run.

        Args:
            error: the exception that ended the code.
            message: where it was raised and which.
            known: the reason that the error itself shows; "" if none.
        """
        of_images = IMAGES in self.missed and isinstance(error, _OF_LENGTHS) and not known
        if IMAGES in self.pretended:
            return IMAGES if of_images and message != self.first_error else known
        if known == GPU or not (known or isinstance(error, _NEVER_OF_A_GPU)):
            self.ended()
        if of_images:
            self.again.add(IMAGES)
        return known

    def worth_a_second_run(self, reply: Mapping[str, Any]) -> bool:
        """True if an answer, as it goes to the host, may become another in a second run.

        A training that was evaluated has what it is judged by.
        """
        if not self.again - self.pretended:
            return False
        value = reply.get("value")
        runs = value.get("runs", ()) if isinstance(value, Mapping) else ()
        return not any(run["kind"] == "evaluate" and run["after_steps"] for run in runs)
