"""A limit in seconds means the same on an idle machine and on a busy one."""

from __future__ import annotations

import pytest

from grader import stopwatch
from grader.stopwatch import LONGEST, WALL, Stopwatch, unknown


class Machine:
    """A clock on the wall and the processor time of some code, both in seconds."""

    def __init__(self) -> None:
        self.wall, self.spent = 100.0, 7.0

    def run(self, watch: Stopwatch, seconds: float, share: float) -> float:
        """Let time pass in which the code gets a share of a processor, with a look each second."""
        for _ in range(int(seconds)):
            self.wall += 1
            self.spent += share
            watch.look()
        return watch.used


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(stopwatch, "monotonic", lambda: machine.wall)
    return machine


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2, 0.1])
def test_as_much_is_computed_in_a_second_however_many_others_want_the_processor(
    machine: Machine, share: float
) -> None:
    watch = Stopwatch(lambda: machine.spent)
    assert machine.run(watch, 30 / share - 1, share) < 30 and not watch.is_over(30)
    machine.run(watch, 2, share)
    assert watch.is_over(30) and not watch.is_crowded(30)


def test_sleeping_and_waiting_for_input_cost_time_as_they_do_on_an_idle_machine(
    machine: Machine,
) -> None:
    watch = Stopwatch(lambda: machine.spent)
    assert machine.run(watch, 10, 0.0) == pytest.approx(10)
    assert machine.run(watch, 10, 0.01) == pytest.approx(20)


def test_two_threads_have_twice_the_processor_time(machine: Machine) -> None:
    watch = Stopwatch(lambda: machine.spent, threads=2)
    assert machine.run(watch, 10, 2.0) == pytest.approx(10)
    assert machine.run(watch, 10, 0.4) == pytest.approx(12)


def test_a_stretch_in_which_nobody_could_look_is_not_charged_as_idleness(machine: Machine) -> None:
    """The grader was suspended, or busy with another student's notebook; the code had answered."""
    watch = Stopwatch(lambda: machine.spent)
    machine.wall += 300
    assert watch.look() == LONGEST and not watch.is_over(30)
    machine.wall, machine.spent = machine.wall + 300, machine.spent + 300
    assert watch.look() == LONGEST + 300, "code that computed meanwhile has used that time"


def test_code_that_gets_hardly_any_of_the_processor_ends_at_last_and_is_told_apart(
    machine: Machine,
) -> None:
    watch = Stopwatch(lambda: machine.spent)
    machine.run(watch, WALL * 30, 0.06)
    assert watch.used < 30 and watch.is_over(30) and watch.is_crowded(30)


def test_all_time_counts_where_processor_time_is_not_known(machine: Machine) -> None:
    assert machine.run(Stopwatch(unknown), 10, 0.1) == pytest.approx(10)


def test_a_measure_that_fails_for_a_moment_is_charged_once(machine: Machine) -> None:
    failing = iter([False, True, False, False])
    watch = Stopwatch(lambda: None if next(failing) else machine.spent)
    assert machine.run(watch, 3, 0.2) == pytest.approx(2.2)
