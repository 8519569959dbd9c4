"""The three standard streams of a container, over the one socket that the engine gives.

What comes is stdout and stderr, interleaved in pieces of their own framing:

    | stream, 1 byte | zeros, 3 bytes | length, 4 bytes, big-endian | that many bytes |

A thread takes them apart. It stops reading while its buffer is full, so a worker that floods is
slowed down and costs no memory here; but an attached client that does not read makes the engine's
`kill` and `inspect` hang for minutes, so `discard` has to come before those.
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
    """Writes a container's stdin; reads its stdout; keeps the tail of its stderr."""

    def __init__(self, attached: Any) -> None:
        """`attached` is what docker-py's `attach_socket` returned, before the container started."""
        self._attached = attached   # owns the socket: it is closed when this is collected
        self._socket = getattr(attached, "_sock", attached)
        self._socket.settimeout(None)
        self._stdout = bytearray()
        self._stderr = b""
        self._ended = self._discarding = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._drain, name="container-streams", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """All of `data` to stdin. Raises OSError when nobody listens any more."""
        self._socket.sendall(data)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of stdout; b"" at its end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stdout or self._ended)
            piece = bytes(self._stdout[:size])
            del self._stdout[:size]
            self._changed.notify_all()
            return piece

    @property
    def stderr(self) -> str:
        """The last of what the worker itself complained about."""
        with self._changed:
            return self._stderr.decode(errors="replace")

    @property
    def ended(self) -> bool:
        """Whether everything has come that will ever come."""
        with self._changed:
            return self._ended

    def discard(self) -> None:
        """From now on drop what comes; what is in the buffer can still be read."""
        with self._changed:
            self._discarding = True
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Write no more. The engine keeps the stdin of a dead container open, and a write to it
        would block for minutes; after this it fails at once, also one that has begun.
        """
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Let go of the container; its stdin is closed by this, and a reader gets its end."""
        self.discard()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        # The response first: it flushes what it wraps, and complains when that is closed already.
        getattr(self._attached, "_response", self._attached).close()
        self._attached.close()
        self._socket.close()

    def _drain(self) -> None:
        # A stream that breaks off, as when the engine goes away, ends like any other; how the
        # container ended is for the engine to say.
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
