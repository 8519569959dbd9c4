"""Code that never reaches a training step is interrupted, wherever it is."""

from __future__ import annotations

import time

import pytest

from grader.worker.observer.timer import alarm


class Rang(BaseException):
    pass


def ring() -> None:
    raise Rang


def test_an_endless_loop_is_interrupted() -> None:
    with pytest.raises(Rang), alarm(0.1, ring):
        while True:
            pass


def test_a_sleep_is_interrupted() -> None:
    began = time.monotonic()
    with pytest.raises(Rang), alarm(0.1, ring):
        time.sleep(60)
    assert time.monotonic() - began < 30


def test_the_alarm_rings_again_after_its_exception_was_caught() -> None:
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


def test_the_alarm_is_off_after_the_code_has_ended() -> None:
    with alarm(0.2, ring):
        pass
    time.sleep(0.4)
