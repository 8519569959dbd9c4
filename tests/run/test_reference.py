"""The reference is asked once, in the background, however many submissions wait for it."""

from __future__ import annotations

import threading
import time

import pytest

from grader.records import Evidence
from grader.run.reference import Answers, LazyAnswers, in_background, made_once


def test_a_value_is_made_once_however_many_threads_ask() -> None:
    made = []

    def make() -> int:
        time.sleep(0.02)
        made.append(1)
        return 7

    value, found = made_once(make), list[int]()
    threads = [threading.Thread(target=lambda: found.append(value())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1] and found == [7] * 5


def test_an_error_in_the_background_is_raised_for_every_reader_and_made_once() -> None:
    tried = []

    def make() -> Answers:
        tried.append(1)
        raise ValueError("no reference")

    answers = LazyAnswers(made_once(lambda: in_background(make)))
    for _ in range(2):
        with pytest.raises(ValueError, match="no reference"):
            answers["question"]
    assert tried == [1]


def test_answers_are_not_asked_for_before_somebody_reads_them() -> None:
    asked = []

    def make() -> Answers:
        asked.append(1)
        return dict[str, Evidence]()

    answers = LazyAnswers(made_once(lambda: in_background(make)))
    assert asked == []
    assert len(answers) == 0 and list(answers) == [] and asked == [1]


def test_reading_begins_at_once_and_waits_until_the_answers_are_there() -> None:
    release = threading.Event()

    def make() -> Answers:
        assert release.wait(20)
        return {}

    future = made_once(lambda: in_background(make))
    assert not future().done()
    release.set()
    assert future().result(20) == {}
