"""What a child prints is there as soon as it is asked for, whether the child goes on or not."""

from __future__ import annotations

import os
import sys

import pytest

from grader.worker.process.streams import Tail

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there the thread is waited for")


@POSIX
def test_what_is_in_the_pipe_is_taken_though_the_writer_goes_on() -> None:
    reading, writing = os.pipe()
    stream, out = os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)
    with stream, out:
        tail = Tail(stream, cap=2**20)
        for number in range(300):   # each time the thread may be at it, or not yet
            text = f"line {number}, " * (number % 7 * 100)
            out.write(text.encode())
            assert tail.take() == text
        out.close()
        tail._thread.join(30)
        assert not tail._thread.is_alive(), "the end of the stream was taken for a silence"


@POSIX
def test_a_flood_is_drained_between_two_answers_and_cut() -> None:
    reading, writing = os.pipe()
    stream, out = os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)
    with stream, out:
        tail = Tail(stream, cap=400)
        for _ in range(50):   # more than a pipe holds: nobody has taken anything yet
            view = memoryview(b"first" + b"x" * 100_000)
            while view:
                view = view[out.write(view) :]
        out.write(b"last")
        text = tail.take()
    assert text.startswith("first")
    assert text.endswith("xlast")
    assert "bytes left out" in text
    assert len(text) < 500
