"""A thread never reads from a pipe that got the number of one that was closed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from grader.sandbox import read_end
from grader.sandbox.read_end import ReadEnd

NEIGHBOURS = b"an answer for another submission"


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Events: a thread is about to read and knows the number; it may go on."""
    about, go = threading.Event(), threading.Event()

    def late(descriptor: int, size: int) -> bytes:
        about.set()
        go.wait()
        return os.read(descriptor, size)

    class Late:
        read = staticmethod(late)

    monkeypatch.setattr(read_end, "os", Late)
    yield about, go
    go.set()


def opened() -> tuple[ReadEnd, int, int]:
    """A pipe: its read end, its write end and the number of its read end."""
    reads, writes = os.pipe()
    return ReadEnd(os.fdopen(reads, "rb")), writes, reads


def test_a_pipe_is_closed_only_after_a_thread_that_is_about_to_read_it(
    held_up: tuple[threading.Event, threading.Event],
) -> None:
    about, go = held_up
    end, writes, number = opened()
    os.close(writes)   # as when a worker ends
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(end.read(100)))
    reader.start()
    about.wait()
    closer = threading.Thread(target=end.close)
    closer.start()
    others, others_writes = os.pipe()   # gets the number, if it is free
    os.write(others_writes, NEIGHBOURS)
    go.set()
    reader.join()
    closer.join()
    assert read == [b""] and number not in (others, others_writes)
    assert os.read(others, 100) == NEIGHBOURS
    os.close(others)
    os.close(others_writes)


def test_a_closed_pipe_reads_as_ended_though_another_has_its_number() -> None:
    end, writes, number = opened()
    os.write(writes, b"the last words")
    assert end.read(100) == b"the last words"
    os.close(writes)
    end.close()
    others, others_writes = os.pipe()
    assert number in (others, others_writes)
    os.write(others_writes, NEIGHBOURS)
    assert end.read(100) == b""
    assert os.read(others, 100) == NEIGHBOURS
    os.close(others)
    os.close(others_writes)


def test_a_pipe_that_an_orphan_holds_stays_open_in_place_of_being_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_end, "_PATIENCE", 0.01)
    end, writes, number = opened()
    reader = threading.Thread(target=end.read, args=(100,))
    reader.start()
    while not end._reading.locked():
        pass
    end.close()
    assert os.fstat(number)   # nobody else gets it
    os.close(writes)
    reader.join()
    end.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
