"""The reference is asked once, in the background, however many submissions wait for it."""

from __future__ import annotations

import threading
import time

import pytest

from grader.records import Evidence
from grader.run.reference import Answers, ReferenceAnswers, begun_once


def test_a_value_is_made_once_however_many_threads_ask() -> None:
    made = []

    def make() -> int:
        time.sleep(0.02)
        made.append(1)
        return 7

    future, found = begun_once(make), list[int]()
    threads = [threading.Thread(target=lambda: found.append(future().result())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1] and found == [7] * 5


def test_an_error_in_the_background_is_raised_for_every_reader_and_made_once() -> None:
    tried = []

    def ask() -> Answers:
        tried.append(1)
        raise ValueError("no reference")

    answers = ReferenceAnswers(ask)
    for _ in range(2):
        with pytest.raises(ValueError, match="no reference"):
            answers["question"]
    assert tried == [1]


def test_answers_are_not_asked_for_before_somebody_reads_them() -> None:
    asked = []

    def ask() -> Answers:
        asked.append(1)
        return dict[str, Evidence]()

    answers = ReferenceAnswers(ask)
    assert answers.retried() is answers and asked == []
    assert len(answers) == 0 and list(answers) == [] and asked == [1]


def test_asking_begins_at_once_and_reading_waits_until_the_answers_are_there() -> None:
    release = threading.Event()

    def ask() -> Answers:
        assert release.wait(20)
        return {}

    answers = ReferenceAnswers(ask)
    assert not answers.begin().done()
    release.set()
    assert answers.begin().result(20) == {}


def test_a_reference_that_has_answered_is_not_asked_again() -> None:
    asked = []

    def ask() -> Answers:
        asked.append(1)
        return {}

    answers = ReferenceAnswers(ask)
    answers.begin()
    assert answers.retried() is answers
    assert len(answers.retried()) == 0 and asked == [1]


def test_a_reference_that_failed_is_asked_again_and_never_twice_at_a_time() -> None:
    at_a_time, most, tried = [0], [0], [0]

    def ask() -> Answers:
        at_a_time[0] += 1
        most[0] = max(most[0], at_a_time[0])
        tried[0] += 1
        time.sleep(0.05)
        at_a_time[0] -= 1
        if tried[0] == 1:
            raise ValueError("lost")
        return {}

    answers = ReferenceAnswers(ask)
    answers.begin()
    again = answers.retried()
    assert again is not answers and len(again) == 0
    assert (most, tried) == ([1], [2])
