"""A frame arrives as it was sent; other bytes are refused before they take time or memory."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import wire
from grader.wire import FrameError, encode, parse, read_frame

LENGTHS = struct.Struct(">IQ")


def reader(data: bytes) -> Callable[[int], bytes]:
    return io.BytesIO(data).read


def framed(body: bytes, blobs: bytes = b"") -> bytes:
    return LENGTHS.pack(len(body), len(blobs)) + body + blobs


def nested(depth: int) -> bytes:
    return b'{"blobs": [], "x": ' + b"[" * depth + b"]" * depth + b"}"


class Counting:
    """A stream that counts the bytes that were requested."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)
        self.requested = 0

    def __call__(self, size: int) -> bytes:
        self.requested += size
        return self._stream.read(size)


def test_a_frame_comes_back_as_it_was_sent() -> None:
    message = {"type": "answer", "value": [1, 2.5, None, True, "é\n\u2028🙂"], "deep": {"a": {}}}
    blobs = (b"", b"\x00\xff" * 1000, b"x")
    assert read_frame(reader(encode(message, blobs))) == (message, blobs)


def test_frames_follow_each_other_until_the_stream_ends() -> None:
    read = reader(encode({"n": 1}, [b"one"]) + encode({"n": 2}))
    assert read_frame(read) == ({"n": 1}, (b"one",))
    assert read_frame(read) == ({"n": 2}, ())
    assert read_frame(read) is None


def test_a_frame_may_come_byte_by_byte() -> None:
    stream = io.BytesIO(encode({"n": 1}, [b"four"]))
    assert read_frame(lambda size: stream.read(1)) == ({"n": 1}, (b"four",))


def test_a_value_that_json_cannot_hold_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"x": float("nan")})
    with pytest.raises(TypeError):
        encode({"x": b"bytes"})


@pytest.mark.parametrize(
    ("header", "blobs", "message"),
    [(101, 0, "a header of 101 bytes; at most 100"), (10, 51, "blobs of 51 bytes; at most 50")],
)
def test_a_length_above_its_cap_is_refused_before_anything_is_read(
    header: int, blobs: int, message: str
) -> None:
    read = Counting(LENGTHS.pack(header, blobs) + b" " * 1000)
    with pytest.raises(FrameError, match=message):
        read_frame(read, max_header=100, max_blobs=50)
    assert read.requested == LENGTHS.size


def test_the_largest_lengths_that_can_be_written_are_refused() -> None:
    with pytest.raises(FrameError, match="a header of"):
        read_frame(reader(b"\xff" * LENGTHS.size))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a": 1, "a": 1}', "the same key twice"),
        (b'{"a": {"b": 1, "b": 2}}', "the same key twice"),
        (b'{"x": NaN}', "NaN is not a number"),
        (b'{"x": Infinity}', "Infinity is not a number"),
        (b'{"x": [-Infinity]}', "-Infinity is not a number"),
        (b'{"x": 1e999}', "not finite"),
        (b'{"x": -1e999}', "not finite"),
        (b'{"x": ' + b"9" * 5000 + b"}", "a number of 5000 characters"),
        (b'{"x": 0.' + b"1" * 5000 + b"}", "a number of 5002 characters"),
        (b'{"x": "\\ud800"}', "lone surrogate"),
        (b'{"\\udfff": 1}', "lone surrogate"),
        (b'{"x": "\xff"}', "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"", "not JSON"),
        (b'{"x": 1} {}', "not JSON"),
        (b'{"x": 1,}', "not JSON"),
        (b"{'x': 1}", "not JSON"),
        (b"[]", "a JSON object was expected, not list"),
        (b'"text"', "a JSON object was expected, not str"),
        (b"null", "a JSON object was expected, not NoneType"),
        (nested(24), "nested deeper than 24"),
        (nested(100_000), "not JSON|nested deeper"),
        (b'{"x":' * 100_000 + b"1" + b"}" * 100_000, "not JSON|nested deeper"),
    ],
)
def test_a_header_that_breaks_a_rule_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        read_frame(reader(framed(body)))


def test_nesting_is_allowed_up_to_its_limit() -> None:
    assert "x" in parse(nested(23))


@pytest.mark.parametrize("number", [2**64, -(2**63), -1.7976931348623157e308, 5e-324])
def test_every_number_of_64_bits_is_allowed(number: float) -> None:
    assert parse(json.dumps({"x": number}).encode()) == {"x": number}


@pytest.mark.parametrize("kept", [1, 11, 12, 20, -1])
def test_a_frame_that_stops_half_way_is_refused(kept: int) -> None:
    frame = encode({"type": "answer"}, [b"12345678"])
    with pytest.raises(FrameError, match="the stream ended after"):
        read_frame(reader(frame[:kept]))


