"""What several threads share is made once, when the first of them needs it."""

from __future__ import annotations

import threading
import time

import pytest

from grader.run.lazy import LazyMapping, Once


def test_it_is_made_once_however_many_ask() -> None:
    made = []

    def make() -> int:
        time.sleep(0.02)
        made.append(1)
        return 7

    once, found = Once(make), list[int]()
    threads = [threading.Thread(target=lambda: found.append(once())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1] and found == [7] * 5


def test_what_goes_wrong_is_told_to_everybody_who_asks() -> None:
    tried = []

    def make() -> int:
        tried.append(1)
        raise ValueError("no data")

    once = Once(make)
    once.begin()
    for _ in range(2):
        with pytest.raises(ValueError, match="no data"):
            once()
    assert tried == [1]


def test_what_went_wrong_may_be_tried_once_more_and_what_was_made_is_not_made_again() -> None:
    tries: list[int] = []

    def make() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no engine")
        return 7

    once = Once(make)
    with pytest.raises(ValueError, match="no engine"):
        once()
    another = once.another()
    assert another() == 7
    assert another.another() is another


def test_a_lazy_mapping_is_made_when_somebody_looks_into_it() -> None:
    made = []

    def make() -> dict[str, int]:
        made.append(1)
        return {"a": 1}

    lazy = LazyMapping(Once(make))
    assert made == []
    assert dict(lazy) == {"a": 1} and lazy.get("b") is None and len(lazy) == 1
    assert made == [1]
