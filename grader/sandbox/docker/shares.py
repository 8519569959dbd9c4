"""Divides the processor among a run's containers: those that have their turn come first.

A container that gets ready has next to no weight while another one of the run has its turn. While
none has, it has full weight: otherwise it would starve on a machine that others use too.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from grader.errors import SandboxError
from grader.sandbox.docker.engine import Engine, engine_errors

FULL, READY = 1024, 32


class Shares:
    """The weights of a run's containers, by name. May be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: dict[str, int] = {}   # the weight of each container that gets ready
        self._in_turn: set[str] = set()

    @property
    def of_a_new_one(self) -> int:
        """The weight of a container that is about to be created."""
        return READY if self._in_turn else FULL

    def is_held_back(self, name: str) -> bool:
        """True while the container gets ready beside one that has its turn."""
        return bool(self._in_turn) and name in self._ready

    def started(self, engine: Engine, name: str, weight: int) -> None:
        """Note a container that was created with this weight and gets ready."""
        with self._lock:
            self._ready[name] = weight
            self._weigh_ready(engine)

    def in_turn(self, engine: Engine, name: str) -> None:
        """Give a container its full weight. Raises SandboxError if the engine does not do so."""
        with self._lock:
            if self._ready.pop(name, FULL) != FULL:
                _weigh(engine, name, FULL)
            self._in_turn.add(name)
            self._weigh_ready(engine)

    def ended(self, engine: Engine, name: str) -> None:
        """Note that a container has ended, with its turn."""
        with self._lock:
            self._ready.pop(name, None)
            self._in_turn.discard(name)
            self._weigh_ready(engine)

    def _weigh_ready(self, engine: Engine) -> None:
        weight = self.of_a_new_one
        for name, before in self._ready.items():
            if before != weight:
                with suppress(SandboxError):   # its conversation finds out how it ended
                    _weigh(engine, name, weight)
                self._ready[name] = weight


def _weigh(engine: Engine, name: str, weight: int) -> None:
    with engine_errors(f"giving {name} its share of the processor"):
        engine.api.update_container(name, cpu_shares=weight)
