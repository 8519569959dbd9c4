"""A child's output can be taken at any time, also while the child goes on printing."""

from __future__ import annotations

import os
import sys

import pytest

from grader.worker.process.streams import Tail

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a pipe cannot be polled there")


@POSIX
def test_output_is_taken_while_the_writer_goes_on() -> None:
    reading, writing = os.pipe()
    stream, out = os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)
    with stream, out:
        tail = Tail(stream, cap=2**20)
        for number in range(300):   # the thread may have read it already, or not
            text = f"line {number}, " * (number % 7 * 100)
            out.write(text.encode())
            assert tail.take() == text
        out.close()
        tail._thread.join(30)
        assert not tail._thread.is_alive(), "the thread missed the end of the stream"


@POSIX
def test_a_flood_is_drained_between_two_answers_and_cut() -> None:
    reading, writing = os.pipe()
    stream, out = os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)
    with stream, out:
        tail = Tail(stream, cap=400)
        for _ in range(50):   # more than a pipe holds, before anything is taken
            view = memoryview(b"first" + b"x" * 100_000)
            while view:
                view = view[out.write(view) :]
        out.write(b"last")
        text = tail.take()
    assert text.startswith("first")
    assert text.endswith("xlast")
    assert "bytes left out" in text
    assert len(text) < 500