@pytest.mark.parametrize(
    "blobs",
    [None, 3, "3", {"0": 3}, [3.0], [True, 2], [-1, 4], [None], [[3]]],
    ids=json.dumps,
)
def test_blobs_are_a_list_of_lengths(blobs: object) -> None:
    with pytest.raises(FrameError, match="'blobs' is not a list of lengths"):
        read_frame(reader(framed(json.dumps({"blobs": blobs}).encode(), b"abc")))


def test_a_header_without_blobs_is_refused() -> None:
    with pytest.raises(FrameError, match="'blobs' is not a list of lengths"):
        read_frame(reader(framed(b"{}")))


@pytest.mark.parametrize("lengths", [[2], [3, 1], [], [2**63]])
def test_lengths_of_blobs_add_up_to_what_the_frame_says(lengths: list[int]) -> None:
    body = json.dumps({"blobs": lengths}).encode()
    with pytest.raises(FrameError, match=f"add up to {sum(lengths)}, the frame says 3"):
        read_frame(reader(framed(body, b"abc")))


def only_frame_errors(data: bytes) -> None:
    try:
        found = read_frame(reader(data), max_header=2**16, max_blobs=2**16)
    except FrameError:
        return
    assert found is None if not data else found is not None


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_a_frame_or_a_frame_error(data: bytes) -> None:
    only_frame_errors(data)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_an_arbitrary_header_gives_a_frame_or_a_frame_error(body: bytes, blobs: bytes) -> None:
    only_frame_errors(framed(body, blobs))


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20)
    | st.floats(allow_nan=True, allow_infinity=True),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), plain_values, max_size=4), plain_values)
def test_arbitrary_json_gives_a_frame_or_a_frame_error(
    message: dict[str, object], blobs: object
) -> None:
    only_frame_errors(framed(json.dumps(message | {"blobs": blobs}).encode()))


def peak(data: bytes, **caps: int) -> int:
    """The most memory, in bytes, that reading takes in addition to the stream itself."""
    read = reader(data)
    tracemalloc.start()
    try:
        read_frame(read, **caps)
    except FrameError:
        pass
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most


# Pieces of JSON that are small as text and large as values.
pieces = st.sampled_from(
    [b"[],", b"{},", b"[[],[]],", b'"ab",', b'"\\u0100",', b"1.5,", b"null,", b'{"a":[]},', b"[",
     b'"', b"\\", b'\\"', b"\xc3\xa9", b"12345,", b'{"a":', b"]", b"}"]
)
CAP = 2**18


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(pieces, st.integers(1, 100_000)), max_size=4), st.binary(max_size=50))
def test_no_bytes_take_more_memory_than_a_multiple_of_the_cap(
    parts: list[tuple[bytes, int]], more: bytes
) -> None:
    body = b"".join(piece * count for piece, count in parts)[: CAP - 60] + more
    full = b'{"blobs": [], "x": [' + body + b"0]}"
    for data in (framed(full[:CAP]), framed(body), body):
        assert peak(data, max_header=CAP, max_blobs=CAP) < 40 * CAP


@pytest.mark.parametrize(
    "piece", [b"[],", b"{},", b'"ab",', b'{"a":{}},', b"[[[]]],", b'"\\ud83d\\ude00",']
)
def test_the_largest_header_takes_less_than_48_mib(piece: bytes) -> None:
    body = b'{"blobs": [], "x": [' + piece * (wire.MAX_HEADER // len(piece) - 20) + b"0]}"
    assert peak(framed(body)) < 48 * 2**20


def test_the_largest_honest_answer_fits_in_a_header() -> None:
    table = [[f"layer{number}.weight", number] for number in range(4000)]
    tables = [{"frame": 0, "name": "counts", "pairs": table, "cell": 0, "line": 0}] * 20
    read_frame(reader(encode({"type": "answer", "value": {"tables": tables}})))


def test_brackets_within_text_are_not_counted() -> None:
    printed = '[[{,"\\' * 100_000
    found = read_frame(reader(encode({"output": printed})), max_header=2**24)
    assert found is not None and found[0]["output"] == printed


def test_blobs_are_read_without_a_second_copy() -> None:
    blob = bytes(2**24)
    assert peak(encode({}, [blob])) < 1.5 * len(blob)


def test_a_frame_shorter_than_its_length_takes_only_its_own_memory() -> None:
    assert peak(LENGTHS.pack(2, wire.MAX_BLOBS) + b"{}" + b"x" * 1000) < 2**20
    body = json.dumps({"blobs": [wire.MAX_BLOBS]}).encode()
    assert peak(LENGTHS.pack(len(body), wire.MAX_BLOBS) + body + b"x" * 1000) < 2**20
