"""The vocabulary and the framing between host and worker. Standard library only.

A frame is a JSON header and the raw bytes that belong to it:

    | header length, 4 bytes | blob length, 8 bytes | header, JSON in ASCII | blobs |

Lengths are big-endian and unsigned. The header is one JSON object; its `blobs` lists the length of
each blob. The reader trusts nothing: it refuses a length above its cap before it reads a byte of
it, more values than any message has, duplicate keys, NaN and infinities, numbers of more than 28
characters, lone surrogates, and nesting deeper than 24. Arrays travel as blobs and are rebuilt by
the reader with a dtype and shape of its own choosing; nothing is ever unpickled.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# host -> worker
START = "start"      # submission, data, scratch: where they are; output_bytes: cap; gpu_share
ASK = "ask"          # id, kind, args, session, seconds
CONTINUE = "continue"   # shape, stop: the reply to an INTERIM; the blob is images to predict
# worker -> host
READY = "ready"      # versions and device
LOADED = "loaded"    # a session's child has loaded the student's file (child -> supervisor only)
# Between a training's ASK and its ANSWER, where the question's args have "look": a session says
# what its network reaches by the script's own evaluation (correct, seen), or, of images that it was
# given for that, what the network predicts (classes; the blob is logits).
INTERIM = "interim"  # id, correct, seen | id, classes
ANSWER = "answer"    # id, outcome, phase, value, message, traceback, output, seconds
# supervisor <-> a session's child, after each ANSWER
CONFIRM = "confirm"      # token: a word that nobody knew while the student's code ran
CONFIRMED = "confirmed"  # token: the same

# outcomes that a worker can state
ANSWERED = "answered"
NOT_FOUND = "not_found"
EXCEPTION = "exception"
EXITED = "exited"
CRASHED = "crashed"
TIME_LIMIT = "time_limit"
BAD_ANSWER = "bad_answer"
WORKER_FAILED = "worker_failed"   # the grader's own code in the sandbox broke

MAX_HEADER = 4 * 2**20
MAX_BLOBS = 512 * 2**20          # of a question: it carries the images
MAX_ANSWER_BLOBS = 64 * 2**20    # of an answer: it carries logits
ESCAPED = 6   # bytes that one byte of text can become in a header: \u001b
_MAX_DEPTH = 24
_MAX_NUMBER = 28   # characters; the longest of a double has 24
# As text "[],[],[]" is small; as lists it is twenty times that.
_MAX_MARKS = 500_000
_MARK = re.compile(rb'"[^"]*"|[\[{,]')   # in JSON without escapes: one for each value, or more
_LENGTHS = struct.Struct(">IQ")


class FrameError(ValueError):
    """What was read is not a frame of this protocol; the text says which rule it breaks."""


def encode(message: Mapping[str, Any], blobs: Iterable[bytes] = ()) -> bytes:
    """One frame as bytes. Raises ValueError for NaN, TypeError for what JSON cannot hold."""
    blobs = tuple(blobs)
    header = dict(message) | {"blobs": [len(blob) for blob in blobs]}
    body = json.dumps(header, allow_nan=False, ensure_ascii=True).encode("ascii")
    return b"".join([_LENGTHS.pack(len(body), sum(header["blobs"])), body, *blobs])


def read_frame(
    read: Callable[[int], bytes],
    max_header: int = MAX_HEADER,
    max_blobs: int = MAX_BLOBS,
) -> tuple[dict[str, Any], tuple[bytes, ...]] | None:
    """The next frame from `read(n)`, which gives up to n bytes, or b"" at the end of the stream.

    Returns None when the stream ends between two frames. Raises FrameError for anything else that
    is not a frame.
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
    """A JSON object, strictly. Raises FrameError."""
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
    """Refuse what would be more values than any message has, before it is made into values."""
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    for number, _ in enumerate(_MARK.finditer(plain)):
        if number > _MAX_MARKS:
            raise FrameError(f"more than {_MAX_MARKS:,} values and marks in a header")


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    # One buffer, filled as bytes come: a frame that stops half-way costs what it sent, no more; and
    # one that is whole is handed over without a copy.
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
    """Depth and surrogates, without recursion: the value comes from a stranger."""
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
