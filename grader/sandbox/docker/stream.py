"""Reads and writes the three standard streams of a container over the engine's one socket.

stdout and stderr arrive in one stream of frames:

    | stream, 1 byte | zeros, 3 bytes | length, 4 bytes, big-endian | that many bytes |

A thread separates them. It stops reading while its buffer is full, so a worker that floods is
slowed down and uses no more memory here. But an attached client that does not read makes the
engine's `kill` and `inspect` hang for minutes, so call `discard` before those.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import Any

_HEADER = struct.Struct(">BxxxL")
_STDERR = 2
_PIECE = 2**16
_BUFFER = 8 * 2**20        # of stdout, waiting to be read
_STDERR_TAIL = 2**16


class Streams:
    """Writes a container's stdin, reads its stdout, and keeps the last part of its stderr."""

    def __init__(self, attached: Any) -> None:
        """Start to read. `attached` is from docker-py's `attach_socket`, before the start."""
        self._attached = attached   # owns the socket, which is closed when this is collected
        self._socket = getattr(attached, "_sock", attached)
        self._socket.settimeout(None)
        self._stdout = bytearray()
        self._stderr = b""
        self._ended = self._discarding = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._drain, name="container-streams", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Write all of `data` to stdin. Raises OSError if nobody reads it any more."""
        self._socket.sendall(data)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes of stdout, and b"" at its end. Blocks."""
        with self._changed:
            self._changed.wait_for(lambda: self._stdout or self._ended)
            piece = bytes(self._stdout[:size])
            del self._stdout[:size]
            self._changed.notify_all()
            return piece

    @property
    def stderr(self) -> str:
        """The last 64 KiB of the worker's own stderr."""
        with self._changed:
            return self._stderr.decode(errors="replace")

    @property
    def ended(self) -> bool:
        """True once both output streams have ended."""
        with self._changed:
            return self._ended

    def discard(self) -> None:
        """Drop all further output; what is in the buffer can still be read."""
        with self._changed:
            self._discarding = True
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Make every write fail at once, also one that has begun.

        The engine keeps the stdin of an ended container open, and a write to it would block for
        minutes.
        """
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection: stdin is closed, and a reader gets the end of the stream."""
        self.discard()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        # The response first: it flushes what it wraps, and raises if that is already closed.
        getattr(self._attached, "_response", self._attached).close()
        self._attached.close()
        self._socket.close()

    def _drain(self) -> None:
        # A stream that breaks off, as when the engine stops, ends like any other; the engine is
        # asked how the container ended.
        with suppress(OSError, ValueError), self._socket.makefile("rb", _PIECE) as source:
            while len(header := source.read(_HEADER.size)) == _HEADER.size:
                stream, size = _HEADER.unpack(header)
                while size and (piece := source.read1(min(size, _PIECE))):
                    size -= len(piece)
                    self._keep(stream, piece)
        self.hang_up()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _keep(self, stream: int, piece: bytes) -> None:
        with self._changed:
            if stream == _STDERR:
                self._stderr = (self._stderr + piece)[-_STDERR_TAIL:]
                return
            self._changed.wait_for(lambda: self._discarding or len(self._stdout) < _BUFFER)
            if not self._discarding:
                self._stdout += piece
                self._changed.notify_all()
