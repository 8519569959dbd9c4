"""The protocol between host and worker: message types and frames. Standard library only.

A frame is a JSON header followed by raw bytes:

    | header length, 4 bytes | blob length, 8 bytes | header, JSON in ASCII | blobs |

Lengths are big-endian and unsigned. The header is one JSON object; its `blobs` lists the length of
each blob. The reader refuses a length above its cap before it reads that many bytes, more values
than any message has, duplicate keys, NaN and infinities, numbers of more than 28 characters, lone
surrogates, and nesting deeper than 24. Arrays travel as blobs; the reader chooses their dtype and
shape. Nothing is ever unpickled.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# host -> worker
START = "start"      # submission, data, scratch: folders; output_bytes: cap; gpu_share; gpu: lent
# `second_run` is added by the supervisor: what to pretend, and the error of the first run.
ASK = "ask"          # id, kind, args, session, seconds, second_run
OVER = "over"        # id: the time for this question is over; the answer is due at once
CONTINUE = "continue"   # shape, stop: the reply to an INTERIM; the blob holds images to predict
# worker -> host
READY = "ready"      # versions
LOADED = "loaded"    # a session's child has loaded the student's file (child -> supervisor only)
# Between a training's ASK and its ANSWER, if the question's args have "look": a session reports its
# network's score by the script's own evaluation (correct, seen), or the network's predictions for
# images that it was given (classes; the blob holds logits).
INTERIM = "interim"  # id, correct, seen | id, classes
RECORD = "record"    # number, events: what a training does (child -> supervisor only)
ANSWER = "answer"    # id, outcome, phase, value, message, traceback, output
# supervisor <-> a session's child, after each ANSWER
CONFIRM = "confirm"      # token: a random text that is made after the student's code ran
CONFIRMED = "confirmed"  # token: the same

# outcomes in an ANSWER
ANSWERED = "answered"
NOT_FOUND = "not_found"
EXCEPTION = "exception"
EXITED = "exited"
CRASHED = "crashed"
TIME_LIMIT = "time_limit"
BAD_ANSWER = "bad_answer"
ENVIRONMENT = "environment"       # this machine lacks something that a student's machine has
WORKER_FAILED = "worker_failed"   # the grader's own code in the sandbox failed

MAX_HEADER = 4 * 2**20
MAX_BLOBS = 512 * 2**20          # bytes of a question's blobs: images
MAX_ANSWER_BLOBS = 64 * 2**20    # bytes of an answer's blobs: logits
MAX_NAME = 200                   # characters of a name in an answer; see `short`
_ENDS = 95                       # characters that `short` keeps of each end
ESCAPED = 6   # most bytes that one byte of text takes in a header: \u001b
_MAX_DEPTH = 24
_MAX_NUMBER = 28   # characters; a double has at most 24
# The text "[],[],[]" takes twenty times its size as lists.
_MAX_TOKENS = 500_000
_TOKEN = re.compile(rb'"[^"]*"|[\[{,]')   # at least one for each value of JSON without escapes
_LENGTHS = struct.Struct(">IQ")


class FrameError(ValueError):
    """The bytes are not a frame of this protocol; the text names the rule that they break."""


def short(name: str) -> str:
    """Shorten a name to `MAX_NAME` characters; its ends stay, and different names stay different.

    No homework has such names: a variable's name of a megabyte would take minutes to judge.
    """
    if len(name) <= MAX_NAME:
        return name
    digest = zlib.crc32(name.encode("utf-8", "replace"))
    return f"{name[:_ENDS]}…{digest:08x}…{name[-_ENDS:]}"


def encode(message: Mapping[str, Any], blobs: Iterable[bytes] = ()) -> bytes:
    """Encode one frame. Raises ValueError for NaN, TypeError for a value that JSON cannot hold."""
    blobs = tuple(blobs)
    header = dict(message) | {"blobs": [len(blob) for blob in blobs]}
    body = json.dumps(header, allow_nan=False, ensure_ascii=True).encode("ascii")
    return b"".join([_LENGTHS.pack(len(body), sum(header["blobs"])), body, *blobs])


def read_frame(
    read: Callable[[int], bytes],
    max_header: int = MAX_HEADER,
    max_blobs: int = MAX_BLOBS,
) -> tuple[dict[str, Any], tuple[bytes, ...]] | None:
    """Read the next frame.

    Args:
        read: `read(n)` returns 1 to n bytes, or b"" at the end of the stream.
        max_header: most bytes of a header.
        max_blobs: most bytes of all blobs.

    Returns:
        The header without `blobs`, and the blobs; None if the stream ends between two frames.

    Raises:
        FrameError: the bytes are not a frame.
    """
    start = read(1)
    if not start:
        return None
    header_size, blob_size = _LENGTHS.unpack(start + _exactly(read, _LENGTHS.size - 1))
    if header_size > max_header:
        raise FrameError(f"a header of {header_size} bytes; at most {max_header} are read")
    if blob_size > max_blobs:
        raise FrameError(f"blobs of {blob_size} bytes; at most {max_blobs} are read")
    message = parse(_exactly(read, header_size))
    sizes = message.pop("blobs", None)
    if not isinstance(sizes, list) or any(type(n) is not int or n < 0 for n in sizes):
        raise FrameError("'blobs' is not a list of lengths")
    if sum(sizes) != blob_size:
        raise FrameError(f"the blobs' lengths add up to {sum(sizes)}, the frame says {blob_size}")
    return message, tuple(_exactly(read, size) for size in sizes)


def parse(body: bytes) -> dict[str, Any]:
    """Parse a header, a JSON object, by the rules above. Raises FrameError."""
    _count(body)
    try:
        message = json.loads(
            body.decode("ascii"),
            parse_int=_number(int),
            parse_float=_number(float),
            parse_constant=_no_constant,
            object_pairs_hook=_no_duplicates,
        )
    except FrameError:
        raise
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from None
    if not isinstance(message, dict):
        raise FrameError(f"a JSON object was expected, not {type(message).__name__}")
    _check(message)
    return message


def _count(body: bytes) -> None:
    """Refuse a header with more values than any message has, before the values are made."""
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    for number, _ in enumerate(_TOKEN.finditer(plain)):
        if number > _MAX_TOKENS:
            raise FrameError(f"more than {_MAX_TOKENS:,} values and brackets in a header")


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    # One buffer grows as bytes come: a frame that stops half-way takes the memory of the bytes that
    # came, and a whole one is returned without a copy.
    data = io.BytesIO()
    while missing := size - data.tell():
        chunk = read(min(missing, 2**20))
        if not chunk:
            raise FrameError(f"the stream ended after {data.tell()} of {size} bytes")
        data.write(chunk)
    return data.getvalue()


def _number(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if len(text) > _MAX_NUMBER:
            raise FrameError(f"a number of {len(text)} characters")
        value = convert(text)
        if not math.isfinite(value):
            raise FrameError(f"a number that is not finite: {text}")
        return value

    return read


def _no_constant(name: str) -> Any:
    raise FrameError(f"{name} is not a number that is accepted")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FrameError("an object with the same key twice")
    return found


def _check(value: Any) -> None:
    """Check depth and surrogates, without recursion, since a value may be nested deeply."""
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise FrameError(f"nested deeper than {_MAX_DEPTH}")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, dict):
            for key, inner in item.items():
                _check_text(key)
                waiting.append((inner, depth + 1))
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise FrameError("a string with a lone surrogate") from None
