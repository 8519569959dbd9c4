"""The end of a pipe that one thread reads and another one closes."""

from __future__ import annotations

import os
import threading
from typing import IO

_PATIENCE = 5.0   # seconds in which a reader sees the end of a pipe whose writer is dead


class ReadEnd:
    """Reads a pipe, and closes it only while nobody reads.

    A thread that is about to read knows the pipe by the number of its descriptor. If the pipe were
    closed at that moment, the next pipe of this process would get the number, and the thread would
    take what belongs to another submission: both sides would then wait for each other.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._reading = threading.Lock()

    def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes; b"" at the end, and once it is closed. Blocks."""
        with self._reading:
            return b"" if self._stream.closed else os.read(self._stream.fileno(), size)

    def close(self) -> None:
        """Close the pipe. Its writer has ended, so a thread that reads it returns at once.

        If some other process still holds the pipe, it stays open, and so does its number.
        """
        if self._reading.acquire(timeout=_PATIENCE):
            try:
                self._stream.close()
            finally:
                self._reading.release()
