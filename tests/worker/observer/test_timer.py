"""Code that never comes to a training step is ended, wherever it is."""

from __future__ import annotations

import time

import pytest

from grader.worker.observer.timer import alarm


class Rang(BaseException):
    pass


def ring() -> None:
    raise Rang


def test_a_loop_without_end_is_ended() -> None:
    with pytest.raises(Rang), alarm(0.1, ring):
        while True:
            pass


def test_a_sleep_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(Rang), alarm(0.1, ring):
        time.sleep(60)
    assert time.monotonic() - began < 30


def test_one_that_was_swallowed_rings_again() -> None:
    swallowed = 0
    with pytest.raises(Rang), alarm(0.1, ring):
        while True:
            try:
                while True:
                    pass
            except Rang:
                swallowed += 1
                if swallowed == 2:
                    raise


def test_it_is_over_when_the_code_is() -> None:
    with alarm(0.2, ring):
        pass
    time.sleep(0.4)
