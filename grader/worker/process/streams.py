"""The worker's streams: questions, answers, and the output that the student's code prints.

Student code and libraries print to file descriptors 1 and 2. The protocol therefore moves to
private descriptors before any student code is loaded.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
import threading
from typing import IO, BinaryIO

_CHUNK = 2**20   # bytes; the largest size that a Linux user can give a pipe
_WAIT = 0.2      # seconds


def take_over() -> tuple[BinaryIO, BinaryIO]:
    """Move stdin and stdout to private descriptors; 0 becomes empty and 1 becomes a copy of 2.

    Returns (questions, answers).
    """
    questions = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return questions, answers


def forbid_inspection() -> None:
    """Deny processes of the same user access to this one's memory and descriptors (Linux)."""
    if sys.platform == "linux":
        pr_set_dumpable = 4
        ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)


def write_all(stream: IO[bytes], data: bytes) -> None:
    """Write all the data, although a raw stream may write only a part at a time."""
    view = memoryview(data)
    while view:
        written = stream.write(view)
        view = view[written:]


class Tail:
    """Reads a stream in a thread and keeps its beginning and end, at most `cap` bytes in all."""

    def __init__(self, stream: IO[bytes], cap: int) -> None:
        self._stream = stream
        self._cap = cap
        self._lock = threading.Lock()
        self._ended = False
        self._forget()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _forget(self) -> None:
        self._head, self._end, self._left_out = bytearray(), bytearray(), 0

    def _drain(self) -> None:
        descriptor = self._stream.fileno()
        while not self._ended:
            if sys.platform == "win32":
                chunk = os.read(descriptor, _CHUNK)
                with self._lock:
                    self._keep(chunk)
            else:
                # Wait without the lock, so that `take` may read at any time.
                try:
                    select.select([descriptor], [], [])
                    self._read()
                except (OSError, ValueError):
                    return   # the stream was closed

    def _read(self) -> None:
        """Read all that is in the pipe now; a pipe never holds more than a chunk."""
        with self._lock:
            if not self._ended and select.select([self._stream], [], [], 0)[0]:
                self._keep(os.read(self._stream.fileno(), _CHUNK))

    def _keep(self, chunk: bytes) -> None:
        self._ended = not chunk
        room = self._cap // 4 - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._end += chunk
        surplus = len(self._end) - (self._cap - self._cap // 4)
        if surplus > 0:
            del self._end[:surplus]
            self._left_out += surplus

    def take(self) -> str:
        """Text that came since the last call, including all that is in the stream now."""
        if sys.platform == "win32":
            self._thread.join(_WAIT)   # no way to ask whether a pipe is empty: give the thread time
        else:
            self._read()
        with self._lock:
            gap = f"\n[... {self._left_out} bytes left out ...]\n" if self._left_out else ""
            text = b"".join((self._head, gap.encode(), self._end)).decode("utf-8", "replace")
            self._forget()
        return text
