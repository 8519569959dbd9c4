"""Decides how often questions that the harness lost are put again, and after how many seconds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from grader import wire
from grader.records import Evidence
from grader.sandbox.outcomes import HELD_UP, NO_NODE_LEFT, NODE_LOST

# Seconds before a question that the harness failed to ask is repeated: soon for a container that
# was lost, then late enough for an engine that is being restarted.
PAUSES = (1.0, 10.0)
# Times that a submission moves to another machine because its own went away: a submission that
# takes machines down with it must leave some to the others.
MOVES = 2
MOVE_SECONDS = 1.0   # until the pool knows, too, that the machine is gone
# A worker that reports its own failure may be lying for a student, and one that was held up has
# cost much time: one repetition is enough.
REPEATED_ONCE = (wire.WORKER_FAILED, HELD_UP)


@dataclass
class Tries:
    """Counts how often lost questions of one submission were put again.

    Attributes:
        repeated: Repetitions after a failure of the harness.
        moved: Repetitions only because a machine went away; they use up none of the others.
    """

    repeated: int = 0
    moved: int = 0

    def may_repeat(self, evidence: Evidence) -> bool:
        """Say whether this answer was lost and may be asked for again."""
        if evidence.outcome.kind in REPEATED_ONCE and self.repeated:
            return False
        return evidence.outcome.owner == "harness"

    def pause(self, kinds: Collection[str], *, absent: bool) -> float | None:
        """Count one more try and return the seconds until it; None: there is none.

        Args:
            kinds: The outcomes of the lost questions.
            absent: No worker can be started at all. Another machine may still start one.
        """
        if NO_NODE_LEFT in kinds:
            return None
        if set(kinds) == {NODE_LOST}:
            self.moved += 1
            return MOVE_SECONDS if self.moved <= MOVES else None
        if absent or self.repeated == len(PAUSES):
            return None
        self.repeated += 1
        return PAUSES[self.repeated - 1]
